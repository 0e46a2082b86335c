"""Policies side by side on common random numbers: paired differences, their intervals, and what is left of chance."""
