"""The contract suite's pool on real daemons: one central manager for all tests, emptied between them."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from elastic.adapters.htcondor import HTCondorBatch, HTCondorSettings
from elastic.adapters.local import LocalCloud
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic.local.errors import NoSuchServer
from elastic.local.pool import Pool
from elastic.local.processes import marked, name_of, send
from elastic.local.servers import ServerFolder
from elastic.ports import BatchSystem, Cloud, WorldSpec
from tests.contract.rig import SMALL, WORKER
from tests.lab import events
from tests.lab.events import Kind
from tests.lab.jobs import Jobs
from tests.lab.support import CallError, Client, Lab, Row, wait

T = TypeVar("T")
LEDGER = "5b0c9e6e-contract"


class RealRig:
    """A pool of real daemons with one worker group whose servers are process trees."""

    def __init__(self, pool: Pool, client: Client, extra_schedds: Sequence[str] = ()) -> None:
        self.pool, self.client, self.extra_schedds = pool, client, tuple(extra_schedds)
        self.ledger = LEDGER
        self.group = GroupSpec(name="small", maximum=20, shape=WORKER)
        self.lab = Lab(pool, client)
        self.jobs = Jobs(client, pool.folder)
        self._logs: list[Path] = []
        self._batches: list[HTCondorBatch] = []
        self.htcondor = self.fresh_batch()
        self.batch: BatchSystem = self.htcondor
        options = {"root": str(pool.folder.root)}
        groups = {self.group.name: self.group}
        spec = WorldSpec(pool="contract", ledger=LEDGER, folder=pool.folder.root, groups=groups, options=options)
        self.cloud: Cloud = LocalCloud(spec)

    def fresh_batch(self, schedds: tuple[str, ...] = ()) -> HTCondorBatch:
        parameters = self.pool.folder.environment()
        settings = HTCondorSettings(
            collector=self.pool.address,
            token_folder=self.pool.folder.token_folder,
            ledger=LEDGER,
            schedds=schedds,
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

    def submit(  # noqa: PLR0913 - a submit file has many lines
        self,
        count: int = 1,
        *,
        seconds: float = 600.0,
        request: Resources = SMALL,
        universe: str = "vanilla",
        held: bool = False,
        fails: bool = False,
        max_idle: int | None = None,
        limit: str = "",
        impossible: bool = False,
        retirement_seconds: int | None = None,
    ) -> str:
        more = {
            "universe": universe,
            "hold": str(held),
            "request_cpus": str(request.cpus),
            "request_memory": str(request.memory_mb),
            "request_disk": f"{request.disk_mb}MB",
        }
        if request.gpus:
            more["request_gpus"] = str(request.gpus)
        if max_idle is not None:
            more["max_idle"] = str(max_idle)
        if limit:
            more["concurrency_limits"] = limit
        if impossible:
            more["requirements"] = "TARGET.HasUnobtainium =?= true"
        if retirement_seconds is not None:
            more["max_job_retirement_time"] = str(retirement_seconds)
        name = f"job-{time.monotonic_ns()}"
        batch = self.jobs.shell(name, count, f"sleep {seconds:g}; exit {int(fails)}", **more)
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
        deadline = time.monotonic() + 10
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


def _invalidate_all() -> None:
    import classad2  # noqa: PLC0415  in the client's process
    import htcondor2  # noqa: PLC0415

    collector = htcondor2.Collector()
    workers = 'Name =!= undefined && !regexp("^127", Name)'
    for command, target in (("INVALIDATE_STARTD_ADS", "Machine"), ("INVALIDATE_MASTER_ADS", "DaemonMaster")):
        ad = classad2.ClassAd(f'[MyType = "Query"; TargetType = "{target}"; Requirements = {workers}]')
        collector.advertise([ad], command)
