"""The normalised accuracies of runs small enough to be worked out by hand, by every engine."""

import pytest

from elastic_simulations.measures.elasticity import Elasticity
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS

S = MICROSECONDS


@pytest.mark.parametrize("engine", ["python", "numba"])
def test_static_cores_lack_one_of_three_for_ten_seconds_and_spare_one_of_two_for_ten_more(engine: str) -> None:
    # Three jobs of 10 s at 0 on two cores: d = 3, s = 2 until 10; d = 1, s = 2 until 20.
    trace = made([0, 0, 0], [10 * S] * 3, source="by hand")
    found = run(trace, RunSettings(static=2, engine=engine)).elasticity
    assert _normalised(found) == (100 * (10 * 1 / 3) / 20, 100 * (10 * 1 / 2) / 20)
    assert (found.accuracy_under, found.accuracy_over) == (100 * 10 / (20 * 3), 100 * 10 / (20 * 3))


@pytest.mark.parametrize("engine", ["python", "numba", "full"])
def test_three_workers_for_one_job_lack_all_until_they_are_ready_and_spare_two_of_three_then(engine: str) -> None:
    # One job of 20 s at 0; three workers asked for at 0 are ready at 10: d = 1, s = 0 until 10; d = 1, s = 3 until 30.
    trace = made([0], [20 * S], source="by hand")
    settings = RunSettings(policy="fixed", sets={"workers": "3"}, boot=10.0, engine=engine)
    assert _normalised(run(trace, settings).elasticity) == (100 * (10 * 1 / 1) / 30, 100 * (20 * 2 / 3) / 30)


@pytest.mark.parametrize("engine", ["python", "numba", "full"])
def test_levels_are_cores_where_workers_have_several(engine: str) -> None:
    # Two jobs of two cores on workers of two: d = 4 and s = 0 until 10, 2 until 30 (the first ends), then d = s = 2.
    trace = made([0, 0], [20 * S] * 2, [2, 2], source="by hand")
    settings = RunSettings(policy="fixed", sets={"workers": "1"}, slots=2, boot=10.0, engine=engine)
    assert _normalised(run(trace, settings).elasticity) == (100 * (10 * 4 / 4 + 20 * 2 / 4) / 50, 0.0)


def _normalised(found: Elasticity) -> tuple[float, float]:
    return found.accuracy_under_normalised, found.accuracy_over_normalised
