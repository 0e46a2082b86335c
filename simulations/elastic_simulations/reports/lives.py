"""The lives of workers, as many as a picture has room for, with the exact share of their cores in use in each slice."""

from dataclasses import dataclass

import numpy as np

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.reports.series import Real, Whole, sizes, whole
from elastic_simulations.traces.trace import UNKNOWN, Trace

MOST_WORKERS = 48
SLICES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One worker: us, cut at the end of the last job. `use` is the mean share of its cores in use, by slice."""

    number: int
    requested: int
    ready: int
    drained: int
    deleted: int
    use: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """Every `every`-th worker of `workers`, in launch order; slices between `edges` (us)."""

    workers: int
    every: int
    edges: Whole
    lives: tuple[Life, ...]


def lives(trace: Trace, outcome: Outcome, most: int = MOST_WORKERS, slices: int = SLICES) -> Lives:
    """At most `most` workers, evenly chosen by launch number."""
    table, until = outcome.workers, max(1, outcome.ended_us)
    count = len(table.requested)
    every = max(1, -(-count // most))
    edges = np.array([place * until // slices for place in range(slices + 1)], dtype=np.int64)
    by_worker = _jobs_of(outcome, set(range(0, count, every)))
    start, end, cores = whole(outcome.start_us), whole(outcome.end_us), whole(trace.cores)
    chosen, size = [], sizes(outcome)
    for number in range(0, count, every):
        jobs = by_worker[number]
        use = _use(start[jobs], end[jobs], cores[jobs], edges) / (np.maximum(1, np.diff(edges)) * size[number])
        times = (table.requested[number], table.ready[number], table.drained[number], table.deleted[number])
        chosen.append(_life(number, times, until, use))
    return Lives(workers=count, every=every, edges=edges, lives=tuple(chosen))


def _life(number: int, times: tuple[int, int, int, int], until: int, use: Real) -> Life:
    requested, ready, drained, deleted = times
    gone = until if deleted == UNKNOWN else min(deleted, until)
    left = gone if drained == UNKNOWN else min(drained, gone)
    return Life(
        number=number,
        requested=min(requested, until),
        ready=left if ready == UNKNOWN else min(ready, left),
        drained=left,
        deleted=gone,
        use=use,
    )


def _jobs_of(outcome: Outcome, numbers: set[int]) -> dict[int, Whole]:
    """Places of the jobs of each of these workers."""
    worker = whole(outcome.worker)
    mine = np.flatnonzero(np.isin(worker, np.array(sorted(numbers), dtype=np.int64)) & (worker != UNKNOWN))
    mine = mine[np.argsort(worker[mine], kind="stable")]
    found = dict.fromkeys(numbers, mine[:0])
    if len(mine):
        cuts = np.flatnonzero(np.diff(worker[mine])) + 1
        found |= {int(worker[part[0]]): part for part in np.split(mine, cuts)}
    return found


def _use(start: Whole, end: Whole, cores: Whole, edges: Whole) -> Real:
    """Core time in each slice: what had been used by its end less what had been used by its beginning."""
    by_start, by_end = np.argsort(start, kind="stable"), np.argsort(end, kind="stable")
    used = _until(start[by_start], cores[by_start], edges) - _until(end[by_end], cores[by_end], edges)
    return np.diff(used).astype(np.float64)


def _until(at: Whole, cores: Whole, edges: Whole) -> Whole:
    """Sum over what happened by each edge of cores x (edge - at); modulo 2^64, see `series`."""
    place = np.searchsorted(at, edges, side="right")
    count = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(cores)])
    moment = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(cores * at)])
    total: Whole = count[place] * edges - moment[place]
    return total
