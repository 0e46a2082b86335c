"""Servers on OpenStack: one world, whose worker groups each choose how their servers are made."""
