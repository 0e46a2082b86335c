"""What the ports report, exactly as seen: servers, machines, queues, negotiation and load; no judgement lives here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from elastic.core.resources import NOTHING, Resources

T_co = TypeVar("T_co", covariant=True)

EMPTY: Mapping[str, str] = MappingProxyType({})


class ServerStatus(StrEnum):
    """What the cloud says of a server; every cloud's own words are translated into one of these at the edge."""

    BUILDING = "building"
    ACTIVE = "active"
    STOPPED = "stopped"
    ERROR = "error"
    DELETING = "deleting"
    OTHER = "other"

    __hash__ = str.__hash__  # Enum computes it in Python, and these are keys for ten thousand workers a tick.


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server that carries our pool's tag, whoever asked for it.

    `worker` and `ledger` are what its metadata says: the worker name (= intent id) and the identity of the ledger that
    asked for it. They identify; they never authorise.
    """

    id: str
    name: str
    group: str
    status: ServerStatus
    worker: str | None = None
    ledger: str | None = None
    raw_status: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """All servers of the pool, from every page of the list."""

    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many more servers of one group the cloud would accept now; None = it does not say."""

    workers_left: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSize:
    """One group that the cloud itself keeps at a size, such as a stack's: what it is told to have, and who is in it.

    `desired` is None when it cannot be read now. `written` is what we asked for last, as the cloud remembers it (None =
    it does not); `stamp` is another one after each request of ours, and is only compared. `members` are server ids.
    `changing` says why nothing may be asked of it now; empty when something may.
    """

    desired: int | None
    written: int | None = None
    stamp: str = ""
    members: frozenset[str] = frozenset()
    changing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSeen:
    """A drain as the startd shows it. Request ids start again at 1 with every startd.

    Compare the start time as well.
    """

    reason: str
    request_id: str
    drained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One startd with all its slots added up, as the collector shows it.

    `idle_seconds` is measured on the startd's own clock (None while claimed), so is `claimed_seconds`, for how long at
    least something has been claimed (None while nothing is); `ad_age_seconds` (since the collector heard from it) on
    the collector's; `stamp` and `started` are opaque: they are
    compared for equality, never subtracted from a time of another machine.
    """

    name: str
    address: str
    server_id: str | None
    worker: str | None
    template: str
    claimed: bool
    jobs: int
    idle_seconds: float | None
    started: int
    stamp: int
    total: Resources
    free: Resources
    drain: DrainSeen | None = None
    accepts_jobs: bool = True
    ad_age_seconds: float = 0.0
    claimed_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Every startd of the pool, ours or not; `collector_age_seconds` is by the collector's own clock.

    `template_ads` maps each machine's `template` id to the text of one whole ad of that kind, with Cpus, Memory, Disk
    and GPUs set
    to their totals: the last joined worker's becomes its group's template. A kind whose ad is not fetched yet is
    absent.
    """

    machines: tuple[Machine, ...]
    collector_age_seconds: float | None = None
    template_ads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobShape:
    """Jobs of one schedd that ask for the same: counts, and where one of them would start.

    `fits` maps a template id to what one job takes there; `misfits` says for other templates why it would never start.
    `idle` counts materialised idle jobs, `hidden` those that a job factory has not made yet but would at once.
    `queue_stamp` changes when jobs of the shape are added to the queue; it is only compared.
    """

    id: str
    idle: int
    running: int = 0
    hidden: int = 0
    request: Resources = NOTHING
    fits: Mapping[str, Resources] = field(default_factory=dict)
    misfits: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    oldest_wait_seconds: float | None = None
    concurrency_limits: tuple[tuple[str, float], ...] = ()
    accounting_group: str = ""
    example: str = ""
    queue_stamp: str = ""
    last_reject_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheddQueue:
    """What one schedd holds. A schedd that did not answer repeats its last queue with its age and the error.

    `expired`: it has been silent for so long that neither its jobs nor its silence count any more.
    `expected_core_seconds`: run time left times cpus of all its vanilla jobs together, as estimated; None where nobody
    estimates, as on every real schedd.
    """

    schedd: str
    shapes: tuple[JobShape, ...]
    other_universes: Mapping[str, int] = field(default_factory=dict)
    held: int = 0
    running: int = 0
    age_seconds: float = 0.0
    error: str = ""
    expired: bool = False
    expected_core_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The queues of all schedds asked, sorted by name."""

    schedds: tuple[ScheddQueue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiation:
    """What the negotiator itself says. `cycles` are start times of its last cycles on its own clock, oldest first.

    `limits` maps a concurrency limit (lower case) to its maximum. `group_quotas` maps an accounting group *without
    surplus* to (static quota, use), both in weighted slots.
    """

    cycles: tuple[int, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    group_quotas: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended execution of a job on a machine, from a schedd's history.

    `failed` = non-zero exit, signal or no start.
    """

    machine: str
    cluster: str
    failed: bool
    evicted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A startd's own answer, asked at its address; `answered` False = silent (refused or no answer in time)."""

    answered: bool
    claimed: bool = False
    drain: DrainSeen | None = None
    started: int = 0
    error: str = ""

    @property
    def silent(self) -> bool:
        """Nothing answered at that address: necessary, never sufficient, for calling a worker gone."""
        return not self.answered


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsOnWorkers:
    """Which jobs (status 2, 3, 6, 7) name which machine in RemoteHost, over all schedds.

    `complete` is False when any schedd did not answer: then an empty answer proves nothing.
    """

    jobs: Mapping[str, tuple[str, ...]]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """CPU use per worker, 0..1 of all its cpus, with the age of the newest sample.

    `cores` is the same in cores. Each sample is a mean over `spans` (s), which ended `ages` seconds ago; of workers
    that are absent there: `span_seconds`, `age_seconds`.
    """

    by_worker: Mapping[str, float]
    age_seconds: float = 0.0
    cores: Mapping[str, float] = field(default_factory=dict)
    ages: Mapping[str, float] = field(default_factory=dict)
    spans: Mapping[str, float] = field(default_factory=dict)
    span_seconds: float = 0.0


