"""The demonstration: a real pool on this machine that grows with a burst of jobs and shrinks to zero."""
