"""What goes out comes back: traces in every kind of file, schedules with their cores."""

from array import array
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.outcome import Integrals, Outcome, WorkerTable
from elastic_simulations.fast.static import run_static
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.cli import app
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.made import made
from elastic_simulations.traces.placing import placed
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import Trace
from elastic_simulations.traces.writing import lost, write_trace
from tests.simulations.traces.files import written

S = 1_000_000


def known() -> Trace:
    """Three jobs of which everything is known that a table can hold, or nothing."""
    optional = {
        "user": [1, 0, -1],
        "group": [0, -1, 0],
        "estimate_us": [60 * S, -1, 90 * S],
        "cpu_us": [1_500_001, -1, 7],
        "memory_mb": [1000, -1, 3],
        "disk_mb": [5, 6, -1],
        "gpus": [-1, 0, 2],
    }
    users = ("berta, the 2nd", "anna")
    return made([0, S // 3, 10**16], [1, S, 5 * 10**15 + 1], [1, 3, 2], source="made", optional=optional, users=users)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_of_a_trace_is_read_as_the_same_trace(tmp_path: Path, suffix: str) -> None:
    before = replace(known(), groups=("atlas",))
    write_trace(before, tmp_path / f"t.{suffix}")
    after = read(tmp_path / f"t.{suffix}")
    assert (after.submit_us, after.run_us, after.cores) == (before.submit_us, before.run_us, before.cores)
    assert after.groups == ("atlas",)
    assert [after.users[who] if who >= 0 else "" for who in after.optional["user"]] == ["anna", "berta, the 2nd", ""]
    same = set(before.optional) - {"user"}
    assert {name: after.optional[name] for name in same} == {name: before.optional[name] for name in same}


@pytest.mark.parametrize("suffix", ["swf", "csv", "parquet"])
def test_convert_writes_what_it_reads_again(tmp_path: Path, suffix: str) -> None:
    source = written(tmp_path, "1 0.25 2 30.5 2 25 -1 2 60 1024 1 41 5 1 1 1 -1 -1\n", "source.swf")
    out = tmp_path / f"out.{suffix}"
    assert CliRunner().invoke(app, ["convert", str(source), "--to", str(out)]).exit_code == 0
    before, after = read(source), read(out)
    assert (after.submit_us, after.run_us, after.cores) == (before.submit_us, before.run_us, before.cores)
    for name in ("estimate_us", "cpu_us", "memory_mb"):
        assert after.optional[name] == before.optional[name]


def test_what_a_kind_of_file_has_no_place_for_is_told(tmp_path: Path) -> None:
    assert lost(known(), ".swf") == ["disk_mb", "gpus"]
    assert lost(known(), ".csv") == []
    source = tmp_path / "source.csv"
    source.write_text("submit,run,disk_mb\n0,5,7\n")
    answer = CliRunner().invoke(app, ["convert", str(source), "--to", str(tmp_path / "out.swf")])
    assert "lost: disk_mb have no place in swf" in answer.stderr


def test_a_file_of_no_known_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"traces go to a file that ends in \.swf, \.csv, \.parquet"):
        write_trace(known(), tmp_path / "t.txt")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("submit_us,run_us\n0,1.5\n", "2: run is no whole number of microseconds: '1.5'"),
        (f"submit_us,run_us\n0,{10**18}\n", "2: run is out of range"),
        ("submit,submit_us,run\n0,0,1\n", "1: two columns for submit: 'submit' and 'submit_us'"),
        ("submit_us,cores\n0,1\n", "1: no column for run"),
    ],
)
def test_columns_of_microseconds_are_whole_and_not_there_twice(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TraceError, match=problem):
        read(written(tmp_path, text, "t.csv"))


def test_a_schedule_names_the_cores_of_each_job() -> None:
    """Two workers of four cores; jobs of 2, 1, 1 on the first, then 2 on what is free there, 3 on the second."""
    trace = made([0] * 5, [10 * S, 5 * S, 20 * S, 5 * S, 5 * S], [2, 1, 1, 3, 3], source="five")
    outcome = Outcome(
        start_us=array("q", [0, 0, 0, 10 * S, 0]),
        end_us=array("q", [10 * S, 5 * S, 20 * S, 15 * S, 5 * S]),
        worker=array("q", [0, 0, 0, 0, 1]),
        workers=WorkerTable(cores=4, requested=array("q", [0, 0])),
        integrals=Integrals(),
    )
    assert placed(trace, outcome) == ["0-1", "2", "3", "0-2", "4-6"]


def test_no_core_has_two_jobs_at_once() -> None:
    result = run(reference_case(600), RunSettings(slots=3))
    trace, outcome = result.trace, result.outcome
    spans: dict[int, list[tuple[int, int]]] = {}
    for job, text in enumerate(placed(trace, outcome)):
        cores = [number for part in text.split() for number in interval(part)]
        assert len(cores) == trace.cores[job]
        assert {core // 3 for core in cores} == {outcome.worker[job]}
        for core in cores:
            spans.setdefault(core, []).append((outcome.start_us[job], outcome.end_us[job]))
    for times in spans.values():
        ordered = sorted(times)
        assert all(before[1] <= after[0] for before, after in pairwise(ordered))


def test_a_static_run_spreads_its_jobs_over_the_cores_there_are() -> None:
    trace = made([0, 0, 0], [S, S, S], [1, 2, 1], source="three")
    assert placed(trace, run_static(trace, 3)) == ["0", "1-2", "0"]


def interval(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)
