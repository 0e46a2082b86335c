"""Measures over all jobs of a run, from arrays: the same figures, to the last bit, as those of `measures`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.sums import add, total, whole
from elastic_simulations.fast.compiled.tables import as_array
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.measures import waiting as plain
from elastic_simulations.measures.checks import residual
from elastic_simulations.measures.fairness import Shares, shares_of
from elastic_simulations.measures.spread import of_ordered_ratios, of_ordered_times
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

Array = NDArray[np.int64]
Ratios = NDArray[np.float64]

EXACT = 1 << 53
"""Whole numbers below this are floats without rounding: a quotient of two is then the same everywhere."""

MANTISSA = 52


@dataclass(frozen=True, slots=True)
class Kept:
    """The jobs that count, by column."""

    wait: Array
    run: Array
    cores: Array
    user: Array | None


def waiting(trace: Trace, outcome: Outcome, warmup_us: int = 0) -> plain.Waiting:
    """As `measures.waiting.waiting`."""
    of = _kept(trace, outcome, warmup_us)
    if len(of.wait) and int((of.wait + of.run).max()) >= EXACT:
        return plain.waiting(trace, outcome, warmup_us)
    slow = np.maximum((of.wait + of.run) / np.maximum(of.run, plain.SHORT_US), 1.0)
    ordered, ordered_slow = np.sort(of.wait), np.sort(slow)
    weight = total(of.cores)
    return plain.Waiting(
        jobs=len(of.wait),
        unserved=int(np.count_nonzero(as_array(outcome.start_us) == UNKNOWN)),
        wait=of_ordered_times(memoryview(ordered), total(ordered)),  # type: ignore[arg-type] # reads as Python's own
        core_weighted_wait_s=_product(of.cores, of.wait) / (weight * MICROSECONDS) if weight else 0.0,
        bounded_slowdown=of_ordered_ratios(memoryview(ordered_slow), exact_sum(ordered_slow)),  # type: ignore[arg-type] # as above
        fairness=None if of.user is None else _shares(of.user, of.wait, slow, trace.users),
    )


def littles_law_residual(trace: Trace, outcome: Outcome) -> float:
    """As `measures.checks.littles_law_residual`."""
    start = as_array(outcome.start_us)
    begun = np.where(start == UNKNOWN, outcome.ended_us, start)
    return residual(outcome.integrals.queue, total(begun - as_array(trace.submit_us)))


def used(trace: Trace, outcome: Outcome) -> int:
    """As `measures.paying.used_by_jobs`."""
    of = _kept(trace, outcome, 0)
    return _product(of.cores, of.run)


def _kept(trace: Trace, outcome: Outcome, warmup_us: int) -> Kept:
    start, submit = as_array(outcome.start_us), as_array(trace.submit_us)
    user = as_array(trace.optional["user"]) if "user" in trace.optional else None
    of = Kept(start - submit, as_array(trace.run_us), as_array(trace.cores), user)
    kept = (start != UNKNOWN) & (submit >= warmup_us)
    if kept.all():
        return of
    return Kept(of.wait[kept], of.run[kept], of.cores[kept], None if user is None else user[kept])


def exact_sum(ordered: Ratios) -> float:
    """The sum of sorted floats from 1 on as `math.fsum` gives it, rounded once: whole numbers, by their exponents."""
    if not len(ordered):
        return 0.0
    bits = ordered.view(np.int64)
    exponents = (bits >> MANTISSA) - 1023
    mantissas = (bits & ((1 << MANTISSA) - 1)) | (1 << MANTISSA)
    first, last = int(exponents[0]), int(exponents[-1])
    bounds = np.searchsorted(exponents, np.arange(first, last + 2))
    parts = zip(range(first, last + 1), bounds[:-1], bounds[1:], strict=True)
    return sum(total(mantissas[low:high]) << exponent for exponent, low, high in parts) / (1 << MANTISSA)


def _product(counts: Array, spans: Array) -> int:
    sums = np.zeros(2, np.int64)
    _add_products(sums, counts, spans)
    return whole(*sums.tolist())


@jit
def _add_products(sums: Array, counts: Array, spans: Array) -> None:
    for place in range(len(counts)):
        add(sums, 0, counts[place], spans[place])


def _shares(user: Array, wait: Array, slow: Ratios, names: tuple[str, ...]) -> Shares:
    # One place more than names: the unknown user is -1, the last.
    places = len(names) + 1
    jobs, waited, slowed = np.zeros(places, np.int64), np.zeros((places, 2), np.int64), np.zeros(places)
    _add_shares(user, wait, slow, jobs, waited, slowed)
    return shares_of(jobs.tolist(), [whole(*sums) for sums in waited.tolist()], slowed.tolist(), names)


@jit
def _add_shares(user: Array, wait: Array, slow: Ratios, jobs: Array, waited: Array, slowed: Ratios) -> None:
    for place in range(len(user)):
        who = user[place] if user[place] >= 0 else len(jobs) - 1
        jobs[who] += 1
        add(waited[who], 0, 1, wait[place])
        slowed[who] += slow[place]
