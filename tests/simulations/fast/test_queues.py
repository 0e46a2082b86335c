"""Queues with known answers, at counts that a quick test can afford."""

from dataclasses import replace
from statistics import fmean

import pytest

from elastic_simulations.checks.queues import ERLANG, SETUPS, Setup, erlang_run, setup_run, setups


def test_m_m_c_is_near_its_closed_form() -> None:
    case = replace(ERLANG[2], jobs=100_000)
    runs = [erlang_run(case, seed) for seed in (1, 2, 3)]
    assert fmean(share for _, share in runs) == pytest.approx(case.probability, rel=0.15)


@pytest.mark.parametrize("case", [SETUPS[0], SETUPS[2]], ids=lambda case: f"c={case.servers}")
def test_m_m_c_setup_is_near_its_exact_value(case: Setup) -> None:
    assert setup_run(replace(case, jobs=10_000)) == pytest.approx(case.wait, rel=0.08)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_m_m_c_setup_within_two_percent_deciding_every_time() -> None:
    assert [verdict for verdict in setups(every_time=True) if not verdict.ok] == []
