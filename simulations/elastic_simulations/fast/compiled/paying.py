"""What was paid for, from arrays: the same whole numbers as those of `measures.paying`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.sums import total
from elastic_simulations.fast.compiled.tables import as_array
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.measures import paying as plain
from elastic_simulations.measures.spread import of_ordered_times
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lives:
    """Of each worker: asked for, ready, drained (UNKNOWN where never), and gone or the end of the run."""

    first: Array
    ready: Array
    drained: Array
    last: Array


def paid(trace: Trace, outcome: Outcome, quanta: Sequence[int] = (), used: int | None = None) -> plain.Paid:
    """As `measures.paying.paid`."""
    if outcome.workers.sizes is not None or not len(outcome.workers.requested):
        return plain.paid(trace, outcome, quanta, used)
    of, end, cores = _lives(outcome), outcome.ended_us, outcome.workers.cores
    used = plain.used_by_jobs(trace, outcome) if used is None else used
    busy = used if outcome.busy is None else outcome.busy
    last, first = np.minimum(of.last, end), np.minimum(of.first, end)
    booted = np.minimum(np.where(of.ready == UNKNOWN, of.last, of.ready), end)
    drained = of.drained != UNKNOWN
    whole, boot = total(last - first), total(booted - first)
    down = total(last[drained] - np.minimum(of.drained[drained], end))
    periods = sorted({*plain.QUANTA_SECONDS, *quanta})
    return plain.Paid(
        paid=whole * cores,
        tail=total(np.maximum(0, of.last - np.maximum(of.first, end))) * cores,
        used=used,
        busy=busy,
        idle=(whole - boot - down) * cores - busy - outcome.wasted,
        boot=boot * cores,
        teardown=down * cores,
        wasted=outcome.wasted,
        billed={seconds: _billed(of, seconds) * cores for seconds in periods},
    )


def churn(outcome: Outcome) -> plain.Churn:
    """As `measures.paying.churn`."""
    table = outcome.workers
    if table.sizes is not None or not len(table.requested):
        return plain.churn(outcome)
    of, hours = _lives(outcome), outcome.ended_us / plain.HOUR_US
    gone = as_array(table.deleted) != UNKNOWN
    never = (of.ready == UNKNOWN) & gone
    lives = of.last - of.first
    ordered = np.sort(lives)
    stops = int(np.count_nonzero(gone))
    return plain.Churn(
        starts=outcome.launches,
        stops=stops,
        never_ready=int(np.count_nonzero(never)),
        never_ready_us=total(lives[never]) * table.cores,
        life=of_ordered_times(memoryview(ordered), total(ordered)),  # type: ignore[arg-type] # reads as Python's own
        changing_calls_per_h=(outcome.launches + stops) / hours if hours else 0.0,
        listing_calls_per_h=outcome.decisions / hours if hours else 0.0,
    )


def _lives(outcome: Outcome) -> Lives:
    table = outcome.workers
    deleted = as_array(table.deleted)
    return Lives(
        as_array(table.requested),
        as_array(table.ready),
        as_array(table.drained),
        np.where(deleted == UNKNOWN, outcome.stopped_us, deleted),
    )


def _billed(of: Lives, seconds: int) -> int:
    return total(-(-(of.last - of.first) // (seconds * MICROSECONDS))) * seconds
