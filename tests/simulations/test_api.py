"""The stable names for programs: what they take, what they give, and that they agree with the command."""

from pathlib import Path

import pytest

from elastic_simulations import api
from elastic_simulations.runs.settings import SettingsError
from elastic_simulations.traces.exporting import write_swf


def test_a_trace_that_is_loaded_is_the_one_that_was_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = api.generate("poisson", jobs=50, rate=1, run=10, seed=3)
    with (tmp_path / "made.swf").open("w") as file:
        write_swf(made, file)
    loaded = api.load(tmp_path / "made.swf")
    assert (loaded.submit_us, loaded.run_us, loaded.cores) == (made.submit_us, made.run_us, made.cores)
    assert api.generate("reference", jobs=2).run_us.tolist() == [1_090_000_000, 901_000_000]


def test_settings_are_those_of_the_command_and_unknown_ones_are_told() -> None:
    trace = api.generate("reference", jobs=300)
    result = api.simulate(trace, slots=2, boot=100.0, sets={"idle_seconds": 60, "skips_quiet": True})
    assert result.settings.sets == {"idle_seconds": "60", "skips_quiet": "true"}
    with pytest.raises(SettingsError, match="no setting 'polcy'; known: policy, static"):
        api.simulate(trace, polcy="backlog")


def test_several_runs_are_compared_and_those_beaten_are_no_front() -> None:
    trace = api.generate("reference", jobs=2000)
    results = api.compare(trace, {"many": {"static": 400}, "enough": {"static": 300}, "few": {"static": 195}})
    waits = {name: api.figures(result)["wait"]["mean"] for name, result in results.items()}
    assert waits["many"] == waits["enough"] == 0 < waits["few"]
    assert api.front(results) == ["few", "enough"]


def test_a_report_is_returned_and_written_under_the_names_given(tmp_path: Path) -> None:
    trace = api.generate("reference", jobs=200)
    results = api.compare(trace, {"narrow": {"static": 50}, "wide": {"static": 90}})
    text = api.report(results, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == text
    assert ">narrow <" in text
    assert "<h1>static 90</h1>" in api.report(results["wide"])


def test_a_shaped_trace_has_more_jobs_in_the_same_time() -> None:
    trace = api.generate("reference", jobs=100)
    assert api.shape(trace, arrivals=2).submit_us[-1] == trace.submit_us[-1] // 2


def test_a_scenario_is_a_result_too() -> None:
    burst = Path(__file__).parents[2] / "simulations" / "scenarios" / "burst.toml"
    own, pinned = api.scenario(burst), api.scenario(burst, policy="fixed", sets={"workers": 3})
    assert (len(own.trace), own.waiting.unserved, own.more["killed_jobs"]) == (40, 0, 0)
    assert (own.churn.starts, pinned.churn.starts) == (10, 3)
    assert api.figures(own)["groups"]["small"]["workers"] == 10
    assert api.front({"own": own, "pinned": pinned}) == ["pinned", "own"]
