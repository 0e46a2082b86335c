"""The page as a browser would take it apart: whole, alone, the same each time."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.reports import writing
from elastic_simulations.reports.comparing import names
from elastic_simulations.reports.families import Told, told
from elastic_simulations.reports.metrics import text
from elastic_simulations.reports.page import Shown, page
from elastic_simulations.reports.theme import VARIABLES
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.reference import reference_case
from tests.simulations.reports.runs import some

EMPTY = {"meta", "br", "path", "use", "rect", "line"}


class Page(HTMLParser):
    """Tags that close, ids, what is referred to, and the text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.references: set[str] = set()
        self.outside: list[str] = []
        self.words: list[str] = []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            given = value or ""
            if name == "id":
                self.ids[given] += 1
            elif name in {"href", "xlink:href", "src", "srcset", "data"}:
                (self.references.add(given[1:]) if given.startswith("#") else self.outside.append(given))
            self.references.update(re.findall(r"url\(#([^)]+)\)", given))
            self.outside += re.findall(r"url\((?!#)[^)]*\)", given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def shown() -> list[Shown]:
    runs = [some(), some(sets={"idle_seconds": "60"}), some(static=195, slots=1)]
    return [Shown(answer=report(run), result=run) for run in runs]


@pytest.fixture(scope="module")
def one(shown: list[Shown]) -> str:
    return page(shown[:1])


@pytest.fixture(scope="module")
def several(shown: list[Shown]) -> str:
    return page(shown)


@pytest.mark.parametrize("which", ["one", "several"])
def test_a_page_is_well_formed_and_needs_nothing_else(which: str, request: pytest.FixtureRequest) -> None:
    markup = request.getfixturevalue(which)
    found = Page(markup)
    assert [name for name, times in found.ids.items() if times > 1] == []
    assert found.references <= found.ids.keys()
    assert found.outside == []
    assert "<script" not in markup
    assert "@import" not in markup


def test_every_colour_is_the_style_sheets_in_light_and_in_dark(several: str) -> None:
    for colour, variable in VARIABLES.items():
        assert colour not in several
        assert several.count(f"{variable}:") == 2, variable
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", several)) - {"--dot"}
    assert all(f"{variable}:" in several for variable in used)
    assert re.findall(r"(?:fill|stroke): #\w+", several) == []


def test_every_figure_of_the_result_is_on_the_page_but_how_long_it_took(shown: list[Shown], one: str) -> None:
    answer = shown[0].answer
    words = set(Page(one).words)
    for name, value in answer.items():
        if isinstance(value, int | float) and name != "wall_s":
            assert text(value) in words, name
    assert text(answer["wall_s"]) not in words


def test_several_results_have_names_the_front_and_the_best_figures(shown: list[Shown], several: str) -> None:
    assert names([each.answer for each in shown]) == [
        "backlog, slots 4",
        "backlog, slots 4, idle_seconds=60",
        "static 195",
    ]
    assert "on the front" in several
    assert 'class="number best"' in several
    assert several.count("<svg") == 2 + 3 * 3


def test_results_that_cannot_be_told_apart_are_numbered(shown: list[Shown]) -> None:
    assert names([shown[0].answer, shown[0].answer]) == ["backlog #1", "backlog #2"]
    assert names([{**shown[0].answer, "scenario": "burst"}]) == ["burst: backlog"]


def test_a_result_without_its_run_has_its_figures_and_says_why_it_is_not_drawn(shown: list[Shown]) -> None:
    markup = page([Shown(answer=shown[0].answer, why_not_drawn="Not drawn: <gone>")])
    assert "Not drawn: &lt;gone&gt;" in markup
    assert markup.count("<svg") == 1


def test_missing_libraries_are_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "NEEDED", ("jinja2", "no_such_library"))
    with pytest.raises(SimulationError, match=r"needs no_such_library: pip install 'elastic\[report\]'"):
        writing.check_libraries()


def run_in(folder: Path, seed: str) -> Path:
    """A folder with trace, result and page of a run in a process of its own, under that seed of Python's hashes."""
    with (folder / "reference.swf").open("w") as file:
        write_swf(reference_case(800), file)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONHASHSEED": seed}
    words = ["sim", "run", "--trace", "reference.swf", "--slots", "2", "--html", "page.html", "-o", "json"]
    command = [sys.executable, "-m", "elastic", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=folder)
    (folder / "result.json").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_in(tmp_path_factory.mktemp("run"), "1")


def test_the_same_run_writes_the_same_bytes_in_any_process(folder: Path, tmp_path: Path) -> None:
    assert (run_in(tmp_path, "2") / "page.html").read_bytes() == (folder / "page.html").read_bytes()


