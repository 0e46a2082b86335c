"""The protocols between the controller and the world, and the typed errors that may cross them.

Every call may be repeated. Observations never change anything. A call that raises `Transient` may or may not have taken
effect: the caller's intent, written before, finds out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from elastic.core.errors import ElasticError as ElasticError  # noqa: PLC0414 - the ports' callers find it here
from elastic.core.memory import Memory, MemoryChange, Template, WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import (
    Alarms,
    Attempt,
    GroupSize,
    Inspection,
    JobsOnWorkers,
    Load,
    Machines,
    Negotiation,
    Queue,
    Quota,
    Server,
    Servers,
)
from elastic.core.orphans import Belonging
from elastic.core.override import Override
from elastic.core.record import TickRecord

T = TypeVar("T")


class PortError(ElasticError):
    """A call to the world did not do what was asked; the subclass says how to go on."""


class Transient(PortError):
    """No answer, or a passing fault: it may have taken effect; ask again later."""


class Unsent(Transient):
    """What had to be read first could not be read, so nothing was asked for: it certainly has no effect."""


class Accepted(Transient):
    """It was asked for and taken on; what comes of it shows later."""


class Throttled(PortError):
    """The service asks for less; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float = 60.0) -> None:
        """Keep how long the service asked us to stay away."""
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(PortError):
    """The credentials were refused."""


class QuotaExceeded(PortError):
    """The project may not have more; the text names the resource."""


class NoCapacity(PortError):
    """The cloud has no room for this flavor now."""


class NotFound(PortError):
    """It does not exist (any more)."""


class Conflict(PortError):
    """Something else is going on with it; ask again later."""


class Malformed(PortError):
    """The request, image, flavor or answer is wrong and will stay wrong until somebody mends it."""


class Mismatch(PortError):
    """Other servers went than those that were asked to go: the group's scale-down stops until somebody has looked."""


class Refused(PortError):
    """The startd did not start to drain: something is claimed, or another drain is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainAnswer:
    """What identifies an accepted drain: the startd's request id and its DaemonStartTime."""

    request_id: str
    started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What became of one wanted server: its id, or the error. `Transient` leaves the intent open."""

    worker: str
    server_id: str | None = None
    error: PortError | None = None


class BatchView(Protocol):
    """What HTCondor says. Every method raises PortError when it could not ask at all.

    Partial answers say so in the value.
    """

    def machines(self) -> Machines:
        """Every startd of the pool, ours or not, from the collector."""

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        """Jobs by shape from every schedd; `templates` maps a group's template id ("group:NAME") to its template.

        A template whose `ad` is empty (nothing joined yet) stands for a plain machine with these resources: the adapter
        makes its ad.
        Each shape's `fits` also covers the templates of machines that are not ours, under the ids that `machines` gave.
        """

    def negotiation(self) -> Negotiation:
        """Cycle times, concurrency limits and static group quotas, from the negotiator itself."""

    def attempts(self) -> Sequence[Attempt]:
        """Executions that ended since the last call, oldest first; the first call returns none."""

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        """Which jobs name these startds in RemoteHost, asked of every schedd now."""

    def inspect(self, worker: WorkerRecord) -> Inspection:
        """Ask the worker's startd itself, at its last address; silence is an answer, not an error."""


class BatchControl(Protocol):
    """What we ask of HTCondor."""

    def drain(self, worker: WorkerRecord, nonce: str, *, busy: bool) -> DrainAnswer:
        """Start a drain with `nonce` in its reason, atomically only if nothing is claimed.

        Raise Refused when something is, Transient, Unauthorized.

        With `busy`, drain gracefully; raise Refused unless the startd's retirement time makes that safe for every job
        on it.
        """

    def resume(self, worker: WorkerRecord) -> None:
        """Start the startd again if we fenced it, and cancel our drain (by its id, after reading its reason).

        Foreign drains stay.
        """

    def fence(self, worker: WorkerRecord) -> None:
        """Switch the startd off at its master and return only once it is silent; else raise Transient.

        `resume` undoes it.
        """

    def invalidate(self, worker: WorkerRecord) -> None:
        """Take the ads of a worker that is gone out of the collector."""


class BatchSystem(BatchView, BatchControl, Protocol):
    """HTCondor, seen and asked."""


