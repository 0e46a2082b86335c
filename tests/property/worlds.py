"""Random worlds: workers in every state that records, servers, machine ads and startds' answers can make together."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from elastic.core.memory import Breaker, BreakerState, GroupMemory, Memory, WishKind, WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import (
    Answers,
    DrainSeen,
    Inspection,
    JobsOnWorkers,
    Machine,
    Observations,
    Quota,
    Server,
    ServerStatus,
)
from elastic.core.override import Override, OverrideKind
from elastic.core.policy import Target
from elastic.core.schedules import Schedule
from tests.core.builders import (
    BIG,
    JOB,
    NOW,
    SERVING,
    SILENT,
    drain,
    drained,
    draining,
    failed,
    joined,
    machine,
    memory,
    nonce,
    override,
    queue,
    record,
    seen,
    server,
    shape,
    spec,
    static,
    wish,
)

GROUPS = ("g", "h")
ALWAYS = Schedule(name="always", weekdays=frozenset(range(7)), start_minute=0, end_minute=0)
FEW, MANY = replace(ALWAYS, maximum=1), replace(ALWAYS, minimum=5)
AGES = (5.0, 60.0, 200.0, 700.0, 1000.0, 5000.0, 50_000.0)


@dataclass(frozen=True)
class Seen:
    """One worker and what is seen of it; None = not seen, not asked."""

    record: WorkerRecord
    server: Server | None
    machine: Machine | None
    inspection: Inspection | None
    lookup: bool
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Everything that one tick begins with."""

    workers: tuple[Seen, ...]
    observations: Observations
    memory: Memory
    specs: tuple[GroupSpec, ...]
    proposal: dict[str, Target]


def maybe(value: object) -> st.SearchStrategy[object]:
    return st.sampled_from([None, value])


@st.composite
def records(draw: st.DrawFn, name: str) -> WorkerRecord:
    age = draw(st.sampled_from(AGES))
    group = draw(st.sampled_from(GROUPS))
    known = draw(
        st.sampled_from(
            [
                record(name, group, age, server_id=None),
                record(name, group, age),
                record(name, group, age, active_at=NOW - age / 2),
                *[joined(name, age, group=group)] * 4,
                joined(name, age, group=group, vanished_at=NOW - age / 2),
            ]
        )
    )
    if known.joined_at is not None and draw(st.integers(0, 2)) == 0:
        confirmed = draw(st.sampled_from([None, 1.0, 20.0, 500.0]))
        known = replace(known, drain=drain(name, 600.0, confirmed))
        if confirmed is not None and draw(st.booleans()):
            known = replace(known, fence_asked_at=NOW - 1)
    rare = st.integers(0, 5)
    if draw(rare) == 0:
        known = replace(known, wish=wish(draw(st.sampled_from(WishKind))))
    if draw(rare) == 0:
        known = replace(known, protected_by="ann")
    if draw(rare) == 0:
        known = replace(known, quarantine="bad disk")
    if draw(rare) == 0:
        known = replace(known, counted=not known.counted)
    if known.server_id is not None and draw(rare) == 0:
        known = replace(known, missing_since=NOW - 30)
    if known.server_id is not None and draw(rare) == 0:
        known = replace(known, delete_asked_at=NOW - draw(st.sampled_from([5.0, 90.0])), delete_reason="idle")
    return known


