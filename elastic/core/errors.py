"""The root of all errors that are raised on purpose; apart from the ports, so that a small simulation starts fast."""


class ElasticError(Exception):
    """The text says what to do next."""


class WrongUsage(ElasticError):
    """What was asked for makes no sense: for whoever asked to mend, before anything is done."""
