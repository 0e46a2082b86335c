"""SimPy on the same input, and the waiting game: own cores first, an overflow group for whoever would wait."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_simulations.checks.drawing import poisson_trace
from elastic_simulations.checks.game import ARRIVAL, GAMES, OWN, SERVICE, Game, game_spec, games, play
from elastic_simulations.checks.peers import simpy, simpy_starts
from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.counting_groups import run_by_counts_of_groups
from elastic_simulations.fast.elastic import run_elastic
from elastic_simulations.fast.static import run_static
from elastic_simulations.traces.trace import Trace
from tests.simulations.fast.engines import Job, jobs, trace_of


@settings(max_examples=50)
@given(jobs(), st.integers(1, 6))
def test_simpy_starts_every_job_at_the_same_time(some: list[Job], cores: int) -> None:
    trace = trace_of(some)
    assert list(run_static(trace, cores).start_us) == simpy_starts(trace, cores)


def test_simpy_agrees_on_the_generated_case() -> None:
    assert [verdict for verdict in simpy() if not verdict.ok] == []


def never_wait(trace: Trace, cores: int) -> list[bool]:
    """Who runs on one's own cores when nobody waits, plainly: an Erlang loss system."""
    own: list[bool] = []
    ends: list[int] = []
    for at, run in zip(trace.submit_us, trace.run_us, strict=True):
        ends = [end for end in ends if end > at]
        own.append(len(ends) < cores)
        ends += [at + run] if own[-1] else []
    return own


def test_who_would_wait_runs_elsewhere_and_a_core_that_is_free_again_is_used() -> None:
    trace = trace_of([Job(0, 10), Job(5, 10), Job(10, 1), Job(10, 1)])
    outcome = run_elastic(trace, game_spec(1))
    assert [worker == OWN for worker in outcome.worker] == [True, False, True, False]
    assert outcome.start_us == trace.submit_us
    table = outcome.workers
    lives = [(first, last) for first, last in zip(table.requested, table.deleted, strict=True)][1:]
    assert lives == [(5_000_000, 15_000_000), (10_000_000, 11_000_000)]


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(0, 1000))
def test_the_engine_plays_the_game_job_by_job_whether_it_decides_anew_or_not(cores: int, seed: int) -> None:
    trace = poisson_trace(ARRIVAL, SERVICE * 10, 300, seed)
    anew, known = run_elastic(trace, game_spec(cores)), run_by_counts_of_groups(trace, game_spec(cores))
    assert known == anew
    assert anew.start_us == trace.submit_us
    assert [worker == OWN for worker in anew.worker] == never_wait(trace, cores)
    paid = [last - first for first, last in zip(anew.workers.requested, anew.workers.deleted, strict=True)][1:]
    assert sorted(paid) == sorted(run for run, worker in zip(trace.run_us, anew.worker, strict=True) if worker != OWN)


def test_a_policy_that_looks_at_more_than_counts_is_found_out() -> None:
    spec = game_spec(3)
    timed = replace(spec, group=replace(spec.group, idle_seconds=60.0))
    with pytest.raises(SimulationError, match="counts are not all that decides in such a run"):
        run_by_counts_of_groups(trace_of([Job(0, 1)]), timed)


def test_the_waiting_game_is_near_its_closed_form() -> None:
    price, overflow = play(Game(cores=100, price=0.0, overflow=0.0, jobs=50_000), seed=3)
    assert abs(price - GAMES[1].price) < 0.1
    assert abs(overflow - GAMES[1].overflow) < 0.02


def test_a_wrong_closed_form_fails_the_check() -> None:
    """Twenty seeds, few jobs: the control of the interval test."""
    wrong = Game(cores=100, price=5.5, overflow=0.2, jobs=2000)
    assert not any(verdict.ok for verdict in games([wrong]))
