"""Short ways to write down what tests of the core begin with: records, sightings, memory, groups, snapshots."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from elastic.core.assemble import assemble
from elastic.core.lifecycle import CAPACITY, Phase
from elastic.core.memory import Drain, GroupMemory, Memory, MemoryChange, Wish, WishKind, WorkerRecord
from elastic.core.model import GroupDemand, GroupSpec, SiteSpec, Snapshot, Trust, Worker, WorkerGroup
from elastic.core.observation import (
    Answers,
    Attempt,
    DrainSeen,
    Inspection,
    JobShape,
    JobsOnWorkers,
    Load,
    Machine,
    Machines,
    Negotiation,
    Observations,
    Queue,
    Quota,
    ScheddQueue,
    Server,
    Servers,
    ServerStatus,
    SourceReading,
)
from elastic.core.override import Override, OverrideKind
from elastic.core.policy import Target
from elastic.core.resources import Resources
from elastic.core.victims import resumable

T = TypeVar("T")

NOW = 100_000.0
LEDGER = "ledger-1"
SITE = SiteSpec()
BIG = Resources(4, 4000, 40_000, 0)
"""What a worker of a test's group offers."""

JOB = Resources(1, 1000, 10_000, 0)
"""Four of these fill a worker."""

TEMPLATE = "group:g"


def changed(value: T, changes: Mapping[str, object]) -> T:
    """The value with these fields; their types are only checked when it is used, for brevity's sake."""
    make: Callable[..., T] = replace
    return make(value, **changes)


def spec(name: str = "g", maximum: int = 10, **changes: object) -> GroupSpec:
    plain = GroupSpec(name=name, maximum=maximum, shape=BIG, reserve=Resources(), policy="backlog")
    return changed(plain, changes)


def record(name: str = "w1", group: str = "g", age: float = 5000.0, **changes: object) -> WorkerRecord:
    """A worker asked for `age` seconds ago, its server known, nothing else."""
    plain = WorkerRecord(name=name, group=group, requested_at=NOW - age, server_id=f"s-{name}")
    return changed(plain, changes)


def joined(name: str = "w1", age: float = 5000.0, **changes: object) -> WorkerRecord:
    """A worker that joined a minute after it was asked for, counted for the breaker already."""
    at = NOW - age
    plain = record(
        name,
        age=age,
        active_at=at + 30,
        joined_at=at + 60,
        machine=f"{name}.pool",
        address=f"<{name}>",
        started=7,
        counted=True,
    )
    return changed(plain, changes)


def nonce(name: str = "w1", tick: int = 4) -> str:
    return f"elastic:{LEDGER}:{name}:{tick}"


def drain(name: str = "w1", asked: float = 60.0, confirmed: float | None = None) -> Drain:
    """Our drain, asked for `asked` seconds ago and, with `confirmed`, seen complete that many seconds ago."""
    at = None if confirmed is None else NOW - confirmed
    return Drain(nonce=nonce(name), asked_at=NOW - asked, request_id="1", started=7, confirmed_at=at)


def wish(kind: WishKind = WishKind.DRAIN) -> Wish:
    return Wish(kind=kind, author="ann", reason="kernel", asked_at=NOW - 10)


def server(name: str = "w1", status: ServerStatus = ServerStatus.ACTIVE, **changes: object) -> Server:
    plain = Server(id=f"s-{name}", name=name, group="g", status=status, worker=name, ledger=LEDGER)
    return changed(plain, changes)


def machine(name: str = "w1", idle: float | None = 2000.0, **changes: object) -> Machine:
    """A worker's machine ad, idle for that long; None = claimed, by one job of a core."""
    claimed = idle is None
    plain = Machine(
        name=f"{name}.pool",
        address=f"<{name}>",
        server_id=f"s-{name}",
        worker=name,
        template="kind-1",
        claimed=claimed,
        jobs=1 if claimed else 0,
        idle_seconds=idle,
        started=7,
        stamp=1,
        total=BIG,
        free=BIG.less(JOB) if claimed else BIG,
        ad_age_seconds=10.0,
    )
    return changed(plain, changes)


def static(name: str = "static", free: Resources = BIG, **changes: object) -> Machine:
    """A machine that is not ours."""
    plain = replace(machine(name), server_id=None, worker=None, template="kind-s", free=free)
    return changed(plain, changes)


def drained(name: str = "w1", **changes: object) -> Inspection:
    """The startd's own answer: drained by us."""
    return changed(draining(name), {"drain": DrainSeen(reason=nonce(name), request_id="1", drained=True), **changes})


def draining(name: str = "w1", reason: str | None = None) -> Inspection:
    seen = DrainSeen(reason=nonce(name) if reason is None else reason, request_id="1", drained=False)
    return Inspection(answered=True, drain=seen, started=7)


SERVING = Inspection(answered=True, started=7)
SILENT = Inspection(answered=False)
NO_JOBS = JobsOnWorkers(jobs={}, complete=True)


def shape(id_: str = "small", idle: int = 1, takes: Resources = JOB, **changes: object) -> JobShape:
    """Jobs that fit the group g and the static machines."""
    plain = JobShape(id=id_, idle=idle, request=takes, fits={TEMPLATE: takes, "kind-s": takes})
    return changed(plain, changes)


def queue(*shapes: JobShape, **changes: object) -> Queue:
    return Queue(schedds=(changed(ScheddQueue(schedd="schedd", shapes=shapes), changes),))


