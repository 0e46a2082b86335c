"""The runs of a campaign on a Dask cluster: one that is there, or one whose workers are jobs of an HTCondor pool."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeAlias
from warnings import catch_warnings, simplefilter

from elastic_simulations.campaigns.single import RunSpec, attempted, failed
from elastic_simulations.campaigns.workloads import TraceFile, file_of
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import Plain
from elastic_simulations.traces.trace import Trace

if TYPE_CHECKING:
    from types import ModuleType

    from dask_jobqueue.htcondor import HTCondorCluster
    from distributed import Client, Future

    Row: TypeAlias = Future[Plain]
    File: TypeAlias = Future[Trace]

CONNECT_SECONDS = 30
SUBMIT_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CondorJobs:
    """Dask workers that are asked for as HTCondor jobs: how many, and what each asks for (`memory`: "2GB")."""

    workers: int
    memory: str = "2GB"
    disk: str = "1GB"


@contextmanager
def client_at(address: str, connect_seconds: float = CONNECT_SECONDS) -> Iterator["Client"]:
    """The scheduler at this address, such as tcp://host:8786."""
    distributed = _needed("distributed")
    try:
        client = distributed.Client(address, timeout=connect_seconds)
    except (OSError, ValueError) as error:
        raise SimulationError(f"--dask {address}: no Dask scheduler answers there ({error})") from error
    with client:
        yield client


@contextmanager
def client_in_pool(jobs: CondorJobs, submit_seconds: float = SUBMIT_SECONDS) -> Iterator["Client"]:
    """A scheduler in this process, its workers jobs of the pool; they are removed at the end.

    What else a site needs (log folder, submit lines, interface) comes from Dask's configuration, `jobqueue.htcondor`.
    """
    distributed = _needed("distributed")
    if which("condor_submit") is None:
        raise SimulationError("--htcondor: no condor_submit here; run this where jobs are submitted, or use --dask")
    cluster = cluster_in_pool(jobs)
    try:
        with distributed.Client(cluster, timeout=CONNECT_SECONDS) as client:
            cluster.scale(jobs=jobs.workers)  # type: ignore[no-untyped-call]
            _wait_submitted(cluster, submit_seconds)
            yield client
    finally:
        _close(cluster)


def _close(cluster: "HTCondorCluster") -> None:
    """Remove the jobs and end the scheduler."""
    closed = _needed("distributed.core").Status.closed
    for job in cluster.workers.values():
        # Dask asserts it at the end, and dask-jobqueue (0.9) says it of no job.
        job.status = closed
    cluster.close()


def _wait_submitted(cluster: "HTCondorCluster", seconds: float) -> None:
    """Until the first job has its number; a submission that is refused is logged by Dask, and waited for for ever."""
    deadline = monotonic() + seconds
    while not any(getattr(job, "job_id", None) for job in cluster.workers.values()):
        if monotonic() > deadline:
            raise SimulationError(f"--htcondor: no job was taken within {seconds:g} s; try condor_submit by hand")
        sleep(POLL_SECONDS)


def cluster_in_pool(jobs: CondorJobs) -> "HTCondorCluster":
    """The scheduler alone, no job asked for yet; one core and one run at a time a job."""
    jobqueue, dask = _needed("dask_jobqueue"), _needed("dask")
    # The dashboard would listen to everybody: only where the configuration asks for it.
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    scheduler = {**quiet, **dask.config.get("jobqueue.htcondor.scheduler-options", {})}
    cluster: HTCondorCluster = jobqueue.HTCondorCluster(
        cores=1, processes=1, memory=jobs.memory, disk=jobs.disk, scheduler_options=scheduler
    )
    return cluster


def each_there(specs: Sequence[RunSpec], client: "Client") -> Iterator[tuple[int, Plain]]:
    """(place, row) as they come; a trace's file is read here and sent there, a worker needs no shared folder.

    Without a worker the runs wait for one.
    """
    distributed = _needed("distributed")
    files = _sent(specs, client)
    futures: dict[Row, int] = {}
    for place, spec in enumerate(specs):
        file = files.get(spec.file_sha256)
        future = client.submit(attempted, spec, file, pure=False, key=f"elastic-{spec.key}")
        futures[future] = place
    for future in distributed.as_completed(list(futures)):
        place = futures.pop(future)
        yield place, _row(specs[place], future)
        future.release()


def _row(spec: RunSpec, future: "Row") -> Plain:
    """What came of it; a worker that died over it is no answer (Dask has tried others by then)."""
    try:
        error: BaseException | None = future.exception()  # type: ignore[no-untyped-call]
        if error is None:
            return future.result()
    except Exception as lost:  # noqa: BLE001 - the scheduler is gone, or whatever Dask says then
        error = lost
    return failed(spec, type(error).__name__, str(error))


def _sent(specs: Sequence[RunSpec], client: "Client") -> Mapping[str, "File"]:
    """Every trace that lies in a file, by its checksum, as a task that gives it.

    A task is made again elsewhere when its worker goes, as workers in a pool do; scattered data would be lost.
    """
    files: dict[str, File] = {}
    for spec in specs:
        source = spec.workload.source
        if isinstance(source, TraceFile) and spec.file_sha256 not in files:
            found = file_of(source, Path(spec.folder))
            with catch_warnings():
                # Dask advises to scatter what is large.
                simplefilter("ignore", UserWarning)
                files[spec.file_sha256] = client.submit(_itself, found, pure=False, key=f"trace-{spec.file_sha256}")
    return files


def _itself(trace: Trace) -> Trace:
    return trace


def _needed(module: str) -> "ModuleType":
    try:
        return import_module(module)
    except ImportError as error:
        raise SimulationError(f"a campaign on a cluster needs {module}: pip install 'elastic[campaign]'") from error
