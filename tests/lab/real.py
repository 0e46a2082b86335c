"""The contract suite's pool on real daemons: one central manager for all tests, emptied between them."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from elastic.adapters.htcondor import HTCondorBatch, HTCondorSettings
from elastic.adapters.local import LocalCloud
from elastic.core.memory import WorkerRecord
from elastic.local.errors import NoSuchServer
from elastic.local.pool import Pool
from elastic.local.processes import marked, name_of, send, teardown
from elastic.local.servers import ServerFolder
from elastic.ports import BatchSystem, Cloud, WorldSpec
from tests.contract.rig import WORKER, Rig, Work
from tests.lab import events
from tests.lab.events import Kind
from tests.lab.jobs import Jobs
from tests.lab.support import PATIENCE, CallError, Client, Lab, Row, wait

T = TypeVar("T")


@contextmanager
def central(
    root: Path, prefix: Path, config: Mapping[str, str] | None = None, extra_schedds: Sequence[str] = ()
) -> Iterator[tuple[Pool, Client]]:
    """One central manager and its user, for many rigs: starting it takes longer than most tests."""
    try:
        with Pool(root, prefix, extra_config=config, extra_schedds=extra_schedds) as pool, Client(pool.folder) as user:
            yield pool, user
    finally:
        teardown(root)
    assert marked(root) == []


class RealRig(Rig):
    """A pool of real daemons with one worker group whose servers are process trees; empty once it is closed."""

    def __init__(self, pool: Pool, client: Client, extra_schedds: Sequence[str] = ()) -> None:
        self.pool, self.client, self.extra_schedds = pool, client, tuple(extra_schedds)
        self.lab = Lab(pool, client)
        self.jobs = Jobs(client, pool.folder)
        self._logs: list[Path] = []
        self._batches: list[HTCondorBatch] = []
        self.htcondor = self.fresh_batch()
        self.batch: BatchSystem = self.htcondor
        options = {"root": str(pool.folder.root)}
        groups = {self.group.name: self.group}
        spec = WorldSpec(pool="contract", ledger=self.ledger, folder=pool.folder.root, groups=groups, options=options)
        self.cloud: Cloud = LocalCloud(spec)

    def fresh_batch(
        self, schedds: tuple[str, ...] = (), schedd_stale_seconds: float = 1800.0, drain_program: str = ""
    ) -> HTCondorBatch:
        parameters = self.pool.folder.environment()
        settings = HTCondorSettings(
            collector=self.pool.address,
            token_folder=self.pool.folder.token_folder,
            ledger=self.ledger,
            schedds=schedds,
            schedd_stale_seconds=schedd_stale_seconds,
            drain_program=drain_program,
            query_seconds=4.0,
            inspect_seconds=5.0,
            parameters={
                name.removeprefix("_CONDOR_"): value
                for name, value in parameters.items()
                if name.startswith("_CONDOR_")
            },
        )
        self._batches.append(HTCondorBatch(settings))
        return self._batches[-1]

    def wait(self, condition: Callable[[], T | None], seconds: float = 60.0) -> T:
        return wait(condition, seconds)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def submit_work(self, count: int, work: Work) -> str:
        name = f"job-{time.monotonic_ns()}"
        batch = self.jobs.shell(name, count, f"sleep {work.seconds:g}; exit {int(work.fails)}", **_lines(work))
        self._logs.append(batch.log)
        return str(batch.cluster)

    def remove(self, cluster: str) -> None:
        self.client.remove(f"ClusterId == {cluster}")

    def static_machine(self) -> str:
        return self.lab.start_static("old-iron", cpus=WORKER.cpus)

    def restart_startd(self, worker: WorkerRecord) -> None:
        self.signal_startd(worker.name, signal.SIGKILL)

    def signal_startd(self, worker: str, number: signal.Signals) -> None:
        for process in marked(self.pool.folder.servers / worker):
            if name_of(process) == "condor_startd":
                send(process, number)

    def kill_server(self, worker: WorkerRecord) -> None:
        self._servers().crash(worker.server_id or "")

    def foreign_drain(self, worker: WorkerRecord, reason: str) -> None:
        self.pool.tool("condor_drain", "-reason", reason, f"slot1@{worker.machine}")

    def stop_schedd(self) -> None:
        self.pool.daemons.freeze("schedd")

    def start_schedd(self) -> None:
        self.pool.daemons.thaw("schedd")

    def executes(self) -> Mapping[str, int]:
        """From the event logs, which lag a moment behind what the startd says."""
        running = {f"{ad['ClusterId']}.{ad['ProcId']}" for ad in self._running()}
        deadline = time.monotonic() + PATIENCE * 10
        while not running <= set(told := self._executed()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return told

    def _running(self) -> Sequence[Row]:
        return self.client.jobs("JobStatus == 2 && JobUniverse == 5", ["ClusterId", "ProcId"])

    def _executed(self) -> Mapping[str, int]:
        told = Counter(
            event.job for log in self._logs if log.exists() for event in events.read(log) if event.kind == Kind.EXECUTE
        )
        return dict(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave an empty queue, no worker, no ad, no process of ours."""
        self.pool.daemons.thaw("schedd")
        for batch in self._batches:
            batch.close()
        self._settle()
        for schedd in ("", *self.extra_schedds):
            self.client.remove(schedd=schedd)
        for folder in (self._servers(), self.lab.static):
            for server in folder.servers():
                with suppress(NoSuchServer):
                    folder.delete(server.id)
        self._forget_ads()
        wait(lambda: not any(self._left(schedd) for schedd in ("", *self.extra_schedds)), 60, "the queues are empty")

    def _left(self, schedd: str) -> Sequence[Row]:
        return self.client.jobs(projection=["ClusterId"], schedd=schedd)

    def _settle(self) -> None:
        """Wait until every schedd is found through the collector again, which a test may have restarted."""

        def found() -> bool:
            try:
                return len(self.client.ads("Schedd", projection=["Name"])) > len(self.extra_schedds)
            except CallError:
                return False

        wait(found, 60, "the schedds are in the collector")

    def _forget_ads(self) -> None:

        def forgotten() -> bool:
            try:
                self.client.call(_invalidate_all)
            except CallError:
                return False
            return not self.client.machines(projection=["Name"])

        wait(forgotten, 30, "no machine is left in the collector")

    def _servers(self) -> ServerFolder:
        return ServerFolder(root=self.pool.folder.servers, prefix=self.pool.prefix)


def _lines(work: Work) -> Mapping[str, str]:
    """The lines of the submit file."""
    asked = {
        "universe": work.universe,
        "hold": work.held,
        "request_cpus": work.request.cpus,
        "request_memory": work.request.memory_mb,
        "request_disk": f"{work.request.disk_mb}MB",
        "request_gpus": work.request.gpus or None,
        "max_idle": work.max_idle,
        "concurrency_limits": work.limit or None,
        "requirements": "TARGET.HasUnobtainium =?= true" if work.impossible else None,
        "max_job_retirement_time": work.retirement_seconds,
    }
    return {name: str(value) for name, value in asked.items() if value is not None}


def _invalidate_all() -> None:
    import classad2  # noqa: PLC0415  in the client's process
    import htcondor2  # noqa: PLC0415

    collector = htcondor2.Collector()
    workers = 'Name =!= undefined && !regexp("^127", Name)'
    for command, target in (("INVALIDATE_STARTD_ADS", "Machine"), ("INVALIDATE_MASTER_ADS", "DaemonMaster")):
        ad = classad2.ClassAd(f'[MyType = "Query"; TargetType = "{target}"; Requirements = {workers}]')
        collector.advertise([ad], command)
