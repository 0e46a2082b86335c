"""The pinned interface, as other tools call it: whole processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from elastic_simulations.cli import app
from elastic_simulations.quick import _parser
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.reference import reference_case

PINNED = {
    "jobs", "dropped", "unserved", "wait", "bounded_slowdown", "makespan_s", "last_end_s", "paid_core_h",
    "paid_tail_core_h", "used_core_h", "starts", "stops", "evictions", "scaling_factor", "littles_law_residual",
    "warmup_s", "trace_sha256", "seed", "version", "wall_s",
}  # fmt: skip
HEAVY = ("pydantic", "rich", "numpy", "pyarrow")


def elastic(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "ELASTIC_TRACES": ""}
    command = [sys.executable, "-m", "elastic", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "reference.swf"
    with path.open("w") as file:
        write_swf(reference_case(2000), file)
    return path


def test_a_static_run_prints_one_object_with_the_pinned_names(tmp_path: Path, trace: Path) -> None:
    done = elastic(tmp_path, "sim", "run", "--trace", str(trace), "--static", "200", "-o", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert answer.keys() >= PINNED
    assert answer["wait"].keys() >= {"mean", "p50", "p95", "p99", "max"}
    assert answer["bounded_slowdown"].keys() >= {"mean", "p50", "p95"}
    assert (answer["jobs"], answer["dropped"], answer["unserved"], answer["starts"]) == (2000, 0, 0, 0)


@pytest.mark.parametrize("output", ["json", "table"])
def test_what_a_static_run_has_no_use_for_is_told_beside_the_same_figures(
    tmp_path: Path, trace: Path, output: str
) -> None:
    words = ["sim", "run", "--trace", str(trace), "--static", "200", "--seed", "7", "-o", output]
    lost = ["--slots", "4", "--max", "9", "--boot", "3", "--tick", "9", "--min", "2", "--order", "emptiest"]
    plain, told = elastic(tmp_path, *words), elastic(tmp_path, *words, *lost)
    names = ["--min", "--max", "--slots", "--order", "--boot", "--tick"]
    assert (plain.returncode, plain.stderr, told.returncode) == (0, "", 0)
    assert told.stderr == f"ignored: {', '.join(names)}: --static 200 has no workers and decides nothing\n"
    if output == "json":
        first, second = json.loads(plain.stdout), json.loads(told.stdout)
        assert (first["ignored"], second["ignored"]) == ([], names)
        same = {"jobs", "wait", "bounded_slowdown", "last_end_s", "paid_core_h", "users", "littles_law_residual"}
        assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_an_elastic_run_takes_every_option_of_the_interface(tmp_path: Path, trace: Path) -> None:
    words = ["--policy", "backlog", "--min", "1", "--max", "300", "--slots", "2", "--order", "emptiest"]
    words += ["--boot", "100", "--tick", "30", "--set", "headroom=2", "--set", "idle_seconds=300", "--seed", "7"]
    words += ["--engine", "python"]
    once, again = (
        json.loads(elastic(tmp_path, "sim", "run", "--trace", str(trace), *words, "-o", "json").stdout) for _ in "12"
    )
    assert (once["unserved"], once["seed"], once["littles_law_residual"]) == (0, 7, 0.0)
    assert once["starts"] > 0
    assert {**once, "wall_s": 0} == {**again, "wall_s": 0}


@pytest.mark.parametrize("kind", [["--static", "200"], []], ids=["static", "elastic"])
def test_a_small_run_imports_nothing_heavy(tmp_path: Path, trace: Path, kind: list[str]) -> None:
    program = (
        "import sys, elastic.cli\n"
        "try:\n    elastic.cli.main()\n"
        f"finally:\n    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    words = [sys.executable, "-c", program, "sim", "run", "--trace", str(trace), *kind, "-o", "json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True, cwd=tmp_path)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["--policy", "backlg"],
            "no policy named 'backlg'; known: backlog, elastiq, fixed, hybrid, thesis; did you mean backlog?",
        ),
        (["--min", "5", "--max", "4"], "--min 5 is above --max 4"),
        (["--max", "-1"], "--max -1: not below 0"),
        (["--scale-arrivals", "0"], "--scale-arrivals 0: above 0, and finite"),
        (["--bootstrap-days", "0"], "--bootstrap-days 0: at least 1"),
        (["--static", "0"], "--static 0: at least 1 core"),
        (["--static", "9", "--policy", "fixed"], "--static 9 runs no policy: leave out --policy fixed, or --static"),
        (["--static", "9", "--policy", "backlog"], "--static 9 runs no policy: leave out --policy backlog"),
        (["--static", "9", "--set", "headroom=2"], "--static 9 has no policy and no group to set headroom of"),
        (["--slots", "0"], "--slots 0: a worker has at least 1 core"),
        (["--tick", "0"], "--tick 0: above 0 s"),
        (["--tick", "inf"], "--tick inf: above 0 s, at most a year"),
        (["--boot", "inf"], "--boot inf: not below 0 s, at most a year"),
        (["--format", "swff"], "no format 'swff'; known: swf, gwf, condor, csv, parquet"),
        (["--jobs", "nowhere/jobs.csv"], "nowhere/jobs.csv: cannot be written: there is no folder nowhere"),
        (["--jobs", "jobs.txt"], "jobs.txt: must end in .swf, .csv or .parquet"),
        (["--workers", "workers.swf"], "workers.swf: must end in .csv or .parquet"),
        (["--tick", "1e9"], "--tick 1e+09: above 0 s, at most a year"),
        (["--boot", "-1"], "--boot -1: not below 0 s"),
        (["--order", "random"], "no order 'random'; known: fullest, "),
        (["--engine", "cobol"], "no engine 'cobol'; known: auto, python, numba, full"),
        (["--quantum", "0"], "--quantum 0: at least 1 s"),
        (["--price", "nan"], "--price nan: not below 0, and finite"),
        (["--set", "headroom"], "--set headroom: must be key=value"),
        (["--set", "idle_seconds=soon"], "--set idle_seconds=soon: not a number"),
        (["--set", "learns=maybe"], "--set learns=maybe: true or false"),
        (["--set", "hedroom=1"], "no parameter 'hedroom'; known: cap, drain_seconds, headroom; did you mean headroom?"),
    ],
)
def test_settings_that_make_no_sense_are_one_clear_line(
    tmp_path: Path, trace: Path, words: list[str], problem: str
) -> None:
    done = elastic(tmp_path, "sim", "run", "--trace", str(trace), *words, "-o", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("elastic: ")
    assert problem in done.stderr


def test_a_bad_trace_is_one_line_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.swf"
    path.write_text("1 2 3\n")
    done = elastic(tmp_path, "sim", "run", "--trace", str(path), "--static", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"elastic: {path}:1: 3 fields where 18 belong")


def test_a_run_that_can_never_finish_ends_with_its_jobs_unserved(trace: Path) -> None:
    result = run(read(trace), RunSettings(policy="fixed", sets={"workers": "0"}))
    assert (result.waiting.unserved, result.littles_law_residual) == (2000, 0.0)


def test_validate_prints_every_check_and_what_it_could_not_run(tmp_path: Path) -> None:
    done = elastic(tmp_path, "sim", "validate", "--only", "LCG", "--data", str(tmp_path), "-o", "json")
    verdicts = json.loads(done.stdout)
    assert done.returncode == 0
    assert {tuple(verdict) for verdict in verdicts} == {("check", "expected", "got", "tolerance", "ok", "kind")}
    assert {verdict["kind"] for verdict in verdicts} == {"not-run"}


def test_the_same_table_comes_out_in_the_terminal(tmp_path: Path, trace: Path) -> None:
    shown = elastic(tmp_path, "sim", "run", "--trace", str(trace), "--static", "200")
    assert shown.returncode == 0
    assert "littles_law_residual" in shown.stdout
    assert elastic(tmp_path, "sim", "validate", "--only", "LCG", "--data", str(tmp_path)).stdout.count("not run") == 11


def test_the_quick_way_knows_the_options_of_the_long_one_and_their_defaults() -> None:
    long = {
        parameter.name: (sorted(parameter.opts), parameter.default)
        for parameter in get_command(app).commands["run"].params  # type: ignore[attr-defined]
    }
    quick = {
        action.dest: (sorted(action.option_strings), action.default)
        for action in _parser()._actions  # noqa: SLF001 - argparse has no other list
    }
    # A scenario takes long enough to go the long way.
    assert quick.keys() == long.keys() - {"scenario"}
    for name, (options, default) in quick.items():
        assert options == long[name][0]
        assert default in (long[name][1], []) or long[name][1] == "table"


def test_jobs_that_all_come_at_0_and_are_never_served_are_reported() -> None:
    trace = made([0, 0], [1_000_000, 1_000_000], source="two jobs")
    answer = report(run(trace, RunSettings(policy="fixed", sets={"workers": "0"})))
    assert (answer["unserved"], answer["scaling_factor"], answer["makespan_s"]) == (2, 0.0, 0.0)


def test_a_gap_of_a_thousand_years_is_told_or_left_out() -> None:
    trace = made([0, 10**9 * 36 * 10**6], [1_000_000, 1_000_000], source="long ago")
    with pytest.raises(
        TraceError,
        match=r"^long ago:2: the last job ends after 600,000,\d+ ticks or more: take a longer --tick, or leave out",
    ):
        run(trace, RunSettings())
    assert run(trace, RunSettings(sets={"skips_quiet": "true"})).waiting.unserved == 0


def test_costs_are_billed_at_the_periods_and_the_price_asked_for(tmp_path: Path, trace: Path) -> None:
    words = ["--slots", "2", "--quantum", "600", "--price", "0.5"]
    answer = json.loads(elastic(tmp_path, "sim", "run", "--trace", str(trace), *words, "-o", "json").stdout)
    assert list(answer["billed_core_h"]) == ["1 s", "600 s", "3600 s"]
    assert answer["cost"] == {name: hours / 2 for name, hours in answer["billed_core_h"].items()}
    assert answer["manifest"]["options"]["quanta"] == [600]


def test_waits_by_user_are_in_the_result_and_mean_what_they_say() -> None:
    second = 1_000_000
    users = made([0, 0], [second, 3 * second], source="two", optional={"user": [1, 0]}, users=("anna", "bert"))
    answer = report(run(users, RunSettings(static=1)))
    assert answer["users"] == [
        {"user": "anna", "jobs": 1, "wait_s": 1.0, "bounded_slowdown": 1.0},
        {"user": "bert", "jobs": 1, "wait_s": 0.0, "bounded_slowdown": 1.0},
    ]
    assert answer["jain"] == {"wait": 0.5, "bounded_slowdown": 1.0, "users": 2}
