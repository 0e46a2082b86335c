"""Runs to report on: one small enough to check by hand, one of some size."""

from array import array
from typing import Any

from elastic_simulations.fast.outcome import Integrals, Outcome, WorkerTable
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import MICROSECONDS, Trace

S = MICROSECONDS


def whole(*seconds: int) -> "array[int]":
    return array("q", (second if second < 0 else second * S for second in seconds))


def jobs() -> Trace:
    """Three jobs: (submit, run, cores) = (0, 20, 1), (0, 5, 1), (10, 10, 2)."""
    return made(whole(0, 0, 10), whole(20, 5, 10), [1, 1, 2], source="test")


def outcome() -> Outcome:
    """Two workers of two cores: the first ready 8..36, gone at 40; the second asked for at 4, deleted as it boots."""
    workers = WorkerTable(
        cores=2, requested=whole(2, 4), ready=whole(8, -1), drained=whole(36, -1), deleted=whole(40, 6)
    )
    return Outcome(
        start_us=whole(8, 8, 28),
        end_us=whole(28, 13, 38),
        worker=array("q", (0, 0, 0)),
        workers=workers,
        integrals=Integrals(),
        ended_us=38 * S,
        stopped_us=60 * S,
    )


def some(*, count: int = 1500, **settings: Any) -> Result:  # noqa: ANN401 - fields of RunSettings
    """The first jobs of the reference case."""
    return run(reference_case(count), RunSettings(**{"boot": 234.0, "slots": 4, **settings}))
