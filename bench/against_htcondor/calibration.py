"""The parameters of the simulated pool, measured on a real one by a run that has nothing to do with the workloads."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from bench.against_htcondor.workloads import BOOT_SECONDS, POOL, SETTINGS
from tests.lab.arrivals import Arrivals
from tests.lab.events import Kind
from tests.lab.jobs import Batch
from tests.lab.site import Site, group
from tests.lab.speed import starts_by_worker

WORKERS = 6
ROUNDS = 4
RUN_SECONDS = 5.0
SINGLES = 6
SINGLE_GAP_SECONDS = 7.3
"""Nothing to do with the cycles' five seconds: the singles come at all moments of a cycle."""

CYCLE = re.compile(r"^(\d\d/\d\d/\d\d \d\d:\d\d:\d\d)[^-]*-+ Started Negotiation Cycle", re.MULTILINE)
CLOCK_SECONDS = 0.5
"""The negotiator tells whole seconds: on average its cycle began half a second later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Seconds. Boots run from the request to an active server, joins from there to the ad in the collector."""

    boot_seconds: Sequence[float]
    join_seconds: Sequence[float]
    negotiation_seconds: float
    start_seconds: float
    job_overhead_seconds: float
    removal_seconds: float

    def __str__(self) -> str:
        """One line a parameter."""
        return (
            f"boot {_span(self.boot_seconds)} s, join {_span(self.join_seconds)} s; a negotiation cycle every "
            f"{self.negotiation_seconds:.2f} s; from its begin to the first job of a claim {self.start_seconds:.2f} s; "
            f"{self.job_overhead_seconds:.2f} s a job beside its own time; a server is gone after "
            f"{self.removal_seconds:.2f} s"
        )


def calibrate(root: Path, prefix: Path) -> Calibration:
    """Pin six workers; run rounds of equal jobs, then single ones; let the workers go again."""
    spec = group(maximum=WORKERS, idle_seconds=2.0)
    site = Site(root, prefix, groups=[spec], settings=SETTINGS, boot_seconds=BOOT_SECONDS, pool_config=POOL)
    with site, Arrivals(site.pool.folder) as arrivals:
        asker = {"author": "calibration", "reason": "all of them", "expires_in_seconds": 3600}
        site.write("PUT", "/v1/groups/small/overrides", {"overrides": [{"kind": "pin", "workers": WORKERS, **asker}]})
        site.until_ready(WORKERS, 120)
        seen_at, created_at = arrivals.seen_at(), site.seen.created_at
        active_at = {name: next(look.at for look in site.seen.looks if name in look.active) for name in created_at}
        rounds = site.jobs.sleep("rounds", WORKERS * ROUNDS, RUN_SECONDS)
        rounds.wait(180)
        starts = [_single(site, number) for number in range(SINGLES)]
        cycles = cycle_starts(site.pool.folder.central / "log" / "NegotiatorLog")
        return Calibration(
            boot_seconds=[active_at[name] - created_at[name] for name in sorted(created_at)],
            join_seconds=[max(0.0, seen_at[name] - active_at[name]) for name in sorted(created_at)],
            negotiation_seconds=median(after - before for before, after in pairwise(cycles)),
            start_seconds=max(0.0, fmean(_after_cycle(started, cycles) for started in starts) - CLOCK_SECONDS),
            job_overhead_seconds=_overhead(rounds),
            removal_seconds=_removal(site),
        )


def cycle_starts(log: Path) -> list[float]:
    """When negotiation cycles began, in seconds since the epoch; the negotiator writes whole ones, in local time."""
    found = CYCLE.findall(log.read_text(encoding="utf-8", errors="replace"))
    return [time.mktime(time.strptime(text, "%m/%d/%y %H:%M:%S")) for text in found]


def _after_cycle(started: float, cycles: Sequence[float]) -> float:
    """Seconds from the begin of the cycle that matched a job to its start."""
    return started - max(began for began in cycles if began <= started)


def _single(site: Site, number: int) -> float:
    """When a job was started that found free workers."""
    began = time.monotonic()
    batch = site.jobs.sleep(f"single-{number}", 1, 1.0)
    batch.wait(60)
    (events,) = batch.history().values()
    time.sleep(max(0.0, SINGLE_GAP_SECONDS - (time.monotonic() - began)))
    return next(event.at for event in events if event.kind == Kind.EXECUTE)


def _overhead(batch: Batch) -> float:
    """What a job costs its slot beside its own time, from the starts of jobs on the same worker."""
    found: Mapping[str, Sequence[float]] = starts_by_worker(batch)
    gaps = [after - before - RUN_SECONDS for starts in found.values() for before, after in pairwise(sorted(starts))]
    # A gap of a whole cycle is no claim reuse.
    return fmean(gap for gap in gaps if gap < RUN_SECONDS)


def _removal(site: Site) -> float:
    """What the cloud takes to delete one server; the daemon is told to keep its hands off meanwhile."""
    server = site.listed()[0]
    began = time.monotonic()
    site.servers.delete(server.id)
    return time.monotonic() - began


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}"
