import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.rerunning import rerun
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.reference import reference_case


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def result(tmp_path: Path) -> Path:
    with (tmp_path / "trace.swf").open("w") as file:
        file.write("; Acknowledge: Anna\n")
        write_swf(reference_case(300), file)
    words = [
        "run",
        "--trace",
        str(tmp_path / "trace.swf"),
        "--set",
        "headroom=1",
        "--scale-arrivals",
        "2",
        "-o",
        "json",
    ]
    path = tmp_path / "result.json"
    path.write_text(CliRunner().invoke(app, words).stdout)
    return path


def test_a_result_is_made_again_from_its_manifest(result: Path) -> None:
    [again] = rerun(result, [], 1)
    assert again.differ == []
    assert again.answer["settings"]["sets"] == {"headroom": "1"}  # type: ignore[index]
    assert CliRunner().invoke(app, ["rerun", str(result)]).exit_code == 0


def test_a_figure_that_differs_is_named(result: Path) -> None:
    stored = json.loads(result.read_text())
    result.write_text(json.dumps({**stored, "starts": -1}))
    done = CliRunner().invoke(app, ["rerun", str(result)])
    assert (done.exit_code, done.stderr) == (1, "differs: starts\n")


def test_another_trace_is_refused_and_a_moved_one_taken(result: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.swf"
    moved = trace.rename(tmp_path / "moved.swf")
    with pytest.raises(SimulationError, match=r"cannot be read: No such file or directory; name it with --trace"):
        rerun(result, [], 1)
    assert set(rerun(result, [moved], 1)[0].differ) <= {"trace"}
    moved.write_text(moved.read_text() + "\n")
    with pytest.raises(SimulationError, match="is not the trace of"):
        rerun(result, [moved], 1)


@pytest.mark.parametrize(
    ("text", "problem"), [("", "no JSON"), ("[]", "no manifest in it"), ('{"manifest": {}}', "of another version")]
)
def test_what_is_no_result_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SimulationError, match=problem):
        rerun(tmp_path / "x.json", [], 1)
    with pytest.raises(SimulationError, match="cannot be read"):
        rerun(tmp_path / "none.json", [], 1)


def test_cite_prints_whom_to_thank(result: Path, tmp_path: Path) -> None:  # noqa: ARG001 - makes the trace
    done = CliRunner().invoke(app, ["cite", str(tmp_path / "trace.swf")])
    assert done.stdout.splitlines()[0] == "Acknowledge: Anna"
