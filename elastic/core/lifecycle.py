"""The life of a worker: phases, the one table that derives them, and the edges that may be seen between two ticks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastic.core.observation import ServerStatus


class Phase(StrEnum):
    """Where a worker is in its life; derived anew each tick, never stored."""

    REQUESTED = "requested"
    BOOTING = "booting"
    JOINING = "joining"
    READY = "ready"
    DRAINING = "draining"
    DRAINED = "drained"
    FOREIGN_DRAIN = "foreign_drain"
    LOST = "lost"
    FAILED = "failed"
    DELETING = "deleting"
    GONE = "gone"

    __hash__ = str.__hash__  # Enum computes it in Python, and these are keys for ten thousand workers a tick.


class Listing(StrEnum):
    """What the cloud says of a worker's server, with what we remember: the rows of the table."""

    UNLISTED = "asked for, not listed yet"
    BUILDING = "building"
    NEVER_JOINED = "active, never joined"
    JOINED = "active, joined before"
    STOPPED = "stopped"
    STOPPED_JOINED = "stopped, joined before"
    ERROR = "error"
    ERROR_JOINED = "error, joined before"
    OTHER = "any other status"
    OTHER_JOINED = "any other status, joined before"
    DELETING = "deletion asked, still listed"
    MISSING = "not found"

    __hash__ = str.__hash__  # Enum computes it in Python, and these are keys for ten thousand workers a tick.


class Ad(StrEnum):
    """What HTCondor says of a worker's machine: the columns of the table."""

    NONE = "none"
    SERVING = "idle or busy"
    DRAINING = "draining"
    DRAINED = "drained"
    FOREIGN = "somebody else's drain"

    __hash__ = str.__hash__  # Enum computes it in Python, and these are keys for ten thousand workers a tick.


@dataclass(frozen=True, slots=True)
class Cell:
    """A phase; with a timer, the phase that follows once the worker has been in it for that long.

    `timer` names the GroupSpec field in seconds; `flagged` marks a status that makes the worker no victim.
    """

    phase: Phase
    timer: str = ""
    after: Phase | None = None
    flagged: bool = False


def _row(none: Cell, *, flagged: bool = False) -> dict[Ad, Cell]:
    return {
        Ad.NONE: none,
        Ad.SERVING: Cell(Phase.READY, flagged=flagged),
        Ad.DRAINING: Cell(Phase.DRAINING, flagged=flagged),
        Ad.DRAINED: Cell(Phase.DRAINED, flagged=flagged),
        Ad.FOREIGN: Cell(Phase.FOREIGN_DRAIN, flagged=flagged),
    }


def _always(phase: Phase) -> dict[Ad, Cell]:
    return {ad: Cell(phase) for ad in Ad}


_JOINING = Cell(Phase.JOINING, "join_seconds", Phase.FAILED)
_LOST = Cell(Phase.LOST, "lost_seconds", Phase.FAILED)

TABLE: dict[Listing, dict[Ad, Cell]] = {
    Listing.UNLISTED: _row(Cell(Phase.REQUESTED, "launch_seconds", Phase.FAILED)),
    Listing.BUILDING: _row(Cell(Phase.BOOTING, "boot_seconds", Phase.FAILED)),
    Listing.NEVER_JOINED: _row(_JOINING),
    Listing.JOINED: _row(_LOST),
    Listing.STOPPED: {**_always(Phase.LOST), Ad.NONE: Cell(Phase.FAILED)},
    Listing.STOPPED_JOINED: {**_always(Phase.LOST), Ad.NONE: _LOST},
    Listing.ERROR: _row(Cell(Phase.FAILED), flagged=True),
    Listing.ERROR_JOINED: _row(_LOST, flagged=True),
    Listing.OTHER: _row(Cell(Phase.JOINING, "join_seconds", Phase.FAILED, flagged=True), flagged=True),
    Listing.OTHER_JOINED: _row(Cell(Phase.LOST, "lost_seconds", Phase.FAILED, flagged=True), flagged=True),
    Listing.DELETING: _always(Phase.DELETING),
    Listing.MISSING: {**_always(Phase.LOST), Ad.NONE: Cell(Phase.GONE), Ad.DRAINED: Cell(Phase.GONE)},
}
"""Server status x machine ad -> phase. A missing key is an error, not a default."""

LISTINGS: dict[tuple[ServerStatus, bool], Listing] = {
    (ServerStatus.BUILDING, False): Listing.BUILDING,
    (ServerStatus.BUILDING, True): Listing.JOINED,
    (ServerStatus.ACTIVE, False): Listing.NEVER_JOINED,
    (ServerStatus.ACTIVE, True): Listing.JOINED,
    (ServerStatus.STOPPED, False): Listing.STOPPED,
    (ServerStatus.STOPPED, True): Listing.STOPPED_JOINED,
    (ServerStatus.ERROR, False): Listing.ERROR,
    (ServerStatus.ERROR, True): Listing.ERROR_JOINED,
    (ServerStatus.OTHER, False): Listing.OTHER,
    (ServerStatus.OTHER, True): Listing.OTHER_JOINED,
    (ServerStatus.DELETING, False): Listing.DELETING,
    (ServerStatus.DELETING, True): Listing.DELETING,
}
"""(server status, did it ever join) -> row of the table."""

UPCOMING = frozenset({Phase.REQUESTED, Phase.BOOTING, Phase.JOINING})
"""Workers that answer demand although they run nothing yet."""

CAPACITY = UPCOMING | {Phase.READY}
"""Workers that a target counts. LOST counts too, in its first minutes only (see WorkerGroup.counted)."""

TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.REQUESTED: frozenset(Phase),
    Phase.BOOTING: frozenset(Phase) - {Phase.REQUESTED},
    Phase.JOINING: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING},
    Phase.READY: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING, Phase.JOINING},
    Phase.DRAINING: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING, Phase.JOINING},
    Phase.DRAINED: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING, Phase.JOINING},
    Phase.FOREIGN_DRAIN: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING, Phase.JOINING},
    Phase.LOST: frozenset(Phase) - {Phase.REQUESTED, Phase.BOOTING, Phase.JOINING},
    Phase.FAILED: frozenset(Phase) - {Phase.REQUESTED},
    Phase.DELETING: frozenset(Phase) - {Phase.REQUESTED},  # A deletion that found it alive is taken back.
    Phase.GONE: frozenset({Phase.GONE}),
}
"""What may follow what between two ticks. Time may pass unseen, so edges skip phases; none leads back before a join."""


def classify(listing: Listing, ad: Ad, seconds_in: float, timers: Mapping[str, float]) -> tuple[Phase, bool]:
    """The phase of a worker and whether it is flagged; `seconds_in` is its age in the state that the timer watches."""
    cell = TABLE[listing][ad]
    if cell.after is not None and seconds_in >= timers[cell.timer]:
        return cell.after, cell.flagged
    return cell.phase, cell.flagged
