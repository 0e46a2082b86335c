"""Workers removed as fast as the protocol allows while short jobs come and go; and the remover that asks nobody."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from elastic.adapters.ledger import SqlLedger
from elastic.adapters.local import LocalWorld
from elastic.controller import Controller, Rules
from elastic.core.actions import ActionResult, verb
from elastic.core.memory import Wish, WishKind, WorkerRecord
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.resources import Resources
from elastic.executor import Executor
from elastic.local.errors import NoSuchServer
from elastic.local.pool import Pool
from elastic.observer import Observer, Threads
from elastic.ports import WorldSpec
from elastic_policies.fixed import Fixed
from tests.lab.events import Kind
from tests.lab.jobs import Batch, Jobs
from tests.lab.support import Lab, wait

WORKERS = 6
LEAVING = 6
TICK_SECONDS = 0.25
TAKEN_BACK = 0.15
JOB_SECONDS = (0.2, 3.0)
GAP_SECONDS = (0.1, 1.2)
JOBS_AT_ONCE = 2
BATCHES_UNDER_WAY = 3
"""Busy workers are not removed: some must always be idle."""
SEED = 20261120

GROUP = GroupSpec(
    name="small",
    maximum=2 * WORKERS,
    policy="fixed",
    shape=Resources(1, 512, 1024, 0),
    reserve=Resources(0, 0, 0, 0),
    # Who leaves is wished below: an idle time of more than two joins would be the slowest part of all.
    idle_seconds=3600.0,
    validation_seconds=0.5,
    scale_down_window_seconds=1.0,
    lost_seconds=60.0,
    job_lease_seconds=40.0,
    delete_repeat_seconds=5.0,
)
SITE = SiteSpec(tick_seconds=1.0, min_wake_seconds=TICK_SECONDS, machine_update_seconds=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of the jobs of one stream: those that were hurt, with what happened to them, and how many there were.

    `starts` counts jobs by (NumShadowStarts, NumJobStarts) in the schedd's history.
    """

    jobs: int
    hurt: Mapping[str, Sequence[str]]
    starts: Mapping[tuple[int, int], int]


class Stream:
    """Jobs of 0.2 to 3 s, a few at a time, with gaps between them; a context manager that stops submitting."""

    def __init__(self, jobs: Jobs, seed: int) -> None:
        """Submit nothing yet."""
        self.batches: list[Batch] = []
        self._jobs = jobs
        self._random = random.Random(seed)  # noqa: S311  not a secret
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._submit, name="stream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def damage(self) -> Mapping[str, Sequence[str]]:
        """The jobs to which anything happened so far but a submission, one execution and one end, with what did."""
        once = [Kind.SUBMITTED.name, Kind.EXECUTE.name, Kind.TERMINATED.name]
        found = {}
        for batch in list(self.batches):
            for job, events in batch.history().items():
                kinds = [Kind(event.kind).name for event in events if event.kind in list(Kind)]
                if kinds != once[: len(kinds)]:
                    found[job] = kinds
        return found

    def ended(self, seconds: float) -> Ended:
        """What became of all of them; those that have not ended after so many seconds count as hurt."""
        deadline = time.monotonic() + seconds
        for batch in self.batches:
            with suppress(TimeoutError):
                batch.wait(max(0.0, deadline - time.monotonic()))
        hurt = dict(self.damage())
        for batch in self.batches:
            over = {job for job, events in batch.history().items() if events[-1].kind == Kind.TERMINATED}
            everyone = {f"{batch.cluster}.{proc}" for proc in range(batch.count)}
            hurt |= {job: [*hurt.get(job, ()), "never ended"] for job in everyone - over}
        rows = self._jobs.client.history(projection=["NumShadowStarts", "NumJobStarts"])
        starts = Counter((row.get("NumShadowStarts", 0), row.get("NumJobStarts", 0)) for row in rows)
        return Ended(jobs=sum(batch.count for batch in self.batches), hurt=hurt, starts=dict(starts))

    def _submit(self) -> None:
        """Submit on and on; but while three batches are under way none is added, however slow the machine is."""
        under_way: list[Batch] = []
        while not self._over.wait(self._random.uniform(*GAP_SECONDS)):
            under_way = [batch for batch in under_way if batch.over() < batch.count]
            if len(under_way) >= BATCHES_UNDER_WAY:
                continue
            seconds = self._random.uniform(*JOB_SECONDS)
            count = self._random.randint(1, JOBS_AT_ONCE)
            under_way.append(self._jobs.sleep(f"stream-{len(self.batches)}", count, seconds))
            self.batches.append(under_way[-1])


