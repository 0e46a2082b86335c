"""The root of what simulations raise on purpose."""

from elastic.core.errors import ElasticError


class SimulationError(ElasticError):
    """Something cannot be simulated as asked; the text says what to do next."""
