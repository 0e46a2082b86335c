"""How long the pure part of a tick takes, assemble to plan, at the size that the issue names: prints JSON.

Workers in every state that is common, most of them busy with different amounts left; as many job shapes as a large
site has autoclusters; nothing here waits for anything, so the figures are processor time.
"""

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from elastic.core.assemble import assemble
from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.memory import GroupMemory, Memory, Template, WorkerRecord
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.observation import (
    JobShape,
    Machine,
    Machines,
    Negotiation,
    Observations,
    Queue,
    Quota,
    ScheddQueue,
    Server,
    Servers,
    ServerStatus,
    SourceReading,
)
from elastic.core.planner import plan
from elastic.core.remember import remember
from elastic.core.resources import Resources
from elastic_policies.backlog import Backlog

T = TypeVar("T")
NOW = 1_800_000_000.0
LEDGER = "0f9d6f5e-0000-4000-8000-000000000000"
OFFERS = Resources(16, 64_000, 400_000, 0)
SITE = SiteSpec()


def main() -> None:
    """One line of JSON: sizes, the median, the fastest and the slowest tick, the median of each stage, in ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--shapes", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=15)
    sizes = parser.parse_args()
    specs = {f"g{i:02}": group_spec(i, sizes.workers) for i in range(sizes.groups)}
    memory = remembered(specs, sizes.workers)
    seen = observed(memory, specs, sizes.shapes)
    runs = [one_tick(seen, memory, specs) for _ in range(sizes.runs + 2)][2:]
    totals = [sum(run.values()) for run in runs]
    figures = {
        "workers": sizes.workers,
        "groups": sizes.groups,
        "shapes": sizes.shapes,
        "runs": sizes.runs,
        "python": sys.version.split()[0],
        "median_ms": round(statistics.median(totals), 1),
        "fastest_ms": round(min(totals), 1),
        "slowest_ms": round(max(totals), 1),
        "stages_ms": {stage: round(statistics.median(run[stage] for run in runs), 1) for stage in runs[0]},
    }
    print(json.dumps(figures))


def one_tick(seen: Observations, memory: Memory, specs: Mapping[str, GroupSpec]) -> dict[str, float]:
    """Milliseconds by stage."""
    took: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], T]) -> T:
        begun = time.process_time()
        answer = work()
        took[stage] = (time.process_time() - begun) * 1000
        return answer

    gc.collect()
    snapshot, _ = timed("assemble", lambda: assemble(seen, memory, specs, SITE, NOW))
    proposal = timed("decide", lambda: decide(snapshot, {"backlog": Backlog(headroom=1)}))
    targets = timed("constrain", lambda: constrain(proposal, snapshot, SITE))
    timed("plan", lambda: plan(snapshot, targets, SITE))
    timed("remember", lambda: remember(snapshot, proposal))
    return took


def group_spec(index: int, workers: int) -> GroupSpec:
    """Groups of different priority and cost, so that the order in which they are asked matters."""
    return GroupSpec(
        name=f"g{index:02}",
        maximum=workers,
        shape=OFFERS,
        reserve=Resources(),
        priority=index % 3,
        cost_per_hour=1.0 + index % 7,
        policy="backlog",
    )


def remembered(specs: Mapping[str, GroupSpec], workers: int) -> Memory:
    """Nine of ten have joined long ago, the rest are on their way."""
    names = sorted(specs)
    records = (worker(i, names[i % len(names)]) for i in range(workers))
    groups = {
        name: GroupMemory(
            group=name,
            template=Template(ad="[]", resources=OFFERS, learned=True),
            join_seconds=tuple(60.0 + i % 40 for i in range(100)),
            boot_allowance=100,
        )
        for name in names
    }
    return Memory(ledger=LEDGER, pool="bench", workers={r.name: r for r in records}, groups=groups, tick=100)


def worker(index: int, group: str) -> WorkerRecord:
    """The worker of this number: upcoming if it is divisible by ten."""
    name = f"{group}-{LEDGER[:8]}-{index}"
    if index % 10 == 0:
        return WorkerRecord(name=name, group=group, requested_at=NOW - 60, server_id=f"id-{index}")
    return WorkerRecord(
        name=name,
        group=group,
        requested_at=NOW - 9000,
        server_id=f"id-{index}",
        active_at=NOW - 8960,
        joined_at=NOW - 8900,
        machine=f"{name}.pool",
        address=f"<10.0.{index // 250}.{index % 250}:9618>",
        started=1_799_990_000,
        busy_seen=True,
        counted=True,
    )


def observed(memory: Memory, specs: Mapping[str, GroupSpec], shapes: int) -> Observations:
    """Every source fresh: joined workers with their ads, the rest building."""
    records = list(memory.workers.values())
    machines = tuple(machine(i, r) for i, r in enumerate(records) if r.joined_at is not None)
    servers = tuple(server(r) for r in records)
    queue = Queue(schedds=(ScheddQueue(schedd="schedd", shapes=tuple(shape(i, specs) for i in range(shapes))),))
    return Observations(
        machines=SourceReading(value=Machines(machines=machines, collector_age_seconds=90_000.0)),
        servers=SourceReading(value=Servers(servers=servers)),
        queue=SourceReading(value=queue),
        negotiation=SourceReading(value=Negotiation(cycles=(1, 2, 3), limits={f"l{i}": 50.0 for i in range(20)})),
        quotas=SourceReading(value={name: Quota(workers_left=500) for name in specs}),
    )


def server(record: WorkerRecord) -> Server:
    """The server of this worker."""
    status = ServerStatus.ACTIVE if record.joined_at is not None else ServerStatus.BUILDING
    return Server(
        id=record.server_id or "",
        name=record.name,
        group=record.group,
        status=status,
        worker=record.name,
        ledger=LEDGER,
    )


def machine(index: int, record: WorkerRecord) -> Machine:
    """One of five is idle; the others have between none and fifteen cpus left, and memory in many steps."""
    idle = index % 5 == 0
    left = OFFERS if idle else Resources(index % 16, 4000 * (index % 16), 20_000 * (index % 19), 0)
    return Machine(
        name=record.machine,
        address=record.address,
        server_id=record.server_id,
        worker=record.name,
        template="kind",
        claimed=not idle,
        jobs=0 if idle else 16 - index % 16,
        idle_seconds=400.0 + index if idle else None,
        started=record.started,
        stamp=index,
        total=OFFERS,
        free=left,
    )


def shape(index: int, specs: Mapping[str, GroupSpec]) -> JobShape:
    """Shapes ask for 1 to 8 cpus and fit all groups but one in seven; one in fifty is under a concurrency limit."""
    takes = Resources(1 + index % 8, 1000 + 500 * (index % 12), 5000, 0)
    return JobShape(
        id=f"shape-{index:04}",
        idle=5 + index % 90,
        running=index % 50,
        request=takes,
        fits={f"group:{name}": takes for i, name in enumerate(sorted(specs)) if (i + index) % 7},
        oldest_wait_seconds=float(index),
        concurrency_limits=((f"L{index % 20}", 1.0),) if index % 50 == 0 else (),
    )


if __name__ == "__main__":
    main()
