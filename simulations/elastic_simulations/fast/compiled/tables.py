"""Units and tables of `fast.units` and `fast.tables`, from arrays."""

from array import array
from collections.abc import Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.pool import CompiledPool
from elastic_simulations.fast.compiled.sums import total
from elastic_simulations.fast.outcome import WorkerTable
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.tables import Tables
from elastic_simulations.traces.trace import UNKNOWN, Column, Trace

Array = NDArray[np.int64]


def as_array(column: Sequence[int]) -> Array:
    """The column, its memory shared."""
    return np.frombuffer(column, np.int64)  # type: ignore[call-overload, no-any-return] # array("q") has a buffer


def as_column(values: Array) -> Column:
    """The array as a column of the tables, copied."""
    column = array("q")
    column.frombytes(values.data.cast("B"))
    return column


def unit_of(trace: Trace, times: Sequence[int]) -> int:
    """The greatest common divisor of all these microseconds; 1 when all are 0."""
    unit = gcd(*times)
    for column in (trace.submit_us, trace.run_us):
        if unit != 1:
            unit = gcd(unit, int(np.gcd.reduce(as_array(column))))
    return max(1, unit)


def in_units(column: Column, unit: int) -> Array:
    """The column, counted in units."""
    values = as_array(column)
    return values if unit == 1 else values // unit


def tables_of(pool: Pool, unit: int, ended: int) -> Tables:
    """As `fast.tables.tables_of`."""
    if not isinstance(pool, CompiledPool):
        raise TypeError(pool)
    start, jobs = pool.starts, pool.jobs
    never = start == UNKNOWN
    some = bool(never.any())
    ends = start + jobs.run
    if some:
        ends[never] = ended
    demand = _demand(pool, ends)
    if some:
        ends[never] = UNKNOWN
    return Tables(
        start_us=_scaled(start, unit),
        end_us=_scaled(ends, unit),
        worker=as_column(pool.workers_of),
        workers=WorkerTable(
            cores=pool.slots,
            requested=_scaled(as_array(pool.requested), unit),
            ready=_scaled(as_array(pool.ready_at), unit),
            drained=_scaled(as_array(pool.drained), unit),
            deleted=_scaled(as_array(pool.deleted), unit),
        ),
        demand=demand,
        supply=_supply(pool, ended),
    )


def _demand(pool: CompiledPool, ends: Array) -> int:
    there = ends - pool.jobs.submit
    if len(pool.shapes) == 1:
        return pool.shapes[0] * total(there)
    return sum(cores * total(there[pool.jobs.wants == cores]) for cores in pool.shapes)


def _supply(pool: CompiledPool, ended: int) -> int:
    ready, drained, deleted = (as_array(column) for column in (pool.ready_at, pool.drained, pool.deleted))
    last = np.where(drained == UNKNOWN, deleted, drained)
    last[last == UNKNOWN] = ended
    lived = np.minimum(last, ended) - np.minimum(ready, ended)
    return pool.slots * total(lived[ready != UNKNOWN])


def _scaled(values: Array, unit: int) -> Column:
    if unit == 1:
        return as_column(np.ascontiguousarray(values))
    scaled = values * unit
    scaled[values == UNKNOWN] = UNKNOWN
    return as_column(scaled)
