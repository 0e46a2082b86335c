"""How closely supply followed demand: the elasticity metrics of the SPEC research group (Herbst et al. 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from elastic_simulations.fast.outcome import Outcome

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    """In percent, d = running + queued cores, s = ready cores, R = the largest d, T = from 0 to the last job's end.

    `accuracy_*` = 100/(T R) times the integral of (d-s)+ or (s-d)+ (not normalised by d or s); `*_normalised` =
    100/T times the integral of (d-s)+ / max(d, 1) or (s-d)+ / max(s, 1), without R; `timeshare_*` = how long it was so.
    `instability` (supply moves where demand does not or moves the other way) and `instability_slow`
    (demand moves, supply does not) are sampled at ticks; None without ticks.
    """

    accuracy_under: float
    accuracy_over: float
    accuracy_under_normalised: float
    accuracy_over_normalised: float
    timeshare_under: float
    timeshare_over: float
    instability: float | None
    instability_slow: float | None


def elasticity(outcome: Outcome) -> Elasticity:
    """From what the event loop integrated."""
    of, horizon = outcome.integrals, outcome.ended_us
    area = horizon * of.peak_demand
    steps = outcome.samples.ticks - 1
    return Elasticity(
        accuracy_under=_percent(of.under, area),
        accuracy_over=_percent(of.over, area),
        accuracy_under_normalised=_percent(_by_levels(of.under_by), horizon),
        accuracy_over_normalised=_percent(_by_levels(of.over_by), horizon),
        timeshare_under=_percent(of.under_us, horizon),
        timeshare_over=_percent(of.over_us, horizon),
        instability=_percent(outcome.samples.supply_without_demand, steps) if steps > 0 else None,
        instability_slow=_percent(outcome.samples.demand_without_supply, steps) if steps > 0 else None,
    )


def _by_levels(parts: Mapping[int, int]) -> float:
    """Each part over its level: quotients of whole numbers, summed without rounding, in whichever order."""
    return fsum(part / max(level, 1) for level, part in parts.items())


def _percent(part: float, whole: int) -> float:
    return PERCENT * part / whole if whole else 0.0
