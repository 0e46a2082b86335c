"""The routes, by what they are for: reading, writing, and whether the daemon works."""
