"""What was paid for, and what it was used for: core time from request to deletion, split without a rest."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_simulations.fast.outcome import Outcome, WorkerTable
from elastic_simulations.measures.spread import Spread, spread_of_times
from elastic_simulations.measures.waiting import product
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

HOUR_US = 3600 * MICROSECONDS

QUANTA_SECONDS = (1, 3600)
"""Billing periods that are always reported: what clouds charge by, and what they charged by once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """In cores x us, all but `tail` cut at the end of the last job: paid = busy + idle + boot + teardown + wasted.

    `used` is what jobs that ended needed; `wasted` ran for jobs that did not end there. `billed` is by billing
    quantum in seconds: whole lives, each rounded up, in cores x s.
    """

    paid: int
    tail: int
    used: int
    busy: int
    idle: int
    boot: int
    teardown: int
    wasted: int
    billed: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """How often workers came and went; lives in seconds, from request to deletion or to the end of the run.

    `never_ready` were deleted before they were ready: boots that failed or were cancelled; `never_ready_us` is their
    core time. Calls of the cloud's API are by hour, to the end of the last job: those that change something (one a
    start, one a stop), and one listing a decision.
    """

    starts: int
    stops: int
    never_ready: int
    never_ready_us: int
    life: Spread
    changing_calls_per_h: float
    listing_calls_per_h: float


def paid(trace: Trace, outcome: Outcome, quanta: Sequence[int] = (), used: int | None = None) -> Paid:
    """From the tables of jobs and workers; `quanta` are billing periods (s) beside those of QUANTA_SECONDS.

    `used` where it is known already.
    """
    table, end = outcome.workers, outcome.ended_us
    over = list(_lives(table, outcome.stopped_us))
    sizes = table.sizes or [1] * len(over)
    total = sum((min(last, end) - min(first, end)) * size for (first, last), size in zip(over, sizes, strict=True))
    boot = sum(
        _within(first, ready, last, end) * size
        for (first, last), ready, size in zip(over, table.ready, sizes, strict=True)
    )
    down = sum(
        (min(last, end) - min(drained, end)) * size
        for (_, last), drained, size in zip(over, table.drained, sizes, strict=True)
        if drained != UNKNOWN
    )
    used = used_by_jobs(trace, outcome) if used is None else used
    tail = sum(max(0, last - max(first, end)) * size for (first, last), size in zip(over, sizes, strict=True))
    cores, busy = table.cores, used if outcome.busy is None else outcome.busy
    return Paid(
        paid=total * cores,
        tail=tail * cores,
        used=used,
        busy=busy,
        idle=(total - boot - down) * cores - busy - outcome.wasted,
        boot=boot * cores,
        teardown=down * cores,
        wasted=outcome.wasted,
        billed={quantum: billed(over, quantum, sizes) * cores for quantum in sorted({*QUANTA_SECONDS, *quanta})},
    )


def used_by_jobs(trace: Trace, outcome: Outcome) -> int:
    """Run times of the jobs that were started, times their cores."""
    if UNKNOWN not in outcome.start_us:
        return product(trace.run_us, trace.cores)
    jobs = zip(trace.run_us, trace.cores, outcome.start_us, strict=True)
    return sum(run * cores for run, cores, at in jobs if at != UNKNOWN)


def billed(lives: Sequence[tuple[int, int]], quantum_seconds: int, sizes: Sequence[int] | None = None) -> int:
    """Seconds charged for: each life (us) rounded up to whole billing periods, times its size."""
    period = quantum_seconds * MICROSECONDS
    periods = (-(-(last - first) // period) for first, last in lives)
    return sum(map(int.__mul__, periods, sizes or [1] * len(lives))) * quantum_seconds


def churn(outcome: Outcome) -> Churn:
    """Of workers that were asked for during the run."""
    table = outcome.workers
    over = _lives(table, outcome.stopped_us)
    stops = len(table.deleted) - table.deleted.count(UNKNOWN)
    never = [
        number
        for number, (ready, gone) in enumerate(zip(table.ready, table.deleted, strict=True))
        if ready == UNKNOWN and gone != UNKNOWN
    ]
    sizes, hours = table.sizes or [1] * len(over), outcome.ended_us / HOUR_US
    return Churn(
        starts=outcome.launches,
        stops=stops,
        never_ready=len(never),
        never_ready_us=sum((over[n][1] - over[n][0]) * sizes[n] for n in never) * table.cores,
        life=spread_of_times(last - first for first, last in over),
        changing_calls_per_h=(outcome.launches + stops) / hours if hours else 0.0,
        listing_calls_per_h=outcome.decisions / hours if hours else 0.0,
    )


def _lives(table: WorkerTable, stopped_us: int) -> list[tuple[int, int]]:
    """(requested, deleted) of each worker; those never deleted lived until the run stopped."""
    return [
        (first, stopped_us if last == UNKNOWN else last)
        for first, last in zip(table.requested, table.deleted, strict=True)
    ]


def _within(first: int, ready: int, last: int, end: int) -> int:
    """Time from the request to ready (or to the deletion of a worker that never was), cut at `end`."""
    until = last if ready == UNKNOWN else ready
    return min(until, end) - min(first, end)
