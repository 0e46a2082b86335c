"""Whole campaigns, as processes and in this one: the table, the summary, what a kill and a mistake leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from elastic_simulations.campaigns.store import opened
from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.rerunning import rerun
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.made import made
from elastic_simulations.traces.reference import reference_case

# Processes start slowly where many tests run side by side.
pytestmark = pytest.mark.timeout(400)

FILE = """
[campaign]
name = "small"
seeds = 2

[[workload]]
trace = "trace.swf"
bootstrap_days = 2
scale_arrivals = 2

[[workload]]
generate = "poisson"
jobs = 60
rate = 0.05

[[policy]]
name = "backlog"
slots = [1, 2]

[[policy]]
static = 40
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with (tmp_path / "trace.swf").open("w") as trace:
        write_swf(reference_case(40), trace)
    path = tmp_path / "small.toml"
    path.write_text(FILE)
    return path


def carried_out(file: Path, *words: str, to: str = "out") -> Result:
    words = ("--to", str(file.parent / to), *(words or ("--cores", "1")))
    return CliRunner().invoke(app, ["campaign", str(file), *words])


def rows(file: Path, to: str = "out") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (file.parent / to / "runs.jsonl").read_text().splitlines()]


def table_and_summary(file: Path, to: str = "out") -> tuple[bytes, bytes]:
    return (file.parent / to / "runs.jsonl").read_bytes(), (file.parent / to / "summary.json").read_bytes()


def test_the_table_has_every_run_in_order_with_its_manifest(file: Path) -> None:
    done = carried_out(file, "--cores", "1", "-o", "json")
    assert (done.exit_code, done.stderr) == (0, "12 runs: 12 to do\n")
    table = rows(file)
    assert [(row["workload"], row["seed"], row["policy"]) for row in table] == [
        (workload, seed, policy)
        for workload in ("trace.swf", "poisson")
        for seed in (0, 1)
        for policy in ("backlog:slots=1", "backlog:slots=2", "static:cores=40")
    ]
    assert len({row["run"] for row in table}) == 12
    assert all(row["littles_law_residual"] == 0 and "wall_s" not in row for row in table)
    assert {row["manifest"]["file_sha256"] == "" for row in table} == {True, False}
    summary = json.loads(done.stdout)
    assert (file.parent / "out" / "summary.json").read_text() == done.stdout
    assert (summary["runs"], summary["failed"], summary["manifest"]["seeds"]) == (12, 0, [0, 1])


def test_a_finished_campaign_has_nothing_to_do_and_the_same_bytes(file: Path) -> None:
    carried_out(file)
    before = table_and_summary(file)
    done = carried_out(file)
    assert (done.exit_code, done.stderr) == (0, "12 runs: 12 there already, 0 to do\n")
    assert table_and_summary(file) == before


def test_more_seeds_and_other_names_keep_what_is_there(file: Path) -> None:
    carried_out(file)
    file.write_text(
        FILE.replace("seeds = 2", "seeds = 3").replace('trace = "trace.swf"', 'name="a"\ntrace="trace.swf"')
    )
    assert carried_out(file).stderr == "18 runs: 12 there already, 6 to do\n"
    assert {row["workload"] for row in rows(file)} == {"a", "poisson"}
    file.write_text(FILE)
    assert carried_out(file).stderr == "12 runs: 12 there already, 0 to do\n"
    assert len(rows(file)) == 12
    assert len((file.parent / "out" / "unused.jsonl").read_text().splitlines()) == 6
    carried_out(file, to="fresh")
    assert table_and_summary(file) == table_and_summary(file, "fresh")


def test_a_failed_run_is_kept_with_its_error_and_tried_again(file: Path) -> None:
    file.write_text(FILE.replace("static = 40", "static = [40, 1]"))
    wide = made([0, 1_000_000], [1_000_000] * 2, [1, 2], source="a wide job")
    with (file.parent / "trace.swf").open("w") as trace:
        write_swf(wide, trace)
    done = carried_out(file, "--cores", "1", "-o", "json")
    assert done.exit_code == 1
    failed = [row for row in rows(file) if "error" in row]
    assert [(row["workload"], row["policy"]) for row in failed] == [
        ("trace.swf", "backlog:slots=1"),
        ("trace.swf", "static:cores=1"),
    ] * 2
    assert "the job asks for 2 cores, there are 1: it could never start" in failed[1]["error"]["text"]
    summary = json.loads(done.stdout)
    assert (summary["failed"], len(summary["errors"])) == (4, 4)
    assert summary["workloads"][0]["front"] != []
    assert not {"backlog:slots=1", "static:cores=1"} & set(summary["workloads"][0]["front"])
    before = table_and_summary(file)
    assert carried_out(file).stderr.startswith("16 runs: 12 there already, 4 to do\n")
    assert table_and_summary(file) == before
    shown = " ".join(carried_out(file).stdout.split())
    assert "failed: static:cores=1 on trace.swf, seed 0: TraceError:" in shown


def test_damage_is_told_and_made_good(file: Path) -> None:
    carried_out(file)
    before = table_and_summary(file)
    table = file.parent / "out" / "runs.jsonl"
    lines = table.read_bytes().splitlines(keepends=True)
    error = json.loads(lines[4])
    error["error"] = {"type": "Died", "text": "its process was killed by signal 9"}
    table.write_bytes(
        b"".join([*lines[:3], b"no run\n", json.dumps(error).encode() + b"\n", *lines[5:9], lines[9][:40]])
    )
    done = carried_out(file)
    assert done.stderr == f"{table}:4: no run; it is made again\n12 runs: 7 there already, 5 to do\n"
    assert table_and_summary(file) == before


