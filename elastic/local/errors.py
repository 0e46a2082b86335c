"""What can go wrong in the one-machine pool."""

from __future__ import annotations


class LocalError(Exception):
    """The one-machine pool could not do what was asked; the message says why and what would help."""
