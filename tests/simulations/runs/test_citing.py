import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from elastic_simulations.cli import app
from elastic_simulations.runs.citing import AUTHORS, TITLE, bibtex
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.reference import reference_case

ROOT = Path(__file__).parents[3]


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "trace.swf"
    with path.open("w") as file:
        file.write("; Acknowledge: Anna\n; Computer: hers\n; Information: http://anna.example\n")
        write_swf(reference_case(3), file)
    return path


def test_the_trace_and_elastic_are_cited(trace: Path) -> None:
    shown = CliRunner().invoke(app, ["cite", str(trace)]).stdout
    header = "Acknowledge: Anna\nInformation: http://anna.example\nConversion: elastic\n"
    assert shown.startswith(f"{header}\n{AUTHORS}. {TITLE}. Version ")
    told = json.loads(CliRunner().invoke(app, ["cite", str(trace), "-o", "json"]).stdout)
    assert told["trace"]["acknowledge"] == header.splitlines()
    assert told["elastic"]["bibtex"] == bibtex()


def test_elastic_is_cited_without_a_trace_too() -> None:
    shown = CliRunner().invoke(app, ["cite"]).stdout
    assert shown.startswith(AUTHORS)
    assert bibtex() in shown
    assert json.loads(CliRunner().invoke(app, ["cite", "-o", "json"]).stdout)["trace"] is None


def test_a_trace_that_names_nobody_says_so(trace: Path) -> None:
    trace.write_text("".join(line for line in trace.read_text().splitlines(keepends=True) if line[0] != ";"))
    assert "trace.swf: its header names nobody" in CliRunner().invoke(app, ["cite", str(trace)]).stdout


def test_the_citation_file_is_of_format_1_2_0_and_says_what_the_command_says() -> None:
    """By hand what its JSON schema asks of the keys that are there; cffconvert 2.0.0 found it valid."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = {"cff-version", "message", "type", "title", "abstract", "version", "license"}
    assert cff.keys() == texts | {"authors", "keywords"}
    assert all(isinstance(cff[name], str) and cff[name] for name in texts)
    assert (cff["cff-version"], cff["type"]) == ("1.2.0", "software")
    assert re.fullmatch(r"\d+\.\d+\.\d+", cff["version"])
    assert (cff["version"], cff["license"]) == (project["version"], project["license"])
    assert (cff["title"], cff["authors"]) == (TITLE, [{"name": AUTHORS}])
    assert cff["keywords"] == project["keywords"]