def seen(  # noqa: PLR0913 - one argument for each source
    machines: Iterable[Machine] = (),
    servers: Iterable[Server] = (),
    jobs: Queue | None = None,
    answers: Answers | None = None,
    negotiation: Negotiation | None = None,
    quotas: Mapping[str, Quota] | None = None,
    attempts: Iterable[Attempt] = (),
    *,
    collector_age: float | None = 10_000.0,
    load: Load | None = None,
    ads: Mapping[str, str] | None = None,
) -> Observations:
    """All sources fresh."""
    found = Machines(machines=tuple(machines), collector_age_seconds=collector_age, template_ads=ads or {})
    return Observations(
        machines=SourceReading(value=found),
        servers=SourceReading(value=Servers(servers=tuple(servers))),
        queue=SourceReading(value=jobs or queue()),
        negotiation=SourceReading(value=negotiation or Negotiation()),
        quotas=SourceReading(value=quotas or {}),
        load=SourceReading(value=load) if load is not None else None,
        attempts=tuple(attempts),
        answers=answers or Answers(),
    )


def failed(observations: Observations, *sources: str, misses: int = 1) -> Observations:
    """The same with these sources not answering now; their values are those of an earlier tick."""
    readings = {name: replace(getattr(observations, name), error="no route", misses=misses) for name in sources}
    return changed(observations, readings)


def memory(records: Iterable[WorkerRecord] = (), groups: Iterable[GroupMemory] = (), **changes: object) -> Memory:
    """A ledger that has seen 6 ticks and given out 50 worker numbers."""
    plain = Memory(
        ledger=LEDGER,
        pool="pool",
        workers={r.name: r for r in records},
        groups={g.group: g for g in groups},
        tick=6,
        sequence=50,
        last_now=NOW - 30,
    )
    return changed(plain, changes)


def look(
    observations: Observations, remembered: Memory, *specs: GroupSpec, now: float = NOW, site: SiteSpec = SITE
) -> tuple[Snapshot, MemoryChange]:
    """Assemble, with group g unless told otherwise."""
    return assemble(observations, remembered, {s.name: s for s in specs or (spec(),)}, site, now)


RECORDS: Mapping[Phase, Callable[[str], WorkerRecord]] = {
    Phase.REQUESTED: lambda name: record(name, age=10, server_id=None),
    Phase.BOOTING: lambda name: record(name, age=60),
    Phase.JOINING: lambda name: record(name, age=60, active_at=NOW - 30),
    Phase.READY: joined,
    Phase.DRAINING: lambda name: joined(name, drain=drain(name)),
    Phase.DRAINED: lambda name: joined(name, drain=drain(name, confirmed=20)),
    Phase.FOREIGN_DRAIN: joined,
    Phase.LOST: lambda name: joined(name, vanished_at=NOW - 100),
    Phase.FAILED: lambda name: record(name, active_at=NOW - 4000, failed_at=NOW - 30, failure="it did not join"),
    Phase.DELETING: lambda name: joined(
        name, drain=drain(name, confirmed=90), fence_asked_at=NOW - 71, delete_asked_at=NOW - 70, delete_reason="idle"
    ),
    Phase.GONE: lambda name: joined(
        name, delete_asked_at=NOW - 70, delete_reason="idle", missing_since=NOW - 30, vanished_at=NOW - 70
    ),
}
"""What is remembered of a worker in each phase."""


def worker(phase: Phase = Phase.READY, name: str = "w1", idle: float | None = 2000.0, **changes: object) -> Worker:
    """A worker for a planner's snapshot: idle for long unless told otherwise; `changes` may be of its record, too."""
    ready = phase is Phase.READY
    known = RECORDS[phase](name)
    plain = Worker(
        name=name,
        group=known.group,
        phase=phase,
        busy=ready and idle is None,
        idle_seconds=idle if ready else None,
        seconds_in_phase=100.0,
        flagged=False,
        stale=False,
        keep="busy" if ready and idle is None else "",
        record=changed(known, {key: value for key, value in changes.items() if key not in Worker._fields}),
        building=phase is Phase.BOOTING,
    )
    make: Callable[..., Worker] = plain._replace
    return make(**{key: value for key, value in changes.items() if key in Worker._fields})


def group(*workers: Worker, **changes: object) -> WorkerGroup:
    """A group with its counts made from its workers."""
    plain = WorkerGroup(
        spec=spec(),
        counts=dict(sorted(Counter(w.phase for w in workers).items())),
        busy=sum(1 for w in workers if w.phase is Phase.READY and w.busy),
        quarantined=sum(1 for w in workers if w.phase in CAPACITY and w.record.quarantine),
        foreign_draining=sum(1 for w in workers if w.phase is Phase.FOREIGN_DRAIN),
        resumable=len(resumable(workers)),
        demand=GroupDemand(),
        template=BIG,
        memory=GroupMemory(group="g"),
        workers=workers,
    )
    return changed(plain, changes)


def snapshot(*groups: WorkerGroup, trust: Trust | None = None, **changes: object) -> Snapshot:
    named = {g.spec.name: g for g in groups}
    plain = Snapshot(now=NOW, tick=7, groups=named, trust=trust or Trust(), ledger=LEDGER, sequence=50)
    return changed(plain, changes)


def targets(**workers: int) -> Mapping[str, Target]:
    return {name: Target(number, "wanted") for name, number in workers.items()}


def override(kind: OverrideKind, workers: int | None = None, group_name: str = "g", ends: float = 3600.0) -> Override:
    return Override(
        id=f"{kind.value}-{group_name}",
        group=group_name,
        kind=kind,
        workers=workers,
        author="ann",
        reason="trial",
        created_at=NOW - 60,
        expires_at=NOW + ends,
    )
