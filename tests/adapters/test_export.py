"""Jobs of schedds as files: what is written is what the simulator reads; schedds themselves are asked in tests/lab."""

import gzip
import json
import os
from pathlib import Path

import pytest

from elastic.adapters.htcondor.exported import ATTRIBUTES, Wanted, jobs, write_lines, write_packed, write_parquet
from elastic.cli.errors import CommandError
from elastic.cli.export import moment
from elastic.ports import PortError
from elastic_simulations.traces.reading import read

BEGAN = 1_700_000_000
ENDED = {"GlobalJobId": "s#1.0#1", "ClusterId": 1, "ProcId": 0, "JobUniverse": 5, "JobStatus": 4, "QDate": BEGAN,
         "JobCurrentStartDate": BEGAN + 7, "CompletionDate": BEGAN + 37, "RequestCpus": 2, "RequestMemory": 100.0,
         "RemoteUserCpu": 28.5, "Owner": "anna"}  # fmt: skip
AGAIN = {**ENDED, "GlobalJobId": "s#1.1#1", "ProcId": 1, "QDate": BEGAN + 5, "CompletionDate": BEGAN + 57}
RUNNING = {"GlobalJobId": "s#2.0#1", "ClusterId": 2, "ProcId": 0, "JobUniverse": 5, "JobStatus": 2, "QDate": BEGAN,
           "JobCurrentStartDate": BEGAN + 2, "CompletionDate": 0, "RemoteWallClockTime": 3.0, "Owner": "b"}  # fmt: skip


@pytest.mark.parametrize("name", ["jobs.jsonl", "jobs.jsonl.gz", "jobs.parquet"])
def test_what_is_written_is_read_as_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ads, path = [RUNNING, AGAIN, ENDED], tmp_path / name
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
        write_parquet(ads, path)
    elif name.endswith("gz"):
        write_packed(ads, path)
    else:
        with path.open("w") as file:
            write_lines(ads, file)
    trace = read(path)
    assert [at // 10**6 for at in trace.submit_us] == [0, 5]
    assert [run // 10**6 for run in trace.run_us] == [30, 50]
    assert (list(trace.cores), trace.users) == ([2, 2], ("anna",))
    assert [(note.what, note.rows) for note in trace.dropped] == [("still in the queue", 1)]


def test_the_same_jobs_are_packed_into_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_packed([ENDED], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert json.loads(gzip.decompress((tmp_path / "one").read_bytes())) == ENDED


def test_nothing_is_asked_of_a_job_that_could_name_a_file_or_a_command() -> None:
    telling = ("Cmd", "Args", "Arguments", "Iwd", "In", "Out", "Err", "Env", "Environment", "UserLog", "RemoteHost")
    assert not set(telling) & set(ATTRIBUTES)


def test_moments_are_so_long_ago_or_a_date() -> None:
    assert moment("90m", 10_000.0) == 4600
    assert moment("1.5h", 10_000.0) == 4600
    assert moment("2d", 200_000.0) == 200_000 - 2 * 86_400
    assert moment("1970-01-02T00:00:00+00:00", 0.0) == 86_400
    with pytest.raises(CommandError, match="--since yesterday: so long ago"):
        moment("yesterday", 0.0)


@pytest.mark.timeout(60)
def test_a_pool_that_does_not_answer_is_told() -> None:
    environment = {**os.environ, "CONDOR_CONFIG": "ONLY_ENV", "_CONDOR_QUERY_TIMEOUT": "5"}
    with pytest.raises(PortError):
        list(jobs(Wanted(pool="127.0.0.1:9", everyone=True), environment))
