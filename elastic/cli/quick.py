"""Commands that start in tens of milliseconds, found by entry point, without the machinery of the command line."""

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution

from elastic.core.errors import ElasticError, WrongUsage

GROUP = "elastic.quick"
"""Of our own distribution: looking at all that are installed takes as long as such a command."""

INTERRUPTED = 130
"""What shells expect of a command that was interrupted."""

Quick = Callable[[list[str]], bool]
"""Given the words after the command; False when they are not all understood: the full command line then says why."""


def done(words: list[str]) -> bool:
    """Whether the command was carried out; its errors are one line and exit code 1, or 2 for wrong usage."""
    if not words or words[0].startswith("-"):
        return False
    try:
        found = distribution("elastic").entry_points.select(group=GROUP, name=words[0])
    except PackageNotFoundError:
        return False
    try:
        return any(entry.load()(words[1:]) for entry in found)
    except ElasticError as error:
        print(f"elastic: {error}", file=sys.stderr)
        raise SystemExit(2 if isinstance(error, WrongUsage) else 1) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
