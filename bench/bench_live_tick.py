"""How long a whole live tick takes, observe to record, on a large pool of real daemons: prints JSON.

A real collector holds the slot ads of many startds (copies of one real worker's ads: nothing answers at their
addresses), a real schedd holds idle jobs in many shapes. The daemon's own parts tick in a process of their own: the
HTCondor adapter with its askers, the ledger on disk, the recorder; the cloud alone is a list in memory. Needs what
`make run` needs, about 2 GB and 2 minutes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from elastic.adapters.htcondor import HTCondorBatch, HTCondorSettings
from elastic.adapters.ledger import SqlLedger
from elastic.adapters.recorder import FileRecorder, Keep
from elastic.controller import Controller, Rules
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.observation import GroupSize, Quota, Server, Servers, ServerStatus
from elastic.core.resources import Resources
from elastic.executor import Executor
from elastic.local.pool import Pool
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import teardown
from elastic.local.runtime import prepare
from elastic.observer import Observer, Threads
from elastic_policies.backlog import Backlog
from tests.lab.support import Client, Lab, wait

MEGABYTE = 1 << 20
GROUP = "large"


def main() -> None:
    """Build the pool, or, called by itself with --measure, tick beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--shapes", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    sizes = parser.parse_args()
    if sizes.measure is not None:
        print(json.dumps(measure(sizes.measure, sizes.slots // 2, sizes.runs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pool"
        try:
            print(json.dumps(build_and_measure(root, sizes)))
        finally:
            teardown(root)


def build_and_measure(root: Path, sizes: argparse.Namespace) -> Mapping[str, object]:
    """The figures of the ticks, with what it took to fill the pool."""
    # The negotiator would offer the jobs to startds that are not there.
    calm = {"NEGOTIATOR_INTERVAL": "86400", "NEGOTIATOR_MIN_INTERVAL": "86400", "SCHEDD_INTERVAL": "86400"}
    many = {"MAX_JOBS_PER_OWNER": "1000000", "MAX_JOBS_PER_SUBMISSION": "1000000", "MAX_JOBS_SUBMITTED": "1000000"}
    pool = Pool(root, prepare().prefix, extra_config={**calm, **many})
    pool.start()
    with Client(pool.folder) as client:
        lab = Lab(pool, client)
        lab.start_workers(1, cpus=8)
        begun = time.monotonic()
        client.call(advertise, sizes.slots)
        advertised = time.monotonic() - begun
        begun = time.monotonic()
        client.call(submit, sizes.jobs, sizes.shapes)
        submitted = time.monotonic() - begun
        wait(lambda: len(client.call(names)) >= sizes.slots, what="all ads are in the collector")
        counts = ["--slots", str(sizes.slots), "--runs", str(sizes.runs)]
        command = [sys.executable, __file__, "--measure", str(root), *counts]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {
        "slots": sizes.slots,
        "jobs": sizes.jobs,
        "shapes": sizes.shapes,
        **json.loads(answer),
        "advertise_s": round(advertised, 1),
        "submit_s": round(submitted, 1),
    }


def measure(root: Path, workers: int, runs: int) -> Mapping[str, object]:
    """Tick `runs` times, after one that is not counted; a daemon's process and its askers are measured apart."""
    pool = PoolFolder(root)
    names = {name.removeprefix("_CONDOR_"): text for name, text in pool.environment().items() if name[0] == "_"}
    ledger = SqlLedger.open(root / "ledger.sqlite", pool="bench")
    ledger.save(MemoryChange(workers=records(workers)))
    batch = HTCondorBatch(
        HTCondorSettings(
            collector=pool.address(),
            token_folder=pool.token_folder,
            ledger=ledger.identity,
            rest_factor=0.0,
            parameters=names,
        )
    )
    cloud: Any = BenchCloud(workers, ledger.identity)
    spec = GroupSpec(name=GROUP, maximum=workers, shape=Resources(8, 16_000, 100_000, 0), policy="backlog")
    clock: Any = SimpleNamespace(now=time.time, monotonic=time.monotonic)
    controller = Controller(
        ledger=ledger,
        observer=Observer(batch=batch, cloud=cloud, telemetry=None, clock=clock, calls=Threads(), deadlines={}),
        executor=Executor(batch=batch, cloud=cloud, ledger=ledger, calls=Threads()),
        clock=clock,
        rules=Rules(specs={GROUP: spec}, site=SiteSpec(machine_update_seconds=1.0), policies={"backlog": Backlog()}),
        recorders=[FileRecorder(root / "records", Keep(file_mb=100, total_mb=1000, days=1))],
    )
    ticks = [controller.tick(time.time()) for _ in range(runs + 1)][1:]
    last = ticks[-1].snapshot
    if not last.demand.idle_jobs or last.groups[GROUP].ready < workers:
        raise SystemExit(f"not all was seen: {last.demand.idle_jobs} jobs, {last.groups[GROUP].counts}, {last.sources}")
    totals = [sum(tick.durations.values()) for tick in ticks]
    this = psutil.Process()
    askers = this.children(recursive=True)
    figures = {
        "idle_jobs_seen": last.demand.idle_jobs,
        "workers_ready": last.groups[GROUP].ready,
        "median_s": round(statistics.median(totals), 3),
        "slowest_s": round(max(totals), 3),
        "stages_s": {
            stage: round(statistics.median(tick.durations[stage] for tick in ticks), 3) for stage in ticks[0].durations
        },
        "daemon_mb": round(this.memory_info().rss / MEGABYTE),
        "askers_mb": [round(asker.memory_info().rss / MEGABYTE) for asker in askers],
    }
    batch.close()
    ledger.close()
    return figures


def records(workers: int) -> tuple[WorkerRecord, ...]:
    """Workers that joined an hour ago."""
    now = time.time() - 3600
    return tuple(
        WorkerRecord(name=f"b{i}", group=GROUP, requested_at=now, server_id=f"server-{i}", active_at=now)
        for i in range(workers)
    )


class BenchCloud:
    """A list in memory that never changes."""

    def __init__(self, workers: int, ledger: str) -> None:
        self._servers = Servers(
            servers=tuple(
                Server(
                    id=f"server-{i}",
                    name=f"b{i}",
                    group=GROUP,
                    status=ServerStatus.ACTIVE,
                    worker=f"b{i}",
                    ledger=ledger,
                )
                for i in range(workers)
            )
        )

    def servers(self) -> Servers:
        """All of them."""
        return self._servers

    def quotas(self) -> Mapping[str, Quota]:
        """No bound."""
        return {}

    def sizes(self) -> Mapping[str, GroupSize]:
        """Servers stand alone."""
        return {}


# -- in the client's process, where the bindings are


def advertise(slots: int) -> None:
    """Half of the ads are partitionable slots of workers of ours, each with one dynamic slot that runs a job."""
    import classad2  # noqa: PLC0415 - it reads the environment when it is imported
    import htcondor2  # noqa: PLC0415

    collector = htcondor2.Collector()
    real = collector.query(htcondor2.AdType.Startd)[0]
    for begin in range(0, slots // 2, 1000):
        ads: list[Any] = []
        for i in range(begin, min(begin + 1000, slots // 2)):
            ads += _pair(classad2, real, i)
        collector.advertise(ads, "UPDATE_STARTD_AD", True)  # noqa: FBT003 - use TCP


def _pair(classad2: Any, real: Any, i: int) -> Sequence[Any]:  # noqa: ANN401 - the bindings have no types
    free, busy = (classad2.ClassAd(str(real)) for _ in range(2))
    for ad, slot in ((free, "slot1"), (busy, "slot1_1")):
        ad["Name"] = f"{slot}@b{i}@127-0-0-1.elastic.local"
        ad["Machine"] = f"b{i}.elastic.local"
        ad["ElasticServerId"], ad["ElasticWorker"] = f"server-{i}", f"b{i}"
        ad["MyAddress"] = ad["StartdIpAddr"] = f"<127.0.0.1:9?addrs=127.0.0.1-9&alias=b{i}>"
    free["Cpus"], free["Memory"], free["NumDynamicSlots"] = 0, 512, 1
    busy["SlotType"], busy["State"], busy["Activity"] = "Dynamic", "Claimed", "Busy"
    busy["PartitionableSlot"], busy["DynamicSlot"], busy["Cpus"] = False, True, 8
    return free, busy


def submit(jobs: int, shapes: int) -> None:
    """Idle jobs, as many of each shape."""
    import htcondor2  # noqa: PLC0415 - it reads the environment when it is imported

    schedd = htcondor2.Schedd()
    lines = ("executable=/bin/sleep", "arguments=60", "request_memory=$(memory)", "request_disk=1000", "log=/dev/null")
    items = [{"memory": str(128 + i)} for i in range(shapes)]
    schedd.submit(htcondor2.Submit("\n".join(lines)), count=jobs // shapes, itemdata=iter(items))


def names() -> list[str]:
    """Every slot in the collector."""
    import htcondor2  # noqa: PLC0415 - it reads the environment when it is imported

    return [ad["Name"] for ad in htcondor2.Collector().query(htcondor2.AdType.Startd, "true", ["Name"])]


if __name__ == "__main__":
    main()
