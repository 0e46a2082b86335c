"""The one-machine cloud: a real OpenStack control plane whose servers are real HTCondor workers."""
