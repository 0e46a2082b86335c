"""Queues with known answers, at counts that a quick test can afford."""

from dataclasses import replace
from statistics import fmean

import pytest

from elastic_simulations.checks.queues import ERLANG, SETUPS, Setup, erlang_run, setup_run, setups
from elastic_simulations.checks.verdict import RESIDUAL, little


def test_m_m_c_is_near_its_closed_form() -> None:
    case = replace(ERLANG[2], jobs=100_000)
    runs = [erlang_run(case, seed) for seed in (1, 2, 3)]
    assert fmean(run.share for run in runs) == pytest.approx(case.probability, rel=0.15)
    assert max(run.residual for run in runs) < RESIDUAL


@pytest.mark.parametrize("case", [SETUPS[0], SETUPS[2]], ids=lambda case: f"c={case.servers}")
def test_m_m_c_setup_is_near_its_exact_value(case: Setup) -> None:
    run = setup_run(replace(case, jobs=10_000))
    assert run.wait == pytest.approx(case.wait, rel=0.08)
    assert run.residual < RESIDUAL


def test_one_run_that_breaks_littles_law_fails_the_check_of_all() -> None:
    assert little("two runs", [0.0, 1e-10]).ok
    assert not little("two runs", [2e-9, 0.0]).ok


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_m_m_c_setup_within_two_percent_deciding_every_time() -> None:
    assert [verdict for verdict in setups(every_time=True) if not verdict.ok] == []
