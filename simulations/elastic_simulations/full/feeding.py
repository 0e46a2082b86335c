"""The jobs of a trace come into a simulated pool, each at its time."""

from collections.abc import Callable

from elastic.core.resources import Resources
from elastic_simulations.draws import Constant
from elastic_simulations.grid import Grid
from elastic_simulations.specs import JobSpec
from elastic_simulations.timeline import Rank
from elastic_simulations.traces.trace import MICROSECONDS, Trace

Describe = Callable[[int], JobSpec]


def cores_only(trace: Trace) -> Describe:
    """Jobs that ask for cores and nothing else, all of one owner: what the fast engine sees of a trace."""
    nothing = Resources()

    def describe(place: int) -> JobSpec:
        return JobSpec(
            request=nothing._replace(cpus=trace.cores[place]), run=Constant(trace.run_us[place] / MICROSECONDS)
        )

    return describe


def feed(grid: Grid, trace: Trace, describe: Describe) -> None:
    """Submit every job of the trace at its time after now, in the order of the file."""
    began_us = grid.timeline.now_us
    place = 0

    def come() -> None:
        nonlocal place
        at_us = trace.submit_us[place]
        while place < len(trace) and trace.submit_us[place] == at_us:
            grid.submit(describe(place))
            place += 1
        if place < len(trace):
            grid.timeline.at(began_us + trace.submit_us[place], Rank.SUBMIT, come)

    if len(trace):
        grid.timeline.at(began_us + trace.submit_us[0], Rank.SUBMIT, come)