class AlarmState(StrEnum):
    """What the cloud's monitoring says of an alarm."""

    OK = "ok"
    ALARM = "alarm"
    UNKNOWN = "insufficient data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm of the cloud's monitoring that belongs to a group; `severity` is the cloud's own word."""

    name: str
    state: AlarmState
    severity: str = ""


Alarms = Mapping[str, tuple[Alarm, ...]]
"""By group, its alarms, sorted by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading(Generic[T_co]):
    """One source at one tick.

    Its newest value (None = never answered), the value's age, and this tick's failure if any.
    """

    value: T_co | None
    age_seconds: float = 0.0
    error: str = ""
    error_type: str = ""
    misses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is asked in a second round, about single workers: servers by id, startds directly, jobs by machine name."""

    lookups: tuple[str, ...] = ()
    inspections: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers to `Questions`.

    `lookups` maps a server id to the server, or to None when the cloud said that there is none; ids whose question
    failed are absent. `inspections` is keyed by worker name. `jobs` is None when not asked.
    """

    lookups: Mapping[str, Server | None] = field(default_factory=dict)
    inspections: Mapping[str, Inspection] = field(default_factory=dict)
    jobs: JobsOnWorkers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Everything that was asked at one tick; the input of `assemble`.

    `load` is None where nothing is measured, `alarms` where nobody watches, `sizes` where the cloud keeps no groups of
    its own.
    """

    machines: SourceReading[Machines]
    servers: SourceReading[Servers]
    queue: SourceReading[Queue]
    negotiation: SourceReading[Negotiation]
    quotas: SourceReading[Mapping[str, Quota]]
    load: SourceReading[Load] | None = None
    sizes: SourceReading[Mapping[str, GroupSize]] | None = None
    alarms: SourceReading[Alarms] | None = None
    attempts: tuple[Attempt, ...] = ()
    answers: Answers = Answers()
