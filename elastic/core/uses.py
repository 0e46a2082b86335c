"""What a worker is by HTCondor's view of it and its CPU: the one table, and what is remembered where the two differ."""

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What becomes of a worker's cores."""

    WORKING = "working"
    WAITING = "waiting"
    LEFTOVER = "leftover"
    FREE = "free"

    __hash__ = str.__hash__  # Enum computes it in Python, and these are keys for thousands of workers a tick.


TABLE: dict[tuple[bool, bool], Use] = {
    (True, True): Use.WORKING,
    (True, False): Use.WAITING,
    (False, True): Use.LEFTOVER,
    (False, False): Use.FREE,
}
"""(HTCondor: something is claimed; CPU: there is load) -> what the worker is. HTCondor alone decides what is busy."""

UNMEASURED: dict[bool, Use] = {True: Use.WORKING, False: Use.FREE}
"""(HTCondor: something is claimed) -> what the worker is where nothing is known of its CPU."""

ODD = frozenset({Use.WAITING, Use.LEFTOVER})
"""Uses in which HTCondor and CPU differ. Both keep: none of them ever makes a worker a victim."""

CLAIMED: dict[Use, bool] = {use: claimed for (claimed, _), use in TABLE.items()}
"""What HTCondor says of a worker of each use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """HTCondor and CPU differ: what that makes of the worker, and since when it was seen, on our clock."""

    use: Use
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """An operator's word that a leftover is to be ignored: that one, and no later one on the same worker."""

    author: str
    reason: str
    at: float