def test_neither_does_the_engine_change_a_byte_of_the_page() -> None:
    pytest.importorskip("numba")
    runs = [run(reference_case(300), RunSettings(engine=engine)) for engine in ("python", "numba")]
    manifests = [{"engine": one.engine, "options": {"engine": one.settings.engine, "seed": 0}} for one in runs]
    answers = [{**report(one), "manifest": manifest} for one, manifest in zip(runs, manifests, strict=True)]
    pages = {page([Shown(answer=answer, result=one, name="")]) for answer, one in zip(answers, runs, strict=True)}
    assert len(pages) == 1


def test_a_report_of_stored_results_draws_them_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(folder)
    result, out = folder / "result.json", tmp_path / "report.html"
    assert CliRunner().invoke(app, ["report", str(result), "--html", str(out)]).exit_code == 0
    assert out.read_bytes() == (folder / "page.html").read_bytes()
    lines = tmp_path / "results.jsonl"
    lines.write_text((json.dumps(json.loads(result.read_text())) + "\n") * 2)
    assert CliRunner().invoke(app, ["report", str(lines), "--html", str(out), "--no-draw"]).exit_code == 0
    assert out.read_text().count("<svg") == 1
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["report", str(result), "--html", str(out)]).exit_code == 0
    assert "cannot be read: No such file or directory" in out.read_text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "no JSON"),
        ("[1]", "no result of"),
        ("[]", "no result in these files"),
        ('{"wait": {"mean": 1}}', "paid_core_h or wait.mean is not in it"),
    ],
)
def test_a_file_that_holds_no_result_is_told(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    done = CliRunner().invoke(app, ["report", str(path), "--html", str(tmp_path / "out.html")])
    assert isinstance(done.exception, SimulationError)
    assert problem in str(done.exception)


def mean(value: float) -> dict[str, float]:
    return {"mean": value, "standard_error": 0.5}


def configuration(name: str, cost: float, wait: float) -> dict[str, object]:
    means = {"paid_core_h": mean(cost), "wait.mean": mean(wait), "starts": mean(2.5)}
    return {"workload": "days", "policy": name, "runs": 5, "failed": 0, "unserved": 1, "means": means, "front": False}


def test_a_campaigns_configurations_are_weighed_by_workload() -> None:
    days = [configuration("b:idle=0", 10, 5), configuration("b:idle=9", 20, 9)]
    nights = [{**configuration("b:idle=9", 20, 9), "workload": "nights"}]
    workloads = [{"workload": "days", "configurations": days}, {"workload": "nights", "configurations": nights}]
    found = list(told({"axes": {"cost": "paid_core_h", "wait": "wait.mean"}, "workloads": workloads}))
    assert found[0] == Told(
        answer={"paid_core_h": 10, "wait": {"mean": 5}, "starts": 2.5, "unserved": 1},
        name="b:idle=0",
        workload="days",
        note="Means over 5 runs of a campaign.",
    )
    markup = page([Shown(answer=each.answer, name=each.name, workload=each.workload) for each in found])
    assert Page(markup).outside == []
    assert markup.count("<svg") == 2
    # The second beats nobody among the days; among the nights it is alone.
    assert markup.count('<span class="badge">on the front</span>') == 2


def test_a_comparisons_policies_are_means_over_its_seeds() -> None:
    values = {"b": {"wait.mean": [1.0, 3.0], "paid_core_h": [10.0, 20.0]}, "f": {"wait.mean": [0.0]}}
    found = list(told({"policies": [{"policy": "b"}, {"policy": "f"}], "values": values}))
    # The second was not compared by its cost, and is no point.
    assert found == [
        Told(
            answer={"wait": {"mean": 2.0}, "paid_core_h": 15.0},
            name="b",
            note="Means over 2 seeds of a comparison.",
        )
    ]


def test_of_many_results_those_on_the_front_are_named() -> None:
    many = [Shown(answer={"paid_core_h": 10 + n, "wait": {"mean": abs(n - 3)}}, name=f"r{n}") for n in range(20)]
    markup = page(many)
    legend = markup[: markup.index("</ul>")]
    assert [f"r{n}" for n in range(20) if f">r{n}\n" in legend.replace("</li>", "\n")] == ["r0", "r1", "r2", "r3"]
    assert "16 that others beat" in legend
    assert "All figures" not in markup


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": "fixed", "sets": {"workers": "0"}},
        {"policy": "fixed", "sets": {"workers": "1"}, "maximum": 1, "slots": 1, "count": 2},
        {"static": 1000, "slots": 1},
    ],
    ids=["nobody served", "one worker", "nobody waits"],
)
def test_runs_in_which_little_happens_have_a_page_too(settings: dict[str, Any]) -> None:
    run = some(**{"count": 50, **settings})
    assert Page(page([Shown(answer=report(run), result=run)])).outside == []
