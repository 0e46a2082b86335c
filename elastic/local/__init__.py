"""Real HTCondor daemons on one machine: fetch them, run a pool of them, and servers that are process trees."""
