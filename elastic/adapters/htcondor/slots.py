"""From slot ads to machines: the slots of one startd added up; how the ads were got is not known here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from elastic.adapters.htcondor.values import is_number
from elastic.core.observation import DrainSeen
from elastic.core.resources import NOTHING, Resources

SERVER = "ElasticServerId"
WORKER = "ElasticWorker"
ATTRIBUTES = (
    "Name",
    "MyAddress",
    "SlotType",
    "State",
    "Activity",
    "Cpus",
    "Memory",
    "Disk",
    "GPUs",
    "TotalSlotCpus",
    "TotalSlotMemory",
    "TotalSlotDisk",
    "TotalSlotGPUs",
    "NumDynamicSlots",
    "NumDynamicSlotsTime",
    "EnteredCurrentState",
    "MyCurrentTime",
    "DaemonStartTime",
    "LastHeardFrom",
    "Draining",
    "DrainReason",
    "DrainingRequestId",
    "Start",
    SERVER,
    WORKER,
)
"""Everything that `read` looks at; the constraint of a query may name only these."""

CLAIMED = frozenset({"Claimed", "Matched", "Preempting"})
MB_KB = 1024


class Slot(NamedTuple):
    """One slot, partitionable, static or dynamic, with what matters of it."""

    name: str
    address: str
    partitionable: bool
    dynamic: bool
    claimed: bool
    drained: bool
    jobs: int
    total: Resources
    free: Resources
    idle_since: int | None
    now: int
    started: int
    heard: int
    drain: tuple[str, str] | None
    accepts: bool
    server_id: str | None
    worker: str | None
    kind: str


def read(ad: Mapping[str, object], kind: str = "") -> Slot:
    """One slot ad. A value that is missing, undefined or an expression counts as unknown, never as free."""
    get = _Reader(ad).get
    form = get("SlotType", "Static")
    partitionable, dynamic = form == "Partitionable", form == "Dynamic"
    state = get("State", "")
    inside = _int(get("NumDynamicSlots"))
    cpus, all_cpus = _int(get("Cpus")), _int(get("TotalSlotCpus"))
    claimed = state in CLAIMED or inside > 0
    idle = get("Activity") == "Idle"
    drained = state == "Drained" and idle and inside == 0
    # A claim without a job waits for its owner's next: room, or each gap between two short jobs asks for a server.
    waits_for_a_job = state == "Claimed" and idle and not partitionable
    has = Resources(cpus, _int(get("Memory")), _int(get("Disk")) // MB_KB, _int(get("GPUs")))
    whole = Resources(
        all_cpus or cpus,
        _int(get("TotalSlotMemory")) or has.memory_mb,
        _int(get("TotalSlotDisk")) // MB_KB or has.disk_mb,
        _int(get("TotalSlotGPUs")) or has.gpus,
    )
    name = str(get("Name"))
    draining = get("Draining") is True
    return Slot(
        name=name.partition("@")[2] or name,
        address=str(get("MyAddress", "")),
        partitionable=partitionable,
        dynamic=dynamic,
        claimed=claimed,
        drained=drained,
        jobs=inside if partitionable else int(claimed),
        total=NOTHING if dynamic else whole,
        free=has if partitionable or waits_for_a_job or not (dynamic or claimed) else NOTHING,
        idle_since=_since(get("NumDynamicSlotsTime" if partitionable else "EnteredCurrentState")),
        now=_int(get("MyCurrentTime")),
        started=_int(get("DaemonStartTime")) or _int(get("MonitorSelfTime")) - _int(get("MonitorSelfAge")),
        heard=_int(get("LastHeardFrom")),
        drain=(_text(get("DrainReason")), str(get("DrainingRequestId", ""))) if draining or drained else None,
        accepts=get("Start") is not False,
        server_id=_text(get(SERVER)) or None,
        worker=_text(get(WORKER)) or None,
        kind=kind,
    )


Startd = tuple[str, str]
"""Name and address."""
Row = tuple[object, ...]
"""A Machine's fields in their order, `total` and `free` as plain tuples: a process hands over thousands of them.

