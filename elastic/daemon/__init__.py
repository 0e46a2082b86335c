"""The long-lived service: the parts put together, the scheduler's loop, signals, health."""
