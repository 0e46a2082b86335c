"""Workloads that never were, from a seed: arrivals, run times, sizes, bags of tasks, chains and DAGs of dependent jobs.

The same seed gives the same trace in every process; each stream of numbers has its own generator, so that changing run
times leaves arrivals as they were.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import islice
from random import Random

from elastic_simulations.draws import Constant, Distribution
from elastic_simulations.traces.arrivals import Arrivals
from elastic_simulations.traces.dags import Dag
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
    """What is generated: `bag` jobs come with each arrival.

    `chain` > 1 makes each job of a bag a row of that many, `dag` makes it a DAG. Run times and cores are drawn by job;
    what waits for what is in the trace (`after`, `also_after`). The last chain or DAG is cut where there are jobs
    enough: a job comes after all that it waits for, so that none of those is missing.
    """

    arrivals: Arrivals
    run_seconds: Distribution
    jobs: int
    cores: Distribution = Constant(1.0)
    bag: Distribution = Constant(1.0)
    chain: int = 1
    dag: Dag | None = None
    users: int = 1


def generate(workload: Workload, seed: int = 0) -> Trace:
    """The trace; run times are at least one microsecond, times rounded to whole ones."""
    if workload.jobs < 1 or workload.chain < 1 or workload.users < 1:
        raise TraceError("generated trace", 0, "jobs, chain and users must each be at least 1")
    if workload.dag is not None and (workload.chain > 1 or min(astuple(workload.dag)) < 1):
        raise TraceError(
            "generated trace", 0, "levels, width and fan-in must each be at least 1, and chain 1 with them"
        )
    streams = ("arrivals", "run", "cores", "bag", "user", "dag")
    draws = {stream: Random(f"{seed}/{stream}") for stream in streams}  # noqa: S311 - no secrets
    submit, before = _arriving(workload, draws)
    run = [max(1, round(u * MICROSECONDS)) for u in islice(_drawn(workload.run_seconds, draws["run"]), len(submit))]
    cores = [max(1, round(u)) for u in islice(_drawn(workload.cores, draws["cores"]), len(submit))]
    optional = {"user": [draws["user"].randrange(workload.users) for _ in submit]}
    if workload.chain > 1 or workload.dag is not None:
        optional["after"] = [some[0] if some else UNKNOWN for some in before]
    others = [place for job, some in enumerate(before) for other in some[1:] for place in (job, other)]
    users = [f"user{number}" for number in range(workload.users)]
    source = f"generated, seed {seed}"
    return made(submit, run, cores, source=source, optional=optional, users=users, also_after=others)


def _arriving(workload: Workload, draws: Mapping[str, Random]) -> tuple[list[int], list[list[int]]]:
    """By job when it is submitted (us), and the jobs that must end before it."""
    submit: list[int] = []
    before: list[list[int]] = []
    for at in workload.arrivals.times(draws["arrivals"]):
        for _ in range(max(1, round(workload.bag.at(draws["bag"].random())))):
            first = len(submit)
            before += [[first + job for job in some] for some in _together(workload, draws["dag"])]
            submit += [round(at * MICROSECONDS)] * (len(before) - first)
        if len(submit) >= workload.jobs:
            break
    return submit[: workload.jobs], before[: workload.jobs]


def _together(workload: Workload, random: Random) -> list[list[int]]:
    """By job of one chain or DAG those that must end before it."""
    if workload.dag is not None:
        return workload.dag.drawn(random)
    return [[], *([place] for place in range(workload.chain - 1))]


def _drawn(distribution: Distribution, random: Random) -> Iterator[float]:
    while True:
        yield distribution.at(random.random())