In place of `idle_seconds` stands for how long it has been idle, or claimed where it is. The last is when the collector
heard of it, by the collector's clock, in place of the age.
"""


def row(slots: Sequence[Slot], busy_at: int = 0) -> Row:
    """One startd with all its slots; `busy_at` is when it was last seen claimed, on its own clock.

    The first ad after a job may still count the idle time from the job's beginning.
    """
    first = slots[0]
    whole = first if len(slots) == 1 else min(slots, key=lambda s: (s.dynamic, not s.partitionable, s.name))
    total, free = whole.total, whole.free
    claimed, jobs = whole.claimed, whole.jobs
    accepts, heard, drained = whole.accepts, whole.heard, whole.drained
    if len(slots) > 1:
        mine = [slot for slot in slots if not slot.dynamic]
        total, free = _sum(slot.total for slot in mine), _sum(slot.free for slot in slots)
        claimed, jobs = any(slot.claimed for slot in slots), sum(slot.jobs for slot in mine)
        accepts, heard = any(slot.accepts for slot in mine), max(slot.heard for slot in slots)
        drained = all(slot.drained for slot in slots)
    drain = next((slot.drain for slot in slots if slot.drain is not None), None)
    return (
        whole.name,
        whole.address,
        whole.server_id,
        whole.worker,
        whole.kind,
        claimed,
        jobs,
        _claimed_seconds(slots) if claimed else _idle_seconds(slots, busy_at),
        whole.started,
        whole.now,
        tuple(total),
        tuple(free),
        None if drain is None else (*drain, drained),
        accepts and drain is None,
        heard,
    )


def by_startd(slots: Iterable[Slot]) -> Mapping[Startd, tuple[Slot, ...]]:
    """Slots grouped by their startd: its name and address, for two startds may share either one."""
    groups: dict[Startd, tuple[Slot, ...]] = {}
    for slot in slots:
        key = (slot.name, slot.address)
        groups[key] = (*groups[key], slot) if key in groups else (slot,)
    return groups


def drain_of(slots: Sequence[Slot]) -> DrainSeen | None:
    """The drain that a startd shows; drained only if every one of its slots is, a dynamic one left over included."""
    seen = next((slot.drain for slot in slots if slot.drain is not None), None)
    if seen is None:
        return None
    return DrainSeen(reason=seen[0], request_id=seen[1], drained=all(slot.drained for slot in slots))


def _idle_seconds(slots: Sequence[Slot], busy_at: int) -> float | None:
    """Since the last slot fell idle, by the startd's own clock; None if any slot does not say."""
    idle = [None if slot.idle_since is None else slot.now - max(slot.idle_since, busy_at) for slot in slots]
    known = [seconds for seconds in idle if seconds is not None]
    return float(max(0, min(known))) if len(known) == len(idle) else None


def _claimed_seconds(slots: Sequence[Slot]) -> float | None:
    """For how long at least something has been claimed: since the oldest claim, where the slots say."""
    since = [slot.now - slot.idle_since for slot in slots if slot.claimed and slot.idle_since is not None]
    return float(max(0, *since)) if since else None


def _sum(parts: Iterable[Resources]) -> Resources:
    total = NOTHING
    for part in parts:
        total = total.plus(part)
    return total


class _Reader:
    """Attributes of one ad by name; several times faster than the mapping's own `get`, and there are many ads."""

    __slots__ = ("_item",)

    def __init__(self, ad: Mapping[str, object]) -> None:
        self._item = ad.__getitem__

    def get(self, name: str, default: object = None) -> object:
        try:
            return self._item(name)
        except KeyError:
            return default


def _int(value: object) -> int:
    return int(value) if is_number(value) else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _since(value: object) -> int | None:
    return int(value) if is_number(value) and value > 0 else None
