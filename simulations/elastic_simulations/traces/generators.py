"""Workloads that never were, from a seed: arrivals, run times, sizes, bags of tasks and chains of dependent jobs.

The same seed gives the same trace in every process; each stream of numbers has its own generator, so that changing run
times leaves arrivals as they were.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from elastic_simulations.draws import Constant, Distribution
from elastic_simulations.traces.arrivals import Arrivals
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Heavy-tailed: least x u^(-1/shape), cut at `most`; a shape of 1 to 2 has a mean but no variance (uncut)."""

    least: float
    shape: float
    most: float

    def at(self, u: float, /) -> float:
        """The value at share `u`."""
        return min(self.most, self.least * math.pow(1 - u, -1 / self.shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is generated. `bag` jobs come with each arrival; `chain` > 1 makes each job of a bag a row of that many.

    Run times and cores are drawn by job; the jobs of a chain begin one after the other (field `after` of the trace).
    """

    arrivals: Arrivals
    run_seconds: Distribution
    jobs: int
    cores: Distribution = Constant(1.0)
    bag: Distribution = Constant(1.0)
    chain: int = 1
    users: int = 1


def generate(workload: Workload, seed: int = 0) -> Trace:
    """The trace; run times are at least one microsecond, times rounded to whole ones."""
    if workload.jobs < 1 or workload.chain < 1 or workload.users < 1:
        raise TraceError("generated trace", 0, "jobs, chain and users must each be at least 1")
    streams = ("arrivals", "run", "cores", "bag", "user")
    draws = {stream: Random(f"{seed}/{stream}") for stream in streams}  # noqa: S311 - no secrets
    submit: list[int] = []
    after: list[int] = []
    for at in workload.arrivals.times(draws["arrivals"]):
        for _ in range(max(1, round(workload.bag.at(draws["bag"].random())))):
            _chain(submit, after, round(at * MICROSECONDS), workload.chain)
        if len(submit) >= workload.jobs:
            break
    del submit[workload.jobs :], after[workload.jobs :]
    run = [max(1, round(u * MICROSECONDS)) for u in islice(_drawn(workload.run_seconds, draws["run"]), len(submit))]
    cores = [max(1, round(u)) for u in islice(_drawn(workload.cores, draws["cores"]), len(submit))]
    optional = {"user": [draws["user"].randrange(workload.users) for _ in submit]}
    if workload.chain > 1:
        optional["after"] = after
    users = [f"user{number}" for number in range(workload.users)]
    return made(submit, run, cores, source=f"generated, seed {seed}", optional=optional, users=users)


def _chain(submit: list[int], after: list[int], at: int, length: int) -> None:
    for place in range(length):
        after.append(len(submit) - 1 if place else UNKNOWN)
        submit.append(at)


def _drawn(distribution: Distribution, random: Random) -> Iterator[float]:
    while True:
        yield distribution.at(random.random())
