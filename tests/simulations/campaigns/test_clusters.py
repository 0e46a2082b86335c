"""The same campaign on the workers of a Dask cluster, on loopback; and what an HTCondor pool would be asked for."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import dask_jobqueue  # noqa: F401 - its defaults, before a test sets one for a while
import pytest
from distributed import Client, LocalCluster
from typer.testing import CliRunner

from elastic_simulations.campaigns.clusters import CondorJobs, client_at, client_in_pool, cluster_in_pool, each_there
from elastic_simulations.campaigns.single import RunSpec, attempted
from elastic_simulations.campaigns.workloads import Recipe, TraceFile, Workload, file_of
from elastic_simulations.cli import app
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.reference import reference_case

# Processes start slowly where many tests run side by side.
pytestmark = pytest.mark.timeout(400)

FILE = """
[campaign]
seeds = 2
[[workload]]
trace = "trace.swf"
[[workload]]
generate = "poisson"
jobs = 60
rate = 0.05
[[policy]]
name = "backlog"
slots = [1, 2]
"""


SUBMIT = """#!{python}
# What condor_submit and a machine do with a description: the job runs, its number is its process group.
import pathlib, re, subprocess, sys
text = pathlib.Path(sys.argv[-1]).read_text()
executable = re.search("^Executable = (.*)$", text, re.M)[1]
arguments = re.search('^Arguments = "(.*)"$', text, re.M)[1].replace('""', '"')
words = [quoted.replace("''", "'") if quoted else plain
         for quoted, plain in re.findall("'((?:[^']|'')*)'|([^ ]+)", arguments)]
job = subprocess.Popen([executable, *words], start_new_session=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(f"Submitting job(s).\\n1 job(s) submitted to cluster {{job.pid}}.")
"""
REMOVE = """#!{python}
import os, signal, sys
os.killpg(int(sys.argv[1].partition(".")[0]), signal.SIGKILL)
"""
REFUSE = "#!/bin/sh\necho 'ERROR: Failed to connect to local queue manager' >&2\nexit 1\n"


def tools(folder: Path, monkeypatch: pytest.MonkeyPatch, submit: str = SUBMIT) -> None:
    """The two programs that dask-jobqueue calls, in front of all others."""
    (folder / "bin").mkdir()
    for name, text in (("condor_submit", submit), ("condor_rm", REMOVE)):
        (folder / "bin" / name).write_text(text.format(python=sys.executable))
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "120s"}),
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,  # type: ignore[no-untyped-call]
    ):
        yield cluster


def test_a_campaign_on_a_cluster_makes_the_same_bytes_as_on_this_machine(tmp_path: Path, cluster: LocalCluster) -> None:
    with (tmp_path / "trace.swf").open("w") as file:
        write_swf(reference_case(40), file)
    (tmp_path / "small.toml").write_text(FILE)
    words = ["campaign", str(tmp_path / "small.toml"), "--to"]
    there = CliRunner().invoke(app, [*words, str(tmp_path / "there"), "--dask", cluster.scheduler_address])
    assert (there.exit_code, there.stderr) == (0, "8 runs: 8 to do\n")
    assert CliRunner().invoke(app, [*words, str(tmp_path / "here"), "--cores", "1"]).exit_code == 0
    for name in ("runs.jsonl", "summary.json"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_another_version_there_is_told_and_no_result(cluster: LocalCluster) -> None:
    workload = Workload(name="poisson", source=Recipe(kind="poisson", jobs=10))
    spec = RunSpec(label="backlog", workload=workload, settings=RunSettings(), version="0.0.1")
    with Client(cluster.scheduler_address) as client:  # type: ignore[no-untyped-call]
        [(place, row)] = each_there([spec], client)
    assert place == 0
    assert "the campaign 0.0.1: install the same" in str(row["error"])


def test_runs_wait_for_the_first_worker(tmp_path: Path) -> None:
    """A job of an HTCondor pool may wait for hours before it is one."""
    with (tmp_path / "trace.swf").open("w") as file:
        write_swf(reference_case(40), file)
    source = TraceFile(path="trace.swf")
    spec = RunSpec(
        label="static",
        workload=Workload(name="trace", source=source),
        settings=RunSettings(static=5),
        file_sha256=file_of(source, tmp_path).sha256,
        folder=str(tmp_path),
    )
    nobody = LocalCluster(n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")  # type: ignore[no-untyped-call]
    with nobody as cluster, Client(cluster) as client, ThreadPoolExecutor(1) as thread:  # type: ignore[no-untyped-call]
        rows = thread.submit(lambda: list(each_there([spec], client)))
        with pytest.raises(TimeoutError):
            rows.result(timeout=0.5)
        cluster.scale(1)
        assert rows.result(timeout=120) == [(0, attempted(spec))]


def test_where_no_scheduler_answers_that_is_told() -> None:
    with pytest.raises(SimulationError, match="no Dask scheduler answers there"), client_at("tcp://127.0.0.1:1", 0.5):
        pass
    with pytest.raises(SimulationError, match="no Dask scheduler answers there"), client_at("nonsense://x", 0.5):
        pass


def test_a_campaign_in_jobs_of_a_pool_makes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(tmp_path, monkeypatch)
    with (tmp_path / "trace.swf").open("w") as file:
        write_swf(reference_case(40), file)
    (tmp_path / "small.toml").write_text(FILE)
    words = ["campaign", str(tmp_path / "small.toml"), "--to"]
    with dask.config.set({"jobqueue.htcondor.interface": "lo", "jobqueue.htcondor.local-directory": str(tmp_path)}):
        there = CliRunner().invoke(app, [*words, str(tmp_path / "there"), "--htcondor", "1", "--memory", "1GB"])
    assert (there.exit_code, there.stderr, there.exception) == (0, "8 runs: 8 to do\n", None)
    assert CliRunner().invoke(app, [*words, str(tmp_path / "here"), "--cores", "1"]).exit_code == 0
    assert (tmp_path / "there" / "runs.jsonl").read_bytes() == (tmp_path / "here" / "runs.jsonl").read_bytes()


def test_a_submission_that_is_refused_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(tmp_path, monkeypatch, REFUSE)
    jobs = CondorJobs(workers=1)
    problem = pytest.raises(SimulationError, match=r"no job was taken within 2 s; try condor_submit by hand")
    with dask.config.set({"jobqueue.htcondor.interface": "lo"}), problem, client_in_pool(jobs, 2.0):
        pass


def test_where_nothing_can_be_submitted_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimulationError, match="no condor_submit here"), client_in_pool(CondorJobs(workers=1)):
        pass


def test_an_htcondor_pool_is_asked_for_one_core_a_job() -> None:
    jobs = CondorJobs(workers=3, memory="2GiB", disk="1GiB")
    with dask.config.set({"jobqueue.htcondor.interface": "lo"}), cluster_in_pool(jobs) as cluster:
        script = cluster.job_script()
    lines = script.splitlines()
    for line in (
        "RequestCpus = MY.DaskWorkerCores",
        "MY.DaskWorkerCores = 1",
        f"MY.DaskWorkerMemory = {2 * 1024**3}",
        f"MY.DaskWorkerDisk = {1024**3}",
        "Executable = /bin/sh",
        "Queue",
    ):
        assert line in lines
    assert "distributed.cli.dask_worker tcp://127.0.0.1:" in script
    assert "--nthreads 1 " in script
