"""Step functions of time from a run's tables, and their exact mean, least and largest in slices of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.trace import UNKNOWN, Column, Trace

Whole = NDArray[np.int64]
Real = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """`level[i]` holds from `at[i]` (us) until `at[i + 1]`; the first entry is at 0, times differ and rise."""

    at: Whole
    level: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """A step function in slices of time between `edges` (us): its exact mean in each, and its least and largest."""

    edges: Whole
    mean: Real
    least: Whole
    largest: Whole


def whole(column: Column) -> Whole:
    """The column as it lies in memory."""
    return np.frombuffer(column, dtype=np.int64) if len(column) else np.zeros(0, dtype=np.int64)


def demand(trace: Trace, outcome: Outcome) -> Steps:
    """Cores of jobs that run or wait."""
    cores, end = whole(trace.cores), whole(outcome.end_us)
    ended = end != UNKNOWN
    return _steps([whole(trace.submit_us), end[ended]], [cores, -cores[ended]])


def running(trace: Trace, outcome: Outcome) -> Steps:
    """Cores of jobs that run."""
    started = whole(outcome.start_us) != UNKNOWN
    cores = whole(trace.cores)[started]
    return _steps([whole(outcome.start_us)[started], whole(outcome.end_us)[started]], [cores, -cores])


def supply(outcome: Outcome) -> Steps:
    """Cores of workers that are ready."""
    table = outcome.workers
    ready, drained, deleted = whole(table.ready), whole(table.drained), whole(table.deleted)
    last = np.where(drained != UNKNOWN, drained, deleted)
    came = ready != UNKNOWN
    left = came & (last != UNKNOWN)
    cores = sizes(outcome)
    return _steps([ready[came], last[left]], [cores[came], -cores[left]])


def sizes(outcome: Outcome) -> Whole:
    """Cores of each worker."""
    table = outcome.workers
    each = np.ones(len(table.requested), dtype=np.int64) if table.sizes is None else whole(table.sizes)
    return each * table.cores


def _steps(times: list[Whole], changes: list[Whole]) -> Steps:
    at = np.concatenate([np.zeros(1, dtype=np.int64), *times])
    change = np.concatenate([np.zeros(1, dtype=np.int64), *changes]).astype(np.int64)
    order = np.argsort(at, kind="stable")
    at, level = at[order], np.cumsum(change[order])
    # Of changes at the same moment the last one counts: what lasted for no time never was.
    last = np.append(at[1:] != at[:-1], np.ones(1, dtype=np.bool_))
    return Steps(at=at[last], level=level[last])


def sliced(steps: Steps, until: int, count: int) -> Slices:
    """`count` slices of 0..`until`, fewer where that is not as many microseconds."""
    count = max(1, min(count, until))
    edges = np.array([place * until // count for place in range(count + 1)], dtype=np.int64)
    before = np.searchsorted(steps.at, edges, side="left") - 1
    inside = np.searchsorted(steps.at, edges, side="right") - 1
    ends = steps.level[before[1:]]
    firsts = inside[:-1]
    width = np.maximum(1, np.diff(edges))
    return Slices(
        edges=edges,
        mean=np.diff(_integral(steps, edges)) / width,
        least=np.minimum(np.minimum.reduceat(steps.level, firsts), ends),
        largest=np.maximum(np.maximum.reduceat(steps.level, firsts), ends),
    )


def integral(steps: Steps, until: int) -> int:
    """From 0 to `until`, in level x us."""
    return int(_integral(steps, np.array([until], dtype=np.int64))[0])


def _integral(steps: Steps, edges: Whole) -> Whole:
    """From 0 to each edge, modulo 2^64: sums may run over on the way, differences below 2^63 are exact all the same."""
    change = np.diff(steps.level, prepend=0)
    place = np.searchsorted(steps.at, edges, side="right") - 1
    return np.cumsum(change)[place] * edges - np.cumsum(change * steps.at)[place]
