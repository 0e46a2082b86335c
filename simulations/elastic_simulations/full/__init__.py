"""A trace or a scenario through the full world: the daemon's own controller, measured like the fast engine's runs."""
