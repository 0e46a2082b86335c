"""A workload on the real pool under the real daemon, and what came of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.against_htcondor.workloads import BOOT_SECONDS, POOL, SETTINGS, Arrival, Workload
from elastic_simulations.measures.spread import spread_of_times
from tests.lab.events import Event, Kind
from tests.lab.jobs import Batch
from tests.lab.site import Site

HOUR_SECONDS = 3600.0
MICROSECONDS = 1_000_000
BELIEVED_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one run: seconds, and core-hours from the request of each worker to its end or to the last job's."""

    makespan_seconds: float
    mean_wait_seconds: float
    p95_wait_seconds: float
    paid_core_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One job as it was truly submitted: seconds after the first one, its run time, its cores."""

    at: float
    run_seconds: float
    cores: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RealRun:
    """The figures, and the jobs: the simulator is given these."""

    figures: Figures
    jobs: Sequence[Submitted]
    restarted: int


def run_real(root: Path, prefix: Path, workload: Workload) -> RealRun:
    """Run it from an empty pool to the end of its last job."""
    site = Site(root, prefix, groups=[workload.group], settings=SETTINGS, boot_seconds=BOOT_SECONDS, pool_config=POOL)
    with site:
        # A collector that has just been started is not believed: nothing would be asked for.
        time.sleep(BELIEVED_SECONDS)
        batches = _submit(site, workload)
        for batch, _ in batches:
            batch.wait(600)
        # One more look, so that whoever was deleted last is seen to be gone.
        time.sleep(1.0)
        histories = [(arrival, events) for batch, arrival in batches for events in batch.history().values()]
        return _measured(site, workload, histories)


def _submit(site: Site, workload: Workload) -> list[tuple[Batch, Arrival]]:
    began = time.monotonic()
    batches: list[tuple[Batch, Arrival]] = []
    for number, arrival in enumerate(workload.arrivals):
        time.sleep(max(0.0, began + arrival.at - time.monotonic()))
        cpus = str(arrival.cores)
        batch = site.jobs.sleep(f"wave-{number}", arrival.count, arrival.run_seconds, request_cpus=cpus)
        batches.append((batch, arrival))
    return batches


def _measured(site: Site, workload: Workload, histories: Sequence[tuple[Arrival, Sequence[Event]]]) -> RealRun:
    submitted = [_first(events, Kind.SUBMITTED) for _, events in histories]
    started = [_first(events, Kind.EXECUTE) for _, events in histories]
    begin, end = min(submitted), max(_first(events, Kind.TERMINATED) for _, events in histories)
    waits = spread_of_times(
        round((start - submit) * MICROSECONDS) for submit, start in zip(submitted, started, strict=True)
    )
    shape = workload.group["shape"]
    cores = shape["cpus"] if isinstance(shape, dict) else 0
    jobs = [
        Submitted(at=at - begin, run_seconds=arrival.run_seconds, cores=arrival.cores)
        for at, (arrival, _) in zip(submitted, histories, strict=True)
    ]
    return RealRun(
        figures=Figures(
            makespan_seconds=end - begin,
            mean_wait_seconds=waits.mean,
            p95_wait_seconds=waits.p95,
            paid_core_hours=cores * _paid_seconds(site, end) / HOUR_SECONDS,
        ),
        jobs=sorted(jobs, key=lambda job: job.at),
        restarted=sum(sum(e.kind == Kind.EXECUTE for e in events) > 1 for _, events in histories),
    )


def _first(events: Sequence[Event], kind: Kind) -> float:
    return next(event.at for event in events if event.kind == kind)


def _paid_seconds(site: Site, end: float) -> float:
    """From the request of each server to the first look that missed it, at most to the end of the last job."""
    total = 0.0
    for name, created_at in site.seen.created_at.items():
        missed = [look.at for look in site.seen.looks if look.at > created_at and name not in look.existing]
        total += max(0.0, min([end, *missed[:1]]) - created_at)
    return total
