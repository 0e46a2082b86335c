from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_simulations.checks.game import GAMES, Game, games, play
from elastic_simulations.checks.peers import simpy, simpy_starts
from elastic_simulations.fast.overflow import OVERFLOW, OWN, run_never_wait
from elastic_simulations.fast.static import run_static
from tests.simulations.fast.engines import Job, jobs, trace_of


@settings(max_examples=50)
@given(jobs(), st.integers(1, 6))
def test_simpy_starts_every_job_at_the_same_time(some: list[Job], cores: int) -> None:
    trace = trace_of(some)
    assert list(run_static(trace, cores).start_us) == simpy_starts(trace, cores)


def test_simpy_agrees_on_the_generated_case() -> None:
    assert [verdict for verdict in simpy() if not verdict.ok] == []


def test_who_would_wait_runs_elsewhere_and_a_core_that_is_free_again_is_used() -> None:
    outcome = run_never_wait(trace_of([Job(0, 10), Job(5, 10), Job(10, 1), Job(10, 1, 2)]), 1)
    assert list(outcome.worker) == [OWN, OVERFLOW, OWN, OVERFLOW]
    assert list(outcome.start_us) == [0, 5_000_000, 10_000_000, 10_000_000]


def test_the_waiting_game_is_near_its_closed_form() -> None:
    price, overflow = play(Game(cores=100, price=0.0, overflow=0.0, jobs=100_000), seed=3)
    assert abs(price - GAMES[1].price) < 0.1
    assert abs(overflow - GAMES[1].overflow) < 0.02


def test_a_wrong_closed_form_fails_the_check() -> None:
    """Twenty seeds, few jobs: the control of the interval test."""
    wrong = Game(cores=100, price=5.5, overflow=0.2, jobs=2000)
    assert not any(verdict.ok for verdict in games([wrong]))