class Churn:
    """The controller with its real ports, without a process of its own: six workers are wanted, and each leaves soon.

    Ticks come four times a second. Each worker that has had a job is wished away; some of those that have drained are
    wanted back at the last moment.
    """

    def __init__(self, pool: Pool, root: Path) -> None:
        """Open a ledger below `root`; nothing is asked yet."""
        self.results: Counter[str] = Counter()
        self._random = random.Random(SEED)  # noqa: S311  not a secret
        self._ledger = SqlLedger.open(root / "ledger.sqlite", pool="stress")
        section = {"collector": pool.address, "token_folder": pool.folder.token_folder, "rest_factor": 1.0}
        self._world = LocalWorld(
            WorldSpec(
                pool="stress",
                ledger=self._ledger.identity,
                folder=root,
                groups={GROUP.name: GROUP},
                options={"root": pool.folder.root, "htcondor": section},
            )
        )
        calls = Threads()
        batch, cloud, clock = self._world.batch, self._world.cloud, self._world.clock
        self._controller = Controller(
            ledger=self._ledger,
            observer=Observer(batch=batch, cloud=cloud, telemetry=None, clock=clock, calls=calls, deadlines={}),
            executor=Executor(batch=batch, cloud=cloud, ledger=self._ledger, calls=calls),
            clock=clock,
            rules=Rules(specs={GROUP.name: GROUP}, site=SITE, policies={"fixed": Fixed(workers=WORKERS)}),
            on_result=self._note,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._world.close()
        self._ledger.close()

    @property
    def removed(self) -> int:
        """How many workers were drained, switched off, deleted and seen to be gone."""
        gone = self._ledger.history(limit=100_000)
        return sum(record.drain is not None and record.delete_asked_at is not None for record, _ in gone)

    def until_joined(self, seconds: float) -> None:
        """Tick until as many workers as are wanted have joined."""

        def joined() -> bool:
            self._tick()
            return sum(r.joined_at is not None for r in self._ledger.memory().workers.values()) >= WORKERS

        wait(joined, seconds, f"{WORKERS} workers join")

    def run(self, seconds: float, least: int) -> float:
        """Tick and wish for so long, and at most twice as long until so many are removed; return how long it was."""
        begun = time.monotonic()
        while (elapsed := time.monotonic() - begun) < seconds or (elapsed < 2 * seconds and self.removed < least):
            self._wish()
            self._tick()
        return elapsed

    def settle(self, seconds: float) -> None:
        """Tick on without new wishes until nothing is leaving any more."""

        def settled() -> bool:
            self._tick()
            records = self._ledger.memory().workers.values()
            return not any(r.drain or r.fence_asked_at or r.delete_asked_at or r.missing_since for r in records)

        for record in self._ledger.memory().workers.values():
            if record.wish is not None and record.drain is None:
                self._ledger.wish(record.name, None)
        wait(settled, seconds, "nothing leaves any more")

    def _tick(self) -> None:
        begun = time.monotonic()
        self._controller.tick(self._world.clock.now())
        time.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - begun)))

    def _wish(self) -> None:
        """Oldest first, so that each has had jobs; one that is drained may be wanted back."""
        records = sorted(self._ledger.memory().workers.values(), key=lambda record: record.requested_at)
        for record in records:
            drained = record.drain is not None and record.fence_asked_at is None and record.wish is not None
            if drained and self._random.random() < TAKEN_BACK:
                self._ledger.wish(record.name, None)
        leaving = sum(record.wish is not None or record.delete_asked_at is not None for record in records)
        staying = [record for record in records if _serves(record)]
        for record in staying[: max(0, LEAVING - leaving)]:
            asked_at = self._world.clock.now()
            self._ledger.wish(record.name, Wish(kind=WishKind.DRAIN, author="stress", reason="next", asked_at=asked_at))

    def _note(self, result: ActionResult) -> None:
        self.results[f"{verb(result.action)} {result.outcome}"] += 1


def _serves(record: WorkerRecord) -> bool:
    return record.joined_at is not None and record.busy_seen and record.wish is None and record.drain is None


class CollectorSaysIdle:
    """The control: whatever the collector shows as unclaimed is killed at once, and another is started instead."""

    def __init__(self, lab: Lab) -> None:
        """Kill nothing yet."""
        self.kills = 0
        self._lab = lab

    def run(self, stream: Stream, seconds: float) -> Mapping[str, Sequence[str]]:
        """Kill until a job is hurt or the time is over; return the damage."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stream.damage():
            time.sleep(1.0)
            self._kill_one()
        return stream.damage()

    def _kill_one(self) -> None:
        ads = self._lab.client.machines(
            'PartitionableSlot is true && State == "Unclaimed" && (NumDynamicSlots ?: 0) == 0', ["ElasticServerId"]
        )
        for ad in ads:
            with suppress(NoSuchServer):
                self._lab.servers.delete(ad["ElasticServerId"])
                self.kills += 1
                self._lab.start_worker(f"w{WORKERS + self.kills}")
                return
