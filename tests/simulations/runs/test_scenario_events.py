"""A scenario whose controller is woken by the pool, and not by the clock alone."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from elastic_simulations.full.scenario import run_file, run_scenario
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.scenario import Scenario, parse
from elastic_simulations.simulation import Simulation


def scenario(*, on_events: bool, **more: object) -> Scenario:
    """Two jobs of 300 s at second 1000, and a controller that looks every hour."""
    return parse(
        {
            "run": {"seconds": 0, "epoch": 0.0, "on_events": on_events},
            "site": {"tick_seconds": 3600},
            "group": [
                {
                    "name": "small",
                    "maximum": 2,
                    "shape": {"cpus": 1, "memory_mb": 2048, "disk_mb": 8192},
                    "reserve": {},
                    "model": {"boot": 60, "join": 10},
                }
            ],
            "jobs": [{"at": 1000, "count": 2, "run": 300}],
            **more,
        }
    )


def test_a_job_that_comes_wakes_the_controller() -> None:
    woken, slept = run_scenario(scenario(on_events=True)), run_scenario(scenario(on_events=False))
    assert [round(at / 1e6) for at in woken.outcome.workers.requested] == [1000, 1000]
    assert [round(at / 1e6) for at in slept.outcome.workers.requested] == [3600, 3600]
    assert slept.waiting.wait.mean - woken.waiting.wait.mean == pytest.approx(2600, abs=60)
    assert (woken.waiting.unserved, woken.littles_law_residual) == (0, 0.0)
    assert woken.elasticity.instability is None


def test_events_close_together_are_looked_at_together() -> None:
    bursts = [{"at": 1000 + second, "run": 300} for second in range(4)]
    simulation = Simulation(scenario(on_events=True, jobs=bursts))
    simulation.run(2000)
    times = [record.now for record in simulation.records]
    assert times[:3] == [0.0, 1000.0, 1005.0]
    assert min(after - before for before, after in pairwise(times)) >= simulation.scenario.site.min_wake_seconds


def test_a_run_in_two_parts_has_the_ticks_of_a_whole_one() -> None:
    whole, parts = (Simulation(scenario(on_events=True)) for _ in range(2))
    whole.run(4000)
    for end in (999.0, 1000.5, 1002.0, 4000.0):
        list(parts.ticks(end))
    assert [record.now for record in parts.records] == [record.now for record in whole.records]


def test_a_daemon_that_is_down_is_woken_by_nothing() -> None:
    simulation = Simulation(scenario(on_events=True, restart=[{"at": 1500}]))
    simulation.run(1600)
    assert [record.now for record in simulation.records][:2] == [0.0, 1500.0]


def test_an_option_beside_the_file_names_the_way(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"on_events = true in \[run\]"):
        run_file(tmp_path / "any.toml", replace(RunSettings(), sets={"on_events": "true"}))
