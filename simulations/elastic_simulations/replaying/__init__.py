"""Recorded ticks of a live daemon through another policy: what it would have wanted, open loop."""
