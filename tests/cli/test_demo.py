"""The demonstration without real daemons: what it plays on where they cannot be had."""

from pathlib import Path

import pytest

from elastic.cli.demo.run import choose
from elastic.cli.demo.simulated import SimulatedStage
from elastic.cli.demo.stages import bursts
from elastic.cli.demo.views import Plain
from elastic_simulations.scenario import read_scenario


def test_a_suite_that_cannot_be_had_is_said_and_simulated_instead(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("elastic.local.sandbox.HOST_PATH", str(tmp_path))
    stage = choose(Plain(), jobs=8, simulated=False, suite=None)
    said = capsys.readouterr().out.splitlines()
    assert isinstance(stage, SimulatedStage)
    assert said[0].startswith("real HTCondor daemons cannot be had here: needs apt-get")
    assert said[1] == "the same daemon runs on a simulated pool and cloud instead"


def test_asked_to_simulate_it_does_not_even_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(choose(Plain(), jobs=8, simulated=True, suite=None), SimulatedStage)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("jobs", [1, 7, 8, 40, 1000])
def test_every_job_of_the_burst_is_in_it_once(jobs: int, tmp_path: Path) -> None:
    assert sum(burst.count for burst in bursts(jobs)) == jobs
    scenario = SimulatedStage(jobs).write_scenario(tmp_path)
    assert sum(burst.count for burst in read_scenario(scenario).bursts) == jobs
