"""Queues with known answers: M/M/c on a static pool, M/M/c/Setup on an elastic one that decides at every event."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, stdev
from typing import NamedTuple

from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic_simulations.checks.drawing import poisson_trace, ways
from elastic_simulations.checks.spreading import spread
from elastic_simulations.checks.verdict import Verdict, little, within
from elastic_simulations.draws import Exponential
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.situations import run_by_counts
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.measures.checks import residual
from elastic_simulations.traces.trace import MICROSECONDS

SEEDS = 20

STUDENT_99 = 2.861
"""Two-sided 99 % quantile of Student's t with 19 degrees of freedom."""

SHARE = 0.05
"""How wide the interval may be on each side; wider proves nothing."""

WARMUP = 0.05
"""Part of each run left out of its mean: it starts empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erlang:
    """M/M/c at rates a second: c, the mean wait, the probability of waiting, and how many jobs a seed it takes."""

    servers: int
    wait: float
    probability: float
    jobs: int
    arrival: float = 0.2
    service: float = 0.002


ERLANG = (
    Erlang(servers=105, wait=51.571, probability=0.5157, jobs=1_300_000),
    Erlang(servers=110, wait=11.850, probability=0.2370, jobs=1_000_000),
    Erlang(servers=120, wait=0.830, probability=0.0332, jobs=1_800_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """M/M/c/Setup with exponential setups of 234 s and service of 600 s: the exact mean wait."""

    servers: int
    load: float
    wait: float
    jobs: int = 2_000_000
    boot_seconds: float = 234.0
    service_seconds: float = 600.0


SETUPS = (
    Setup(servers=1, load=0.60, wait=1134.00),
    Setup(servers=4, load=0.60, wait=266.27),
    Setup(servers=7, load=0.60, wait=161.37),
    Setup(servers=10, load=0.72, wait=160.90),
    Setup(servers=7, load=3 / 7, wait=138.63),
)
SETUP_SHARE = 0.02


class OneEach:
    """A server for every job, and none more: setups in progress = min(waiting, c - active)."""

    def decide(self, snapshot: Snapshot) -> dict[str, Target]:
        """Jobs running and waiting; the group's maximum caps it."""
        wanted = snapshot.demand.idle_jobs + snapshot.demand.running_jobs
        return {name: Target(wanted, "one a job") for name in snapshot.groups}


class ErlangRun(NamedTuple):
    """One seed: the mean wait in seconds, the share that waited, and how far Little's law is from holding."""

    wait: float
    share: float
    residual: float


class SetupRun(NamedTuple):
    """One long run: the mean wait in seconds, and how far Little's law is from holding."""

    wait: float
    residual: float


def erlang_run(case: Erlang, seed: int) -> ErlangRun:
    """One seed; Little's law over all of it, the rest without the warm-up."""
    trace = poisson_trace(case.arrival, case.service, case.jobs, seed)
    outcome = ways().run_static(trace, case.servers)
    first = int(case.jobs * WARMUP)
    waits, waited = ways().waited(outcome.start_us[first:], trace.submit_us[first:])
    jobs = case.jobs - first
    in_all, _ = ways().waited(outcome.start_us, trace.submit_us)
    return ErlangRun(waits / jobs / MICROSECONDS, waited / jobs, residual(outcome.integrals.queue, in_all))


def setup_run(case: Setup, *, every_time: bool = False) -> SetupRun:
    """One long run; `every_time` asks the policy anew where it was asked the same before."""
    arrival = case.load * case.servers / case.service_seconds
    trace = poisson_trace(arrival, 1 / case.service_seconds, case.jobs, seed=1)
    group = reference_group(maximum=case.servers, idle_seconds=0.0)
    spec = ElasticSpec(
        group=group,
        policy=OneEach(),
        boot_seconds=Exponential(case.boot_seconds),
        cancels=True,
        on_events=True,
        seed=1,
    )
    outcome = (run_elastic if every_time else run_by_counts)(trace, spec)
    waits = sum(outcome.start_us) - sum(trace.submit_us)
    return SetupRun(waits / len(trace) / MICROSECONDS, residual(outcome.integrals.queue, waits))


def erlang(cases: Sequence[Erlang] = ERLANG) -> Iterator[Verdict]:
    """M/M/c over twenty fixed seeds."""
    residuals: list[float] = []
    for case in cases:
        runs = spread(partial(erlang_run, case), range(1, SEEDS + 1))
        name = f"M/M/{case.servers}, lambda {case.arrival:g}, mu {case.service:g}"
        yield interval(f"{name}: mean wait", case.wait, [run.wait for run in runs])
        yield interval(f"{name}: P(wait)", case.probability, [run.share for run in runs])
        residuals += [run.residual for run in runs]
    yield little("M/M/c", residuals)


def setups(cases: Sequence[Setup] = SETUPS, *, every_time: bool = False) -> Iterator[Verdict]:
    """M/M/c/Setup: one long run a row, in event mode."""
    runs = spread(partial(setup_run, every_time=every_time), cases)
    for case, run in zip(cases, runs, strict=True):
        yield within(_setup_name(case), case.wait, run.wait, SETUP_SHARE)
    yield little("M/M/c/Setup", [run.residual for run in runs])


def _setup_name(case: Setup) -> str:
    return f"M/M/{case.servers}/Setup, rho {case.load:.3g}: mean wait"


def interval(name: str, expected: float, means: Sequence[float]) -> Verdict:
    """The 99 % interval of the seeds' means contains the value, and is narrow."""
    mean, half = fmean(means), STUDENT_99 * stdev(means) / math.sqrt(len(means))
    ok = abs(mean - expected) <= half <= SHARE * expected
    text = f"{mean:.5g} +- {half:.2g}"
    tolerance = f"in the 99 % interval, half of it at most {SHARE:.0%}"
    return Verdict(check=name, expected=expected, got=text, tolerance=tolerance, ok=ok)
