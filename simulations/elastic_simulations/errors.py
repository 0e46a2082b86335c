"""The root of what simulations raise on purpose."""

from elastic.core.errors import ElasticError, WrongUsage


class SimulationError(ElasticError):
    """Something cannot be simulated as asked; the text says what to do next."""


class UsageError(SimulationError, WrongUsage):
    """An option or setting cannot be what was given."""
