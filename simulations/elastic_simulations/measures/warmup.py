"""How much of a run's beginning to leave out: a time that is given, or what the rule MSER-5 finds."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

MSER5 = "mser5"
BATCH = 5
"""Jobs of a batch: what the 5 in MSER-5 says."""

LAST = 5
"""Batches at the end that are never alone: over a handful of them the statistic is small by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmup:
    """Jobs submitted before `seconds` are left out of waits and slowdowns.

    `rule` is "given" or "mser5"; `found` is False where MSER-5 found no end of the warm-up: nothing is left out then.
    """

    rule: str
    seconds: float
    found: bool = True


def mser5(trace: Trace, outcome: Outcome) -> Warmup:
    """MSER-5 on the waits of one run, in the order of submission; jobs that never started do not count."""
    started = [job for job, at in enumerate(outcome.start_us) if at != UNKNOWN]
    cut = truncation(batched([outcome.start_us[job] - trace.submit_us[job] for job in started]))
    if cut is None:
        return Warmup(rule=MSER5, seconds=0.0, found=False)
    return Warmup(rule=MSER5, seconds=trace.submit_us[started[cut * BATCH]] / MICROSECONDS if cut else 0.0)


def batched(values: Sequence[int]) -> list[int]:
    """Sums of each five values that follow one another; what is left over at the end is left out."""
    return [sum(values[place : place + BATCH]) for place in range(0, len(values) - BATCH + 1, BATCH)]


def truncation(batches: Sequence[int]) -> int | None:
    """How many batches to leave out at the start; None where there is no saying.

    White (1997), with batches of five White, Cobb and Spratt (2000): of k batch means Y leave out the first d, where d
    makes the marginal standard error

        z(d) = 1 / (k - d)^2 x sum over j > d of (Y_j - mean of Y_(d+1) .. Y_k)^2

    least; of equals the smallest d. The last five d are not looked at. Hoad, Robinson and Davies (2010): a d beyond the
    half of the run is refused, for the run is then too short to tell. (Sums in place of means give the same d.)
    """
    count = len(batches)
    best, best_d = float("inf"), 0
    total = squares = 0
    for d in range(count - 1, -1, -1):
        total += batches[d]
        squares += batches[d] * batches[d]
        kept = count - d
        if kept <= LAST:
            continue
        # Whole numbers, rounded once: the same d on every machine.
        z = (kept * squares - total * total) / kept**3
        if z <= best:
            best, best_d = z, d
    return best_d if count > LAST and best_d * 2 <= count else None
