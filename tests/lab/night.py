"""Requirement 5: a ten-hour job among short ones that come each hour, through the night; and the remover that fails."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from elastic.local.pool import Pool
from elastic.local.processes import teardown
from tests.lab.events import Event, Kind
from tests.lab.jobs import Batch, Jobs
from tests.lab.sightings import Look
from tests.lab.site import POOL_CONFIG, Site
from tests.lab.support import Client, Lab, wait

if TYPE_CHECKING:
    from tests.lab.ground import Counts, Ground

MINIMUM = 1
CONTROL_WORKERS = 7
# Nobody takes the ads of workers removed by age out of the collector: for its usual 15 minutes the job would be matched
# to those ghosts, again and again.
CONTROL_CONFIG = {**POOL_CONFIG, "CLASSAD_LIFETIME": "15"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What was seen from before the long job until the pool had been quiet for an hour."""

    hours: int
    hour_seconds: float
    long_job: Sequence[Event]
    short_jobs: Sequence[Sequence[Event]]
    looks: Sequence[Look]
    first_workers: frozenset[str]
    ever: frozenset[str]

    @property
    def home(self) -> str:
        """The worker on which the long job was started first."""
        return next(event.worker for event in self.long_job if event.kind == Kind.EXECUTE)

    @property
    def lowest(self) -> int:
        """The fewest workers that ever ran at once."""
        return min(len(look.active) for look in self.looks)

    @property
    def survivors(self) -> frozenset[str]:
        """Workers of the first hour, beside the long job's, that were there when that job ended."""
        end = self.long_job[-1].at
        late = next(look for look in self.looks if look.at >= end)
        return (self.first_workers - {self.home}) & late.existing

    def count(self, kind: Kind) -> int:
        """How often something happened to the long job."""
        return sum(event.kind == kind for event in self.long_job)

    def __str__(self) -> str:
        """For the log of the tests."""
        return (
            f"requirement 5: {self.hours} h (1 h = {self.hour_seconds:.0f} s), {len(self.short_jobs)} short jobs"
            f"; the long job was started {self.count(Kind.EXECUTE)} time(s), evicted {self.count(Kind.EVICTED)}\n"
            f"  {len(self.ever)} workers came, {len(self.survivors)} of the first hour stayed beside the long job's; "
            f"never fewer than {self.lowest}"
        )


def through_the_night(ground: Ground, counts: Counts, root: Path, prefix: Path) -> Night:
    """Run the hours under the daemon."""
    groups = [ground.group(minimum=MINIMUM, maximum=counts.maximum)]
    with ground.site(root, prefix, groups=groups, boot_seconds=(0.5, 1.5)) as site:
        site.until_ready(MINIMUM)
        begin = time.time()
        long_job = site.jobs.sleep("long", 1, counts.hours * counts.hour_seconds)
        site.until(long_job.worker, 30, "the long job runs")
        short = [_hour(site, number, begin, counts, long_job) for number in range(counts.hours)]
        for batch in (*short, long_job):
            batch.wait(3 * counts.hour_seconds + 60)
        site.until_ready(MINIMUM)
        quiet_until = time.time() + counts.quiet_hours * counts.hour_seconds
        time.sleep(counts.quiet_hours * counts.hour_seconds)
        return Night(
            hours=counts.hours,
            hour_seconds=counts.hour_seconds,
            long_job=next(iter(long_job.history().values())),
            short_jobs=[events for batch in short for events in batch.history().values()],
            looks=site.seen.between(begin, quiet_until),
            first_workers=frozenset(batch_workers(short[0])),
            ever=site.seen.ever(),
        )


def oldest_first(root: Path, prefix: Path) -> Sequence[Event]:
    """The control: one hour of the same, but the pool is shrunk as Heat did, the oldest server first.

    Return what became of the long job, as soon as it was started a second time or has ended.
    """
    with Pool(root, prefix, extra_config=CONTROL_CONFIG) as pool, Client(pool.folder) as client:
        try:
            return _shrunk_by_age(Lab(pool, client), Jobs(client, pool.folder))
        finally:
            teardown(root / "servers")


def batch_workers(batch: Batch) -> set[str]:
    """Return the workers on which jobs of a batch were started."""
    return {event.worker for events in batch.history().values() for event in events if event.kind == Kind.EXECUTE}


def _hour(site: Site, number: int, begin: float, counts: Counts, long_job: Batch) -> Batch:
    """Submit the short jobs of an hour at its beginning; return at its end.

    On a machine that is slow beyond its scale an hour lasts until its workers have gone, but for the minimum once the
    long job is over: else the jobs of the next one would use them again, and nobody could tell whether they ever go.
    """
    batch = site.jobs.sleep(f"hour-{number}", counts.short_jobs, counts.short_share * counts.hour_seconds)
    time.sleep(max(0.0, begin + (number + 1) * counts.hour_seconds - time.time()))
    batch.wait(2 * counts.hour_seconds)
    workers = batch_workers(batch)

    def gone() -> bool:
        return len(site.seen.looks[-1].existing & workers) <= (MINIMUM if long_job.over() else 0)

    site.until(gone, counts.hour_seconds, "the workers of this hour go")
    return batch


def _shrunk_by_age(lab: Lab, jobs: Jobs) -> Sequence[Event]:
    lab.start_worker("w0")
    long_job = jobs.sleep("long", 1, 600)
    wait(long_job.worker, what="the long job runs on the first worker")
    lab.start_workers(CONTROL_WORKERS)
    jobs.sleep("hour-0", CONTROL_WORKERS - MINIMUM, 5).wait(60)
    # Nobody asks what runs where: seven is more than one needs now, so the six oldest go.
    for server in sorted(lab.servers.servers(), key=lambda server: server.created_at)[: CONTROL_WORKERS - MINIMUM]:
        lab.servers.delete(server.id)

    def known() -> Sequence[Event]:
        events: Sequence[Event] = next(iter(long_job.history().values()))
        starts = sum(event.kind == Kind.EXECUTE for event in events)
        return events if starts > 1 or long_job.over() else ()

    return wait(known, 120, "the long job is started again")
