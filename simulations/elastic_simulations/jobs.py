"""Jobs, their clusters and the log of what happened to them; who runs them, and where, lives elsewhere."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

from elastic_simulations.specs import JobSpec, Kind
from elastic_simulations.timeline import Event


class JobStatus(IntEnum):
    """HTCondor's JobStatus."""

    IDLE = 1
    RUNNING = 2
    REMOVED = 3
    COMPLETED = 4
    HELD = 5


@dataclass(slots=True, eq=False)
class Cluster:
    """One submission: `count` jobs; a factory keeps at most `max_idle` of them idle (None = all at once)."""

    id: int
    schedd: str
    spec: JobSpec
    count: int
    max_idle: int | None = None
    materialize_limit: int | None = None
    paused: bool = False
    next_proc: int = 0
    idle: int = 0
    queued: int = 0
    kind: Kind = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.spec.kind

    @property
    def hidden(self) -> int:
        """Jobs that do not exist yet, but would at once if they could start."""
        if self.paused or self.max_idle is None:
            return 0
        unmade = self.count - self.next_proc
        room = unmade if self.materialize_limit is None else self.materialize_limit - self.queued
        return max(0, min(unmade, room))


@dataclass(slots=True, eq=False)
class Job:
    """One job; `order` is its place in the file, `machine` what RemoteHost names."""

    id: str
    cluster: Cluster
    submit_us: int
    order: int
    run_us: int
    status: JobStatus = JobStatus.IDLE
    machine: str = ""
    waiting: int = 0
    first_start_us: int | None = None
    started_us: int | None = None
    end_us: int | None = None
    executes: int = 0
    evictions: int = 0
    disconnected: bool = False
    ending: Event | None = None
    begun: bool = False

    @property
    def id_in_pool(self) -> str:
        """Its id with its schedd's name: two schedds number alike."""
        return f"{self.cluster.schedd}#{self.id}"

    @property
    def busy_millicpus(self) -> int:
        """Thousandths of a cpu that it keeps busy while it runs."""
        return round(1000 * self.spec.request.cpus * self.spec.cpu_efficiency)

    @property
    def spec(self) -> JobSpec:
        """What it asks for."""
        return self.cluster.spec


class JobEvent(StrEnum):
    """The lines of HTCondor's event log that matter here."""

    SUBMIT = "submit"
    EXECUTE = "execute"
    TERMINATE = "terminate"
    EVICT = "evict"
    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"
    HOLD = "hold"
    REMOVE = "remove"


class LogLine(NamedTuple):
    """What happened to a job, when (microseconds of the world), on which machine and why."""

    at_us: int
    event: JobEvent
    job: str
    machine: str = ""
    reason: str = ""


class JobLog:
    """Every job event of a world, oldest first; a test counts here what a job lost."""

    def __init__(self) -> None:
        """Start empty; `listeners` are told each line as it is written, `jobs` are all that ever were submitted."""
        self.lines: list[LogLine] = []
        self.jobs: list[Job] = []
        self.listeners: list[Callable[[LogLine], None]] = []

    def add(self, line: LogLine) -> None:
        """Something has happened."""
        self.lines.append(line)
        for hear in self.listeners:
            hear(line)

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self.lines)

    def count(self, event: JobEvent) -> int:
        """How often this happened, to whichever job."""
        return sum(line.event is event for line in self.lines)

    def by_job(self, event: JobEvent) -> Counter[str]:
        """How often this happened to each job."""
        return Counter(line.job for line in self.lines if line.event is event)

    def restarted(self) -> tuple[str, ...]:
        """Jobs that were started more than once, sorted: what a worker killed under a job leaves behind."""
        return tuple(sorted(job for job, times in self.by_job(JobEvent.EXECUTE).items() if times > 1))
