"""How long jobs waited, and how much longer they took than they ran."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.measures.fairness import Shares, by_user
from elastic_simulations.measures.spread import Spread, spread_of_ratios, spread_of_times
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

SHORT_US = 10 * MICROSECONDS
"""Bounded slowdown counts a shorter run as this long, or one-second jobs would decide the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Of jobs that were started; `wait` and `core_weighted_wait_s` in seconds."""

    jobs: int
    unserved: int
    wait: Spread
    core_weighted_wait_s: float
    bounded_slowdown: Spread
    fairness: Shares | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """By job in trace order, of those that were started and submitted at or after the warm-up."""

    wait_us: Sequence[int]
    run_us: Sequence[int]
    cores: Sequence[int]
    user: Sequence[int] | None


def waits(trace: Trace, outcome: Outcome, warmup_us: int = 0) -> Waits:
    """Start less submit of every job that counts."""
    users = trace.optional.get("user")
    start = outcome.start_us
    if not warmup_us and UNKNOWN not in start:
        wait = list(map(int.__sub__, start, trace.submit_us))
        return Waits(wait_us=wait, run_us=trace.run_us, cores=trace.cores, user=users)
    kept = [j for j, at in enumerate(trace.submit_us) if at >= warmup_us and start[j] != UNKNOWN]
    return Waits(
        wait_us=[start[j] - trace.submit_us[j] for j in kept],
        run_us=[trace.run_us[j] for j in kept],
        cores=[trace.cores[j] for j in kept],
        user=[users[j] for j in kept] if users is not None else None,
    )


def waiting(trace: Trace, outcome: Outcome, warmup_us: int = 0) -> Waiting:
    """Everything about waiting, in one value."""
    of = waits(trace, outcome, warmup_us)
    slow = bounded_slowdowns(of.wait_us, of.run_us)
    weight = sum(of.cores)
    weighted = product(of.wait_us, of.cores)
    return Waiting(
        jobs=len(of.wait_us),
        unserved=outcome.unserved,
        wait=spread_of_times(of.wait_us),
        core_weighted_wait_s=weighted / (weight * MICROSECONDS) if weight else 0.0,
        bounded_slowdown=spread_of_ratios(slow),
        fairness=by_user(of.user, of.wait_us, slow, trace.users) if of.user is not None else None,
    )


def product(times: Sequence[int], cores: Sequence[int]) -> int:
    """The sum of times x cores; quicker where all ask for the same."""
    if cores and cores.count(cores[0]) == len(cores):
        return cores[0] * sum(times)
    return sum(map(int.__mul__, times, cores))


def bounded_slowdowns(wait_us: Sequence[int], run_us: Sequence[int]) -> list[float]:
    """max(1, (wait + run) / max(run, 10 s)) of each job."""
    pairs = zip(wait_us, run_us, strict=True)
    return [
        ratio if (ratio := (wait + run) / (run if run > SHORT_US else SHORT_US)) > 1.0 else 1.0  # noqa: FURB136 - a million calls
        for wait, run in pairs
    ]
