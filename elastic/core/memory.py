"""What must outlive a tick: one record for each server we asked for, one for each group.

The ledger stores exactly these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from elastic.core.override import Override
from elastic.core.resources import Resources
from elastic.core.uses import Excuse, Oddity, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """A drain of ours. Written with the nonce before the startd is asked; the rest once it has answered.

    `started` is the startd's DaemonStartTime: with another start time the drain died with its startd.
    """

    nonce: str
    asked_at: float
    request_id: str | None = None
    started: int | None = None
    confirmed_at: float | None = None


class WishKind(StrEnum):
    """What an operator may ask of one worker.

    Leave when empty, leave after its jobs, leave now with its jobs killed.
    """

    DRAIN = "drain"
    DRAIN_BUSY = "drain_busy"
    FORCE = "force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An operator's wish for one worker; it stays until the worker is gone or the wish is taken back."""

    kind: WishKind
    author: str
    reason: str
    asked_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """All that is remembered of one worker; its `name` is also the intent id that its server's metadata carries.

    Times are seconds since the epoch on the daemon's own clock. A field that names an intent (`requested_at`,
    `drain.asked_at`, `fence_asked_at`, `delete_asked_at`) is saved *before* the call it stands for.
    """

    name: str
    group: str
    requested_at: float
    server_id: str | None = None
    active_at: float | None = None
    joined_at: float | None = None
    vanished_at: float | None = None
    machine: str = ""
    address: str = ""
    started: int = 0
    drain: Drain | None = None
    fence_asked_at: float | None = None
    delete_asked_at: float | None = None
    delete_reason: str = ""
    delete_begun_at: float | None = None
    missing_since: float | None = None
    failed_at: float | None = None
    failure: str = ""
    console: str = ""
    wish: Wish | None = None
    protected_by: str = ""
    quarantine: str = ""
    failed_starts: int = 0
    failed_clusters: tuple[str, ...] = ()
    busy_seen: bool = False
    counted: bool = False
    foreign_drain: str = ""
    cleared_at: float | None = None
    passed_over_until: float = 0.0
    passed_over_seconds: float = 0.0
    passed_over_reason: str = ""
    odd: Oddity | None = None
    excuse: Excuse | None = None

    @property
    def is_leftover(self) -> bool:
        """Whether something computes here that HTCondor knows nothing of, and no operator has said to ignore it."""
        return self.odd is not None and self.odd.use is Use.LEFTOVER and not self.is_excused

    @property
    def is_excused(self) -> bool:
        """Whether an operator has said to ignore what HTCondor and CPU differ about now, not an earlier time."""
        return self.odd is not None and self.excuse is not None and self.odd.since <= self.excuse.at

    def passed_over(self, now: float) -> str:
        """Why its removal is not begun again yet, after one that could not be carried out; empty when it may be."""
        return f"its removal failed: {self.passed_over_reason}" if now < self.passed_over_until else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A machine ad that stands for a worker of a group that has nothing on it: its text and what it offers in all.

    Shape: `ad` is a ClassAd in its own text form, with Cpus, Memory, Disk, GPUs set to their totals. Where it is empty
    the adapter makes one, with `attributes` in it: ClassAd expressions by name.
    """

    ad: str
    resources: Resources
    learned: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddWorker:
    """A worker that was not taken as its group's template, for it was far smaller than configured; `reason` says so."""

    worker: str
    total: Resources
    joined_at: float
    reason: str


class BreakerState(StrEnum):
    """closed = boots as wanted; open = none until `next_canary_at`; canary = one boot is being watched."""

    CLOSED = "closed"
    OPEN = "open"
    CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Failed boots of one group in a row, and what follows from them."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    next_canary_at: float = 0.0
    backoff_seconds: float = 0.0
    canary: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Futile:
    """A job shape that waits beside free room of a group: watched, then (from `until` on its end) no demand there."""

    cycles: int
    idle: int
    running: int
    queue_stamp: str
    until: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSeen:
    """The size that the cloud's own group was last seen to be told to have, and the mark of our last request then."""

    desired: int
    stamp: str = ""


NO_TEXT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMemory:
    """All that is remembered of one worker group.

    `recommendations` are (time, workers) inside the stabilisation window.
    """

    group: str
    template: Template | None = None
    breaker: Breaker = Breaker()
    boot_allowance: int = 10
    batch_joined: int = 0
    backoff_until: float = 0.0
    backoff_seconds: float = 0.0
    backoff_reason: str = ""
    join_seconds: tuple[float, ...] = ()
    drain_seconds: tuple[float, ...] = ()
    futile: Mapping[str, Futile] = field(default_factory=dict)
    recommendations: tuple[tuple[float, int], ...] = ()
    policy_memory: str = ""
    scale_down_stopped: str = ""
    odd: OddWorker | None = None
    template_learned_at: float = 0.0
    template_dropped_at: float = 0.0
    template_dropped_reason: str = ""
    size: SizeSeen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything that the ledger holds, as one value; workers and groups are keyed by name.

    `tick` is the number of the last tick begun, `sequence` the last worker number given; both only grow.
    `last_cycle` is the negotiator's newest cycle seen (its own clock). `blind_until` is when the pool was last blind,
    `blind_since` when that blindness began (None = not blind now).
    `accepted_ledgers` are the identities of other ledgers whose servers an operator has declared to be ours.
    """

    ledger: str
    pool: str
    workers: Mapping[str, WorkerRecord] = field(default_factory=dict)
    groups: Mapping[str, GroupMemory] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    tick: int = 0
    sequence: int = 0
    last_cycle: int = 0
    blind_since: float | None = None
    blind_until: float | None = None
    last_now: float = 0.0
    misfits_named: tuple[str, ...] = ()
    accepted_ledgers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChange:
    """What one step changes, saved as one transaction: whole records replace those of the same name.

    `forgotten` workers leave the fleet (the ledger keeps them as history). `overrides` are new, each in the place of
    one of its group and kind. Scalars are None where they stay as they are.
    """

    workers: tuple[WorkerRecord, ...] = ()
    groups: tuple[GroupMemory, ...] = ()
    forgotten: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    overrides_ended: tuple[str, ...] = ()
    tick: int | None = None
    sequence: int | None = None
    last_cycle: int | None = None
    blind: tuple[float | None, float | None] | None = None
    last_now: float | None = None
    misfits_named: tuple[str, ...] | None = None
    events: tuple["Event", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in one sentence, for `elastic events`.

    `kind` is a short word such as joined or drained.
    """

    at: float
    kind: str
    text: str
    group: str = ""
    worker: str = ""
