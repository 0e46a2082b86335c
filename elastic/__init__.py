"""The elastic batch autoscaler for HTCondor on OpenStack."""

__version__ = "0.1.0"
