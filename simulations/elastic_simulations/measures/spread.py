"""Mean, percentiles and largest of a set of values; exact for whole microseconds, and in no need of their order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from elastic_simulations.traces.trace import MICROSECONDS

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of waits in seconds, or of slowdowns (no unit); all 0 where there are no values."""

    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


def spread_of_times(values_us: Iterable[int]) -> Spread:
    """Of whole microseconds; every figure is rounded once, at its end."""
    ordered = sorted(values_us)
    return of_ordered_times(ordered, sum(ordered))


def of_ordered_times(ordered: Sequence[int], total: int) -> Spread:
    """The same of values that are sorted, and summed, already."""
    if not ordered:
        return Spread()
    return Spread(
        mean=total / (len(ordered) * MICROSECONDS),
        p50=_exact(ordered, 50),
        p90=_exact(ordered, 90),
        p95=_exact(ordered, 95),
        p99=_exact(ordered, 99),
        max=ordered[-1] / MICROSECONDS,
    )


def spread_of_ratios(values: Iterable[float]) -> Spread:
    """Of numbers without a unit."""
    ordered = sorted(values)
    return of_ordered_ratios(ordered, fsum(ordered))


def of_ordered_ratios(ordered: Sequence[float], total: float) -> Spread:
    """The same of values that are sorted, and summed without an error before the last rounding, already."""
    if not ordered:
        return Spread()
    return Spread(
        mean=total / len(ordered),
        p50=interpolated(ordered, 50),
        p90=interpolated(ordered, 90),
        p95=interpolated(ordered, 95),
        p99=interpolated(ordered, 99),
        max=ordered[-1],
    )


def interpolated(ordered: Sequence[float], percent: int) -> float:
    """The percentile by linear interpolation between order statistics."""
    low, rest = divmod(percent * (len(ordered) - 1), PERCENT)
    if not rest:
        return ordered[low]
    return ordered[low] + (ordered[low + 1] - ordered[low]) * rest / PERCENT


def _exact(ordered: Sequence[int], percent: int) -> float:
    low, rest = divmod(percent * (len(ordered) - 1), PERCENT)
    above = ordered[low + 1] - ordered[low] if rest else 0
    return (ordered[low] * PERCENT + above * rest) / (PERCENT * MICROSECONDS)
