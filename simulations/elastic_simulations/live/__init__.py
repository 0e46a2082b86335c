"""From a running daemon into the simulator: its workers and its queue as they are now, its jobs as they have been."""