def test_two_cores_make_the_same_bytes_as_one(file: Path) -> None:
    carried_out(file, "--cores", "1", to="one")
    assert carried_out(file, "--cores", "2", to="two").exit_code == 0
    assert table_and_summary(file, "one") == table_and_summary(file, "two")


def test_a_campaign_killed_anywhere_goes_on_where_it_was(file: Path) -> None:
    file.write_text(FILE.replace("jobs = 60", "jobs = 1500"))
    carried_out(file, to="whole")
    there = 0
    for lines in (1, 5):
        with campaign_process(file) as process:
            table = file.parent / "killed" / "runs.jsonl"
            until = time.monotonic() + 120
            while time.monotonic() < until and process.poll() is None:
                if table.exists() and table.read_bytes().count(b"\n") >= lines:
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        there = table.read_bytes().count(b"\n")
        assert there >= lines
    done = carried_out(file, to="killed")
    assert done.stderr == f"12 runs: {there} there already, {12 - there} to do\n"
    assert table_and_summary(file, "killed") == table_and_summary(file, "whole")


def test_the_same_bytes_whatever_the_hash_seed(file: Path) -> None:
    carried_out(file, to="here")
    for seed in ("0", "4711"):
        with campaign_process(file, to=seed, PYTHONHASHSEED=seed) as process:
            assert process.wait() == 0
        assert table_and_summary(file, seed) == table_and_summary(file, "here")


def campaign_process(file: Path, to: str = "killed", **environment: str) -> "subprocess.Popen[bytes]":
    words = [
        sys.executable,
        "-m",
        "elastic",
        "sim",
        "campaign",
        str(file),
        "--to",
        str(file.parent / to),
        "--cores",
        "2",
    ]
    return subprocess.Popen(
        words, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_two_processes_do_not_work_on_one_folder(file: Path) -> None:
    with opened(file.parent / "out"):
        done = carried_out(file)
    assert "another process is at this campaign" in str(done.exception)


def test_every_run_and_the_whole_campaign_are_made_again_from_their_manifests(file: Path) -> None:
    carried_out(file)
    folder = file.parent / "out"
    assert [again.differ for again in rerun(folder / "runs.jsonl", [], 1)] == [[]] * 12
    assert [again.differ for again in rerun(folder / "summary.json", [], 1)] == [[]]
    one = rows(file)[3]["run"]
    done = CliRunner().invoke(app, ["rerun", str(folder / "runs.jsonl"), "--run", one])
    assert (done.exit_code, done.stderr) == (0, f"{one}: the same\n")
    with pytest.raises(SimulationError, match="no run 'x' in it"):
        rerun(folder / "runs.jsonl", [], 1, run="x")
    changed = json.loads((folder / "summary.json").read_text())
    changed["workloads"][0]["front"] = []
    (folder / "summary.json").write_text(json.dumps(changed))
    done = CliRunner().invoke(app, ["rerun", str(folder / "summary.json"), "--cores", "1"])
    assert (done.exit_code, done.stderr) == (1, "differs: workloads\n")


def test_a_trace_that_changed_under_a_campaign_is_another_campaign(file: Path) -> None:
    carried_out(file)
    with (file.parent / "trace.swf").open("a") as trace:
        trace.write("; a remark\n")
    with pytest.raises(SimulationError, match=r"trace\.swf is not the trace of .*runs\.jsonl: its checksum is"):
        rerun(file.parent / "out" / "runs.jsonl", [], 1)
    assert carried_out(file).stderr == "12 runs: 6 there already, 6 to do\n"


def test_the_table_as_parquet_has_a_column_for_each_figure(file: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file.write_text(FILE.replace('name = "small"', 'table = "parquet"').replace("static = 40", "static = [40, 1]"))
    for to in ("one", "two"):
        carried_out(file, to=to)
    content = parquet.read_table(file.parent / "one" / "runs.parquet").to_pydict()
    table = rows(file, "one")
    assert content["run"] == [row["run"] for row in table]
    assert content["wait.mean"] == [row["wait"]["mean"] for row in table]
    assert [json.loads(text) for text in content["manifest"]] == [row["manifest"] for row in table]
    assert content["error"] == [None] * 16
    assert (file.parent / "one" / "runs.parquet").read_bytes() == (file.parent / "two" / "runs.parquet").read_bytes()


@pytest.mark.parametrize(
    ("text", "words", "code", "problem"),
    [
        ("[campaign]\nx = 1\n", (), 2, "small.toml: campaign.x: unknown key"),
        (FILE, ("--cores", "2", "--dask", "tcp://127.0.0.1:1"), 2, "--cores, --dask and --htcondor exclude each other"),
        (FILE.replace("trace.swf", "none.swf"), (), 1, "workload none.swf: "),
        (
            FILE + '[[workload]]\nname = "again"\ngenerate = "poisson"\njobs = 60\nrate = 0.05\n',
            (),
            1,
            "are the same run",
        ),
    ],
)
def test_what_is_not_right_is_told_before_anything_is_run(
    file: Path, text: str, words: tuple[str, ...], code: int, problem: str
) -> None:
    file.write_text(text)
    done = carried_out(file, *words)
    assert done.exit_code == code
    assert problem in done.stderr + str(done.exception)
    assert not (file.parent / "out" / "runs.jsonl").exists()