class Cloud(Protocol):
    """Servers of our pool. Lists are read to their end; a server missing from one is not gone, `lookup` decides."""

    def servers(self) -> Servers:
        """Every server that carries this pool's tag, whichever ledger asked for it."""

    def lookup(self, server_id: str) -> Server:
        """One server by id; raise NotFound when the cloud says that it does not exist."""

    def quotas(self) -> Mapping[str, Quota]:
        """By group, how many more servers would be accepted."""

    def sizes(self) -> Mapping[str, GroupSize]:
        """By group, the size that the cloud itself keeps it at, where it does; a cloud that keeps none answers {}.

        A change of that size that `create` and `delete` did not ask for shows here first; until it has, these two raise
        Conflict and change nothing.
        """

    def create(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for one server each; idempotent by worker name.

        An existing server of that name is returned, never doubled.
        """

    def delete(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Ask for the deletion of exactly these servers, by id; return the errors by worker name.

        Gone already is no error.
        """

    def console(self, worker: WorkerRecord, lines: int) -> str:
        """The last lines the server wrote, or an empty string; never raises."""


class Telemetry(Protocol):
    """CPU load of workers."""

    def load(self, workers: Mapping[str, str]) -> Load:
        """The newest load of these workers (name to server id); those without a sample are absent."""


class Monitoring(Protocol):
    """Alarms of the cloud's own monitoring."""

    def alarms(self) -> Alarms:
        """The state of each group's alarms, all of one moment; groups without any are absent."""


class Ledger(Protocol):
    """What must never be forgotten. Each `save` is one durable transaction.

    When it returns, a SIGKILL loses nothing of it.
    """

    def memory(self) -> Memory:
        """Everything known, as one value."""

    def save(self, change: MemoryChange) -> None:
        """Write this change; raise LedgerError when it cannot be made durable: then nothing may be done."""

    def put_override(self, override: Override) -> None:
        """Add an override; it replaces one of the same group and kind."""

    def end_override(self, override_id: str) -> None:
        """Take an override back; unknown ids are no error."""


class LedgerError(ElasticError):
    """The ledger cannot be read or written."""


class Recorder(Protocol):
    """Where tick records go."""

    def record(self, record: TickRecord) -> None:
        """Keep one record; must not raise."""


class Clock(Protocol):
    """The wall clock; read once a tick by the driver, and for durations."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What of the cloud carries the pool's tag or hangs on a server; `untold` says what could not be listed."""

    things: tuple[Belonging, ...]
    untold: tuple[str, ...] = ()


@runtime_checkable
class Keeps(Protocol):
    """A world whose cloud keeps more than servers, and can say what of it is this pool's."""

    def belongings(self) -> Listing:
        """Every server, volume and port of the pool; raise PortError where the servers cannot be listed."""

    def remove(self, thing: Belonging) -> None:
        """Ask for the deletion of exactly this; gone already is no error."""


class Calls(Protocol):
    """How calls of other ports are begun.

    Each in a thread of its own, or inline where order must be certain (simulator, tests).
    """

    def start(self, call: Callable[[], T], /) -> Future[T]:
        """Begin this call; its answer or error comes in the future.

        A call that hangs holds up nobody but who waits for it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """What a world is built from.

    `options` is the settings' section of that world; `folder` is where it may keep files; `ledger` is the identity that
    servers carry in their metadata, beside the pool's name and the worker's.
    """

    pool: str
    ledger: str
    folder: Path
    groups: Mapping[str, GroupSpec]
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `elastic check`: what was tried, whether it went well, what was seen, how to mend it if not."""

    what: str
    ok: bool
    seen: str = ""
    mend: str = ""


class World(Protocol):
    """All ports together, found by name in the entry point group `elastic.worlds`, made as `World(spec: WorldSpec)`.

    Making one never waits for a daemon or service: what is missing shows as failed observations. ValueError names
    an option that is wrong. `speed` is how many seconds pass on `clock` in a real second: 1.0 but in a scenario.
    """

    @property
    def batch(self) -> BatchSystem:
        """The HTCondor pool."""

    @property
    def cloud(self) -> Cloud:
        """Where servers come from."""

    @property
    def telemetry(self) -> Telemetry | None:
        """Load of workers, if it is measured."""

    @property
    def clock(self) -> Clock:
        """The time in this world."""

    @property
    def speed(self) -> float:
        """Seconds that pass on `clock` in a real one."""

    def arrive(self, when: float) -> None:
        """Told by the driver just before it reads the clock for the tick due at `when`; the real world does nothing.

        A scenario moves to exactly `when`, so that a scheduler's milliseconds make no difference to its records.
        """

    def check(self) -> Sequence[Finding]:
        """Try what single ports cannot show, such as the right to drain; takes seconds, changes nothing."""

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups (a reload of the settings) for all later calls."""

    def close(self) -> None:
        """Let go of connections and threads; servers and daemons stay as they are."""


@runtime_checkable
class Watched(Protocol):
    """A world whose cloud watches the groups and raises alarms."""

    @property
    def monitoring(self) -> Monitoring | None:
        """Their states, if they are read."""


class Denial(StrEnum):
    """Why a server gets no credentials: by what it showed, by what it is, because it has some, or for now."""

    UNUSED = "unused"
    SECRET = "secret"  # noqa: S105  a word
    SERVER = "server"
    AGAIN = "again"
    OFTEN = "often"


class NotEnrolled(ElasticError):
    """This server gets no credentials; the text says why, and holds no secret."""

    def __init__(self, denial: Denial, message: str) -> None:
        """Keep which kind of refusal it is."""
        super().__init__(message)
        self.denial = denial


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A server at its first boot, asking for credentials from `address`: it shows the secret that its group shares.

    `proof` is random and its own: only who shows it again may repeat the question, after an answer that was lost.
    """

    group: str
    server_id: str
    address: str
    secret: str = field(repr=False)
    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What one worker gets: a key of its own (the file's content), a token for the pool, one for its own daemons."""

    signing_key_id: str
    signing_key: bytes = field(repr=False)
    token: str = field(repr=False)
    own_token: str = field(repr=False)


@runtime_checkable
class Enrols(Protocol):
    """A world whose workers have credentials of their own."""

    def admit(self, asking: Asking, ledgers: Collection[str], now: float) -> None:
        """Return for a server of that group that has just been made; raise NotEnrolled, or PortError: ask again."""

    def grant(self, asking: Asking) -> Granted:
        """Make its credentials; earlier ones of this server are worth nothing from now on."""

    def renew(self, token: str, living: Collection[str], now: float) -> tuple[str, str]:
        """Whose token this is, and a fresh one for it; NotEnrolled unless it is good and its worker is living."""

    def revoke(self, gone: Collection[str]) -> None:
        """End what these workers could do, by name or server id; safe to repeat."""

    def sweep(self, living: Collection[str], now: float) -> Sequence[str]:
        """Revoke what belongs to nobody living and is not new; `living` are names and server ids. Return what went."""
