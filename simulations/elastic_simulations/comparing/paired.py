"""Are two policies different? Paired differences over seeds, bootstrap intervals of their means, Holm's correction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

RESAMPLES = 9999
"""Chosen so that (RESAMPLES + 1) x usual levels are whole numbers."""

Draws = Sequence[Sequence[int]]
"""Places of the seeds of each resample: the same for every figure and policy, so that they are comparable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean difference, its interval (None: too few seeds for one) and the p-value of "there is none"."""

    mean: float
    low: float | None
    high: float | None
    p: float


def draws(seeds: int, resamples: int = RESAMPLES) -> Draws:
    """Resamples of so many seeds with replacement; always the same ones."""
    random = Random(f"{seeds}/resamples")  # noqa: S311 - no secret
    return [random.choices(range(seeds), k=seeds) for _ in range(resamples)]


def difference(values: Sequence[float], resampled: Draws, confidence: float) -> Difference:
    """Of paired differences, one a seed: the symmetric studentised bootstrap (Hall 1988; Hesterberg 2015).

    With mean m and standard error s of the n differences, and m*, s* those of a resample, t* = |m* - m| / s*. The
    interval is m -+ q s, q being the ceil(confidence (B + 1))-th smallest of the B values t*. The p-value is
    (1 + how many t* are at least |m| / s) / (B + 1): the interval leaves out 0 exactly where p <= 1 - confidence.

    Differences that are all alike leave nothing to estimate: no interval but the point, p = 1 where they are 0 and
    2^(1-n) elsewhere, the chance that n signs agree.
    """
    count = len(values)
    m, s = _mean_and_error(values)
    if count == 1:
        return Difference(mean=m, low=None, high=None, p=1.0)
    if s == 0:
        return Difference(mean=m, low=m, high=m, p=1.0 if m == 0 else 2.0 ** (1 - count))
    ordered = sorted(_t(values, places, m) for places in resampled)
    rank = math.ceil(round(confidence * (len(ordered) + 1), 6))
    q = ordered[rank - 1] if rank <= len(ordered) else math.inf
    beyond = sum(t >= abs(m) / s for t in ordered)
    finite = math.isfinite(q)
    return Difference(
        mean=m,
        low=m - q * s if finite else None,
        high=m + q * s if finite else None,
        p=(1 + beyond) / (len(ordered) + 1),
    )


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values (Holm 1979): the i-th smallest of m times (m - i + 1), never below those before it, at most 1.

    Whoever calls different what has an adjusted value of at most 5 % is wrong about any of them in at most 5 % of such
    comparisons, whatever depends on what.
    """
    order = sorted(range(len(p)), key=lambda place: (p[place], place))
    stepped = accumulate((min(1.0, p[place] * (len(p) - rank)) for rank, place in enumerate(order)), max)
    adjusted = dict(zip(order, stepped, strict=True))
    return [adjusted[place] for place in range(len(p))]


def _t(values: Sequence[float], places: Sequence[int], m: float) -> float:
    mean, error = _mean_and_error([values[place] for place in places])
    if error == 0:
        return 0.0 if mean == m else math.inf
    return abs(mean - m) / error


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard error; exactly (value, 0) where all are alike."""
    count = len(values)
    first = values[0]
    if count == 1 or all(value == first for value in values):
        return first, 0.0
    mean = math.fsum(values) / count
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count * (count - 1)))
