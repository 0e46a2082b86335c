from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.reports.lives import lives
from elastic_simulations.reports.pareto import front
from elastic_simulations.reports.series import demand, integral, running, sliced, supply
from elastic_simulations.reports.waits import Waits, counted
from tests.simulations.reports.runs import S, jobs, outcome, some


def test_demand_supply_and_running_cores_step_where_jobs_and_workers_do() -> None:
    assert demand(jobs(), outcome()).at.tolist() == [0, 10 * S, 13 * S, 28 * S, 38 * S]
    assert demand(jobs(), outcome()).level.tolist() == [2, 4, 3, 2, 0]
    assert running(jobs(), outcome()).at.tolist() == [0, 8 * S, 13 * S, 28 * S, 38 * S]
    assert running(jobs(), outcome()).level.tolist() == [0, 2, 1, 2, 0]
    assert supply(outcome()).at.tolist() == [0, 8 * S, 36 * S]
    assert supply(outcome()).level.tolist() == [0, 2, 0]


def test_a_slice_has_the_exact_mean_and_the_extremes_within_it() -> None:
    slices = sliced(demand(jobs(), outcome()), 40 * S, 4)
    assert slices.edges.tolist() == [0, 10 * S, 20 * S, 30 * S, 40 * S]
    assert slices.mean.tolist() == [2.0, (3 * 4 + 7 * 3) / 10, (8 * 3 + 2 * 2) / 10, 8 * 2 / 10]
    assert slices.least.tolist() == [2, 3, 2, 0]
    assert slices.largest.tolist() == [2, 4, 3, 2]


@pytest.mark.parametrize("settings", [{}, {"static": 195, "slots": 1}], ids=["elastic", "static"])
def test_integrals_of_the_series_are_those_that_the_event_loop_kept(settings: dict[str, Any]) -> None:
    result = some(**settings)
    trace, run, until = result.trace, result.outcome, result.outcome.ended_us
    assert integral(supply(run), until) == run.integrals.ready
    queued = integral(demand(trace, run), until) - integral(running(trace, run), until)
    assert queued == run.integrals.queue
    assert int(demand(trace, run).level.max()) == run.integrals.peak_demand


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(1, 9))
def test_slices_of_any_width_add_up_to_the_whole(starts: list[int], count: int) -> None:
    run = outcome()
    run.workers.requested, run.workers.drained = run.workers.requested[:1], run.workers.drained[:1]
    run.workers.ready, run.workers.deleted = run.workers.ready[:1], run.workers.deleted[:1]
    steps, until = supply(run), max(starts) + 1
    slices = sliced(steps, until * S, count)
    assert float(slices.mean @ np.diff(slices.edges)) == pytest.approx(integral(steps, until * S))


def test_a_life_shows_how_much_of_its_worker_was_in_use() -> None:
    chosen = lives(jobs(), outcome(), slices=4)
    first, second = chosen.lives
    assert (first.requested, first.ready, first.drained, first.deleted) == (2 * S, 8 * S, 36 * S, 38 * S)
    assert (second.requested, second.ready, second.drained, second.deleted) == (4 * S, 6 * S, 6 * S, 6 * S)
    # Slices of 9.5 s: 1.5 s of two cores; 3.5 s of two and 6 s of one; 9 s of one and 0.5 s of two; all of two.
    assert first.use.tolist() == pytest.approx([3 / 19, 13 / 19, 10 / 19, 1.0])
    assert second.use.tolist() == [0, 0, 0, 0]


def test_of_many_workers_every_so_manyth_is_shown() -> None:
    result = some(slots=1)
    chosen = lives(result.trace, result.outcome, most=10)
    assert chosen.workers == len(result.outcome.workers.requested)
    assert [life.number for life in chosen.lives] == list(range(0, chosen.workers, chosen.every))
    assert len(chosen.lives) <= 10


def test_every_wait_counts_once_at_its_step() -> None:
    waits = counted(np.array([0, 0, 1, S, S + 1, 30 * S, 31 * S], dtype=np.int64))
    assert waits == Waits(names=("at once", "1 s", "5 s", "15 s", "30 s", "1 min"), jobs=(2, 2, 1, 0, 1, 1))
    assert waits.cumulated[-1] == 100
    assert sum(waits.shares) == pytest.approx(100)


def test_the_front_leaves_out_what_another_beats_in_both() -> None:
    assert front([(3, 1), (1, 3), (2, 2), (2, 3), (4, 1), (1, 3)]) == [1, 5, 2, 0]
    assert front([]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=9))
def test_the_front_is_what_its_definition_says(points: list[tuple[int, int]]) -> None:
    def beaten(one: tuple[int, int]) -> bool:
        return any(other != one and other[0] <= one[0] and other[1] <= one[1] for other in points)

    assert sorted(front(points)) == [place for place, point in enumerate(points) if not beaten(point)]
