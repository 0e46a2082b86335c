"""From the columns of a pool whose run is over to the tables of jobs and workers, and the integrals of d and s."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from elastic_simulations.fast.outcome import WorkerTable
from elastic_simulations.fast.pool import Pool
from elastic_simulations.traces.trace import UNKNOWN, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Times in us; `demand` and `supply` are the integrals of d and s until the end, in cores x units."""

    start_us: Column
    end_us: Column
    worker: Column
    workers: WorkerTable
    demand: int
    supply: int


def tables_of(pool: Pool, unit: int, ended: int) -> Tables:
    """Of a pool that is closed; `ended` in units."""
    ends = _job_ends(pool.start, pool.run)
    return Tables(
        start_us=scaled(pool.start, unit),
        end_us=scaled(ends, unit),
        worker=array("q", pool.worker),
        workers=WorkerTable(
            cores=pool.slots,
            requested=scaled(pool.requested, unit),
            ready=scaled(pool.ready_at, unit),
            drained=scaled(pool.drained, unit),
            deleted=scaled(pool.deleted, unit),
        ),
        demand=_demand(pool, ends, ended),
        supply=_supply(pool, ended),
    )


def _demand(pool: Pool, ends: list[int], ended: int) -> int:
    submit = pool.submit[: len(ends)]  # Less its sentinel.
    until_end = [ended if at == UNKNOWN else at for at in ends] if UNKNOWN in ends else ends
    if len(pool.shapes) == 1:
        return pool.shapes[0] * (sum(until_end) - sum(submit))
    return sum(map(int.__mul__, pool.wants, map(int.__sub__, until_end, submit)))


def _supply(pool: Pool, ended: int) -> int:
    last = (
        drained if drained != UNKNOWN else deleted for drained, deleted in zip(pool.drained, pool.deleted, strict=True)
    )
    return pool.slots * sum(
        (ended if until == UNKNOWN else min(until, ended)) - min(ready, ended)
        for ready, until in zip(pool.ready_at, last, strict=True)
        if ready != UNKNOWN
    )


def _job_ends(start: list[int], run: list[int]) -> list[int]:
    if UNKNOWN in start:
        return [at if at == UNKNOWN else at + took for at, took in zip(start, run, strict=True)]
    return list(map(int.__add__, start, run))


def scaled(column: Sequence[int], unit: int) -> Column:
    """From units to us; what never happened stays UNKNOWN."""
    if UNKNOWN in column:
        return array("q", [at if at == UNKNOWN else at * unit for at in column])
    return array("q", list(map(unit.__mul__, column)))
