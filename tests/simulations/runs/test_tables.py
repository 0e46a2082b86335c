import json
from pathlib import Path

import pytest

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.runs.tables import write_jobs, write_workers
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.reference import reference_case


@pytest.fixture(scope="module")
def result() -> Result:
    return run(reference_case(500), RunSettings())


def test_every_job_and_worker_as_parquet_the_same_bytes_each_time(tmp_path: Path, result: Result) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("one", "two"):
        write_jobs(result, tmp_path / f"{name}-jobs.parquet")
        write_workers(result, tmp_path / f"{name}-workers.parquet")
    jobs = parquet.read_table(tmp_path / "one-jobs.parquet").to_pydict()
    workers = parquet.read_table(tmp_path / "one-workers.parquet").to_pydict()
    assert jobs["start_us"] == list(result.outcome.start_us)
    assert jobs["worker"] == list(result.outcome.worker)
    assert workers["deleted_us"] == list(result.outcome.workers.deleted)
    for kind in ("jobs", "workers"):
        told = json.loads(parquet.read_schema(tmp_path / f"one-{kind}.parquet").metadata[b"elastic"])
        assert told.keys() == {"version", "trace_sha256", "settings"}
        assert (told["trace_sha256"], told["settings"]["seed"]) == (result.trace.sha256, 0)
        assert (tmp_path / f"one-{kind}.parquet").read_bytes() == (tmp_path / f"two-{kind}.parquet").read_bytes()


def test_the_engine_that_it_was_changes_no_byte_of_the_tables(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("numba")
    for engine in ("python", "numba"):
        made = run(reference_case(500), RunSettings(engine=engine))
        assert made.engine == engine
        write_jobs(made, tmp_path / f"{engine}-jobs.parquet")
        write_workers(made, tmp_path / f"{engine}-workers.parquet")
    for kind in ("jobs", "workers"):
        one, other = (tmp_path / f"{engine}-{kind}.parquet" for engine in ("python", "numba"))
        assert one.read_bytes() == other.read_bytes()


def test_the_job_tables_read_as_the_trace_they_came_from(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for suffix in ("swf", "csv"):
        write_jobs(result, tmp_path / f"jobs.{suffix}")
        again = read(tmp_path / f"jobs.{suffix}")
        assert (again.submit_us, again.run_us) == (result.trace.submit_us, result.trace.run_us)


def test_workers_as_csv_leave_out_what_never_happened(tmp_path: Path, result: Result) -> None:
    write_workers(result, tmp_path / "workers.csv")
    lines = (tmp_path / "workers.csv").read_text().splitlines()
    assert lines[0] == "worker,requested,ready,drained,deleted"
    assert lines[1].startswith("0,60,294,")
    assert len(lines) == result.outcome.launches + 1


def test_a_file_of_another_kind_or_in_no_folder_is_told(tmp_path: Path, result: Result) -> None:
    with pytest.raises(SimulationError, match=r"jobs go to a file that ends in \.swf, \.csv or \.parquet"):
        write_jobs(result, tmp_path / "jobs.txt")
    with pytest.raises(SimulationError, match=r"workers go to a file that ends in \.csv or \.parquet"):
        write_workers(result, tmp_path / "workers.swf")
    for name in ("jobs.csv", "jobs.parquet"):
        with pytest.raises(SimulationError, match="cannot be written"):
            write_jobs(result, tmp_path / "no" / name)
