"""Workloads by name, from a handful of numbers: what `elastic trace generate` and campaigns ask for."""

import math

from elastic_simulations.draws import Constant, Distribution, Exponential
from elastic_simulations.traces.arrivals import Arrivals, Bursts, Cycles, MarkovModulated, Poisson
from elastic_simulations.traces.dags import Dag
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.generators import Pareto, Workload, generate
from elastic_simulations.traces.trace import Trace

BURST_SECONDS = 600.0
"""Mean length of a state of modulated arrivals: long enough for a fleet to follow, short enough to miss."""

LONGEST = 1000.0
"""A heavy tail is cut at this many means."""


def recipe(  # noqa: PLR0913 - the options of a command
    kind: str,
    *,
    jobs: int,
    rate: float,
    run: float,
    tail: float,
    bag: int,
    chain: int,
    seed: int,
    levels: int = 0,
    width: int = 4,
    fan_in: int = 2,
) -> Trace:
    """`rate` is in jobs a second whatever comes together; run times have mean `run`, with a Pareto tail if asked.

    `levels` above 0 makes DAGs of levels x width + 2 jobs each.
    """
    for name, value in (("rate", rate), ("run", run), ("bag", bag), ("chain", chain)):
        if not 0 < value < math.inf:
            raise TraceError("generated trace", 0, f"{name} {value:g}: above 0, and finite")
    dag = Dag(levels=levels, width=width, fan_in=fan_in) if levels else None
    together = bag * (max(1, dag.jobs) if dag else chain)
    workload = Workload(
        arrivals=_arrivals(kind, rate / together),
        run_seconds=_run(run, tail),
        jobs=jobs,
        bag=Constant(float(bag)),
        chain=chain,
        dag=dag,
    )
    return generate(workload, seed)


def _arrivals(kind: str, rate: float) -> Arrivals:
    match kind:
        case "poisson":
            return Poisson(rate=rate)
        case "modulated":
            return MarkovModulated(rates=(rate / 5, rate * 9 / 5), stay_seconds=BURST_SECONDS)
        case "cycles":
            return Cycles(rate=rate)
        case "bursts":
            return Bursts(size=100, pause_seconds=100 / rate)
        case _:
            raise TraceError("generated trace", 0, f"no kind '{kind}'; known: poisson, modulated, cycles, bursts")


def _run(mean: float, tail: float) -> Distribution:
    if tail == 0:
        return Exponential(mean)
    if not 1 < tail < math.inf:
        raise TraceError("generated trace", 0, f"tail {tail:g}: above 1, or the mean is infinite; 0 = exponential")
    return Pareto(least=mean * (tail - 1) / tail, shape=tail, most=mean * LONGEST)