@st.composite
def sightings(draw: st.DrawFn, known: WorkerRecord) -> Seen:
    name = known.name
    ours = DrainSeen(reason=nonce(name), request_id="1", drained=draw(st.booleans()))
    foreign = DrainSeen(reason="defrag", request_id="1", drained=True)
    ad = machine(
        name,
        draw(st.sampled_from([None, 5.0, 1000.0, 5000.0])),
        drain=draw(st.sampled_from([None, None, None, ours, foreign])),
        started=draw(st.sampled_from([7, 7, 8])),
        accepts_jobs=draw(st.booleans()),
    )
    statuses = [ServerStatus.BUILDING, *[ServerStatus.ACTIVE] * 4, *ServerStatus]
    unasked = [None] * (2 if known.drain else 20)
    answers = [*unasked, SERVING, SILENT, drained(name), draining(name), draining(name, "defrag"), drained("other")]
    status = draw(st.sampled_from(statuses))
    seen_ad = ad if draw(st.integers(0, 3)) else None
    # Only a startd that has been seen has an address to be asked at.
    asked = seen_ad is not None or known.joined_at is not None
    return Seen(
        record=known,
        server=server(name, status, group=known.group) if draw(st.integers(0, 4)) else None,
        machine=seen_ad,
        inspection=draw(st.sampled_from(answers)) if asked else None,
        lookup=draw(st.booleans()),
        jobs=draw(st.sampled_from([(), (), ("7.0",)])),
    )


def observed(workers: tuple[Seen, ...], *, complete: bool = True, collector_age: float = 9000.0) -> Observations:
    """What the ports report when this is what is seen of each worker."""
    jobs = JobsOnWorkers(jobs={w.record.machine or w.record.name: w.jobs for w in workers}, complete=complete)
    gone = {w.record.server_id: None for w in workers if w.lookup and w.server is None and w.record.server_id}
    inspections = {w.record.name: w.inspection for w in workers if w.inspection is not None}
    fits = {f"group:{name}": JOB for name in GROUPS} | {"kind-s": JOB}
    return seen(
        [*(w.machine for w in workers if w.machine is not None), static()],
        [w.server for w in workers if w.server is not None],
        queue(shape("one", 3, fits=fits), shape("two", 9, fits={"group:h": BIG})),
        Answers(inspections=inspections, lookups=gone, jobs=jobs),
        quotas={"h": Quota(workers_left=2)},
        collector_age=collector_age,
    )


@st.composite
def overrides(draw: st.DrawFn) -> tuple[Override, ...]:
    kinds = (
        draw(st.lists(st.sampled_from(OverrideKind), max_size=2, unique=True)) if draw(st.integers(0, 2)) == 0 else []
    )
    group = draw(st.sampled_from(["g", "h", "*"]))
    return tuple(
        override(kind, None if kind is OverrideKind.PAUSE else draw(st.integers(0, 12)), group) for kind in kinds
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = [f"w{i}" for i in range(draw(st.integers(0, 9)))]
    workers = tuple(draw(sightings(draw(records(name)))) for name in names)
    now = observed(workers, complete=draw(st.booleans()), collector_age=draw(st.sampled_from([9000.0] * 5 + [20.0])))
    away = draw(st.sampled_from([[], [], [], ["machines"], ["servers"], ["queue"]]))
    now = failed(now, *away, misses=draw(st.sampled_from([1, 5])))
    breakers = [Breaker(), Breaker(failures=4), Breaker(state=BreakerState.OPEN, failures=5, next_canary_at=NOW - 1)]
    groups = [
        GroupMemory(
            group=name,
            breaker=draw(st.sampled_from(breakers)),
            backoff_until=draw(st.sampled_from([0.0, NOW + 9])),
            recommendations=((NOW - 30, draw(st.sampled_from([0, 0, 0, 5]))),),
        )
        for name in GROUPS
    ]
    return World(
        workers=workers,
        observations=now,
        memory=memory([w.record for w in workers], groups, overrides=draw(overrides())),
        specs=tuple(
            spec(
                name,
                draw(st.integers(0, 8)),
                minimum=draw(st.sampled_from([0, 0, 0, 2])),
                schedules=draw(st.sampled_from([(), (), (FEW,), (MANY,)])),
            )
            for name in GROUPS
        ),
        proposal={name: Target(draw(st.sampled_from([0, 0, 1, 3, 15])), "wanted") for name in GROUPS},
    )
