"""What an operator may impose on a group for a stated time.

A closed set of values, each with scope, expiry, author, reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class OverrideKind(StrEnum):
    """pause = do nothing; pin = exactly this many; floor = at least; ceiling = at most."""

    PAUSE = "pause"
    PIN = "pin"
    FLOOR = "floor"
    CEILING = "ceiling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One wish of an operator for one group ("*" = every group); `workers` is None for a pause.

    A group has at most one override of a kind: a new one replaces the old one of its kind.
    """

    id: str
    group: str
    kind: OverrideKind
    workers: int | None
    author: str
    reason: str
    created_at: float
    expires_at: float

    def describe(self) -> str:
        """The override in a few words, for a reason."""
        what = self.kind.value if self.workers is None else f"{self.kind.value} {self.workers}"
        return f"{what} by {self.author} ({self.reason})"


ORDER = (OverrideKind.PIN, OverrideKind.CEILING, OverrideKind.FLOOR, OverrideKind.PAUSE)


def in_force(overrides: Iterable[Override], group: str, now: float) -> tuple[Override, ...]:
    """The overrides of `group` that hold at `now`, in the order in which they apply: pin, ceiling, floor, pause."""
    holding = [o for o in overrides if o.group in (group, "*") and o.created_at <= now < o.expires_at]
    return tuple(sorted(holding, key=lambda o: (ORDER.index(o.kind), o.group != "*", o.created_at, o.id)))
