"""What can go wrong in the one-machine pool."""

from __future__ import annotations

from elastic.ports import ElasticError


class LocalError(ElasticError):
    """The one-machine pool could not do what was asked; the message says why and what would help."""


class LimitReached(LocalError):
    """One server more would exceed what the folder of servers was given; the message names the resource."""


class NoSuchServer(LocalError):
    """There is no server of this id (any more)."""
