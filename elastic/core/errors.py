"""The root of all errors that are raised on purpose; apart from the ports, so that a small simulation starts fast."""


class ElasticError(Exception):
    """The text says what to do next."""
