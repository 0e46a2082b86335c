"""One scenario in both worlds: generated from a number, run by the fast engine and by the daemon's own controller."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice, pairwise
from random import Random

from elastic.core.actions import DrainWorker, Launch, Resume
from elastic.core.model import SiteSpec, Snapshot
from elastic.core.policy import Policy, Target
from elastic.core.record import TickRecord
from elastic.core.resources import Resources
from elastic_policies.backlog import Backlog
from elastic_policies.elastiq import Elastiq
from elastic_policies.thesis import Thesis
from elastic_simulations.checks.queues import OneEach
from elastic_simulations.datacentre import SimulatedServer
from elastic_simulations.draws import Constant, Lognormal, Uniform
from elastic_simulations.estimates import KINDS
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.spec import ElasticSpec, Workers, reference_group
from elastic_simulations.full.engine import LEDGER, ideal, policies
from elastic_simulations.full.feeding import cores_only, feed, shaped
from elastic_simulations.full.tables import attempts, launched
from elastic_simulations.grid import Grid
from elastic_simulations.simulation import Simulation
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import UNKNOWN, Trace

JobRow = tuple[int, int, int, int, int]
"""Job, attempt, worker, start, end."""

WorkerRow = tuple[int, int, int, int]
"""Requested, ready, drained, deleted; microseconds, UNKNOWN where it never happened."""


@dataclass(frozen=True)
class Seen:
    """All that is compared: the records of every tick, less their durations, and the tables of jobs and workers."""

    records: tuple[TickRecord, ...]
    jobs: tuple[JobRow, ...]
    workers: tuple[WorkerRow, ...]


@dataclass(frozen=True)
class Example:
    """A trace and what runs it."""

    trace: Trace
    spec: ElasticSpec


@dataclass(frozen=True)
class Swinging:
    """Wants another number of workers at each tick, whatever is asked for: every action in every state of the pool.

    After `ticks` it is content with one for each job.
    """

    stride: int
    ticks: int = 20

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        here = snapshot.tick * self.stride // 3
        if snapshot.tick > self.ticks:
            return OneEach().decide(snapshot)
        target = Target(here % 5, f"at tick {snapshot.tick}", memory=str(here % 2), next_wake=snapshot.now + 1.0)
        return dict.fromkeys(snapshot.groups, target)


def examples(most: int, *, wide: bool = False) -> list[tuple[Example, Seen]]:
    """So many, each with a launch, a drain, a resume and a tie; and what the fast engine makes of them."""
    return list(islice(_complete(wide=wide), most))


def _complete(*, wide: bool) -> Iterator[tuple[Example, Seen]]:
    for seed in count():
        example = widened(seed) if wide else generated(seed)
        seen = fast(example)
        if not missing(example, seen):
            yield example, seen


def missing(example: Example, seen: Seen) -> set[str]:
    """Which of launch, drain, resume and tie this example is without."""
    kinds = {type(action) for record in seen.records for action in record.plan.actions}
    names = {kind.__name__ for kind in (Launch, DrainWorker, Resume) if kind not in kinds}
    tied = any(one == next_one for one, next_one in pairwise(example.trace.submit_us))
    return names if tied else names | {"tie"}


def generated(seed: int) -> Example:
    """Two or three waves of jobs, so far apart that idle workers are drained and some are needed again."""
    random = Random(seed)  # noqa: S311 - no secrets
    step = random.choice((1_000_000, 500_000, 100_000, 1))
    slots = random.choice((1, 1, 2, 3))
    trace = _jobs(random, step, slots)
    group = replace(
        reference_group(
            slots=slots,
            minimum=random.choice((0, 0, 1)),
            maximum=random.choice((2, 3, 6)),
            idle_seconds=random.choice((0.0, 20.0, 60.0)),
        ),
        validation_seconds=random.choice((0.0, 15.0, 70.0, 200.0)),
        scale_down_window_seconds=random.choice((0.0, 0.0, 70.0)),
        boots_start=random.choice((1, 2, 100)),
        boots_cap=random.choice((4, 100)),
        drain_fraction=random.choice((1.0, 0.3)),
        breaker_young_seconds=random.choice((0.0, 90.0, 600.0)),
    )
    tick = random.choice((60.0, 60.0, 30.0, 45.5))
    spec = ElasticSpec(
        group=group,
        policy=_policy(random),
        slots=slots,
        # Every tick in its time, none before it.
        site=SiteSpec(tick_seconds=tick, min_wake_seconds=tick),
        boot_seconds=random.choice(
            (Constant(0.0), Constant(45.0), Constant(70.25), Uniform(5, 90), Lognormal(40, 0.5))
        ),
        order=random.choice(sorted(ORDERS)),
        seed=seed,
        cancels=random.random() < 0.5,
        at_once=False,
        learns=True,
        metered=True,
    )
    return _estimated(Example(trace, spec))


def _estimated(example: Example) -> Example:
    """In four of five run times are estimated, in every way there is; half of these ask how long the work takes."""
    random = Random(f"{example.spec.seed}/estimates")  # noqa: S311 - no secrets
    trace, policy = example.trace, example.spec.policy
    known = {
        "estimate_us": array("q", [run + random.choice((0, 0, 30_000_000, -run // 2)) for run in trace.run_us]),
        "user": array("q", [random.choice((0, 1, UNKNOWN)) for _ in trace.run_us]),
    }
    if isinstance(policy, Backlog) and random.random() < 0.5:
        policy = replace(policy, drain_seconds=random.choice((60.0, 300.0)))
    spec = replace(example.spec, policy=policy, estimates=random.choice(("", *KINDS)), estimate_noise=0.7)
    return Example(replace(trace, optional=known, users=("anna", "bert")), spec)


def widened(seed: int) -> Example:
    """The generated example with jobs that ask for memory and gpus, and with further groups for them."""
    example, random = generated(seed), Random(f"{seed}/wide")  # noqa: S311 - no secrets
    jobs = range(len(example.trace))
    asked = {
        "memory_mb": array("q", [random.choice((UNKNOWN, 100, 900, 2000)) for _ in jobs]),
        "gpus": array("q", [random.choice((0, 0, 0, 1)) for _ in jobs]),
    }
    base = replace(example.spec.group, shape=Resources(example.spec.slots, 2000, 0, 1), priority=random.randrange(2))
    others = [
        replace(
            base,
            name=name,
            minimum=0,
            maximum=random.choice((1, 3)),
            shape=Resources(random.choice((1, 2, 4)), random.choice((1000, 4000)), 0, random.choice((0, 2))),
            priority=random.randrange(2),
            cost_per_hour=random.choice((0.5, 1.0, 2.0)),
            idle_seconds=random.choice((0.0, 40.0)),
        )
        for name in random.choice((("big",), ("a", "zoo"), ()))
    ]
    boots = (Constant(30.0), Constant(80.5), Uniform(5, 90))
    spec = replace(
        example.spec,
        group=base,
        more=tuple(Workers(group=one, policy=example.spec.policy, boot_seconds=random.choice(boots)) for one in others),
        shaped=True,
    )
    return Example(replace(example.trace, optional={**example.trace.optional, **asked}), spec)


def _policy(random: Random) -> Policy:
    return random.choice(
        (
            Backlog(headroom=random.choice((0, 0, 1))),
            Backlog(headroom=random.choice((0, 0, 1))),
            Elastiq(threshold=1, patience_seconds=40.0, jobs_per_worker=2),
            Thesis(),
            Swinging(random.randrange(1, 12)),
        )
    )


def _jobs(random: Random, step: int, slots: int) -> Trace:
    submit: list[int] = []
    run: list[int] = []
    start = 0
    for _ in range(random.choice((2, 3))):
        many = random.randrange(2, 7)
        # On the whole ticks, where ends, submits and decisions meet, or anywhere.
        places = [start, start, *(start + random.randrange(0, 90_000_000, step) for _ in range(many - 2))]
        submit += places
        run += [random.choice((60_000_000, random.randrange(step, 120_000_000, step))) for _ in places]
        start += random.choice((180_000_000, 240_000_000, 300_000_000))
    return made(submit, run, [random.randint(1, slots) for _ in submit], source="generated")


def fast(example: Example) -> Seen:
    """By the fast engine."""
    records: list[TickRecord] = []
    outcome = run_elastic(example.trace, example.spec, records.append)
    rows = zip(outcome.worker, outcome.start_us, outcome.end_us, strict=True)
    table = outcome.workers
    return Seen(
        records=tuple(records),
        jobs=tuple((job, 1, *row) for job, row in enumerate(rows) if row[1] != UNKNOWN),
        workers=tuple(zip(table.requested, table.ready, table.drained, table.deleted, strict=True)),
    )


def full(example: Example, ticks: int) -> Seen:
    """By the daemon's own controller, ledger and executor in the full world, for so many ticks."""
    spec = example.spec
    simulation = Simulation(ideal(spec), policies=policies(spec), identity=LEDGER)
    describe = shaped(example.trace) if spec.shaped else cores_only(example.trace)
    feed(simulation.grid, example.trace, describe)
    records = tuple(islice(simulation.ticks(float("inf")), ticks))
    # What the last tick has done is over at once.
    simulation.grid.run_for(0)
    return Seen(
        records=tuple(map(_plain, records)),
        jobs=tuple(_job_rows(simulation.grid)),
        workers=tuple(_worker_row(server) for server in launched(simulation.grid)),
    )


def _plain(record: TickRecord) -> TickRecord:
    """Workers as a tuple: the core leaves them in the list that it made."""
    groups = {name: replace(group, workers=tuple(group.workers)) for name, group in record.snapshot.groups.items()}
    return replace(record, snapshot=replace(record.snapshot, groups=groups))


def _job_rows(grid: Grid) -> Iterator[JobRow]:
    places = {job.id_in_pool: place for place, job in enumerate(grid.log.jobs)}
    numbers = {f"{server.name}.{grid.spec.name}": number for number, server in enumerate(launched(grid))}
    tries: Counter[int] = Counter()
    rows: list[JobRow] = []
    for attempt in attempts(grid.log, places, UNKNOWN):
        tries[attempt.job] += 1
        rows.append((attempt.job, tries[attempt.job], numbers[attempt.machine], attempt.start_us, attempt.end_us))
    return iter(sorted(rows))


def _worker_row(server: SimulatedServer) -> WorkerRow:
    times = (server.requested_us, server.ready_us, server.drained_us, server.gone_us)
    requested, ready, drained, deleted = (UNKNOWN if at is None else at for at in times)
    return requested, ready, drained, deleted
