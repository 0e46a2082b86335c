"""Lives of daemons that are killed on one pool: they grow or shrink it, die, and the next one must come to rest."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from elastic.adapters.ledger import SqlLedger
from elastic.adapters.ledger.codec import loads
from elastic.core.memory import Wish, WishKind, WorkerRecord
from elastic.local.daemon import Tree, merged, pool_settings, to_toml
from elastic.local.pool import Pool
from elastic.local.servers import ServerFolder
from tests.lab.doomed import Mortal, Within, nothing_within, wait_for
from tests.lab.jobs import Batch, Jobs
from tests.lab.moments import Tape
from tests.lab.outcomes import histories, unhurt
from tests.lab.pieces import Kind
from tests.lab.site import FAST, group
from tests.lab.support import Row, wait

DIES_SECONDS = 60.0
SETTLES_SECONDS = 120.0
LEAST_TICKS = 2
MOST_TICKS = 20
GROUP = group(
    maximum=4,
    policy="fixed",
    # Who leaves is wished by the test.
    idle_seconds=3600.0,
    validation_seconds=0.5,
    scale_down_window_seconds=0.1,
    # An intent whose call never went out is forgotten after three times as long.
    launch_seconds=2.0,
    # An intent whose daemon was killed before it could ask for the server is no bad boot, and here there are many.
    breaker_failures=1000,
    delete_repeat_seconds=1.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One piece of life: how the doomed daemon died, its last moment, the moments of the one that came after it."""

    died: bool
    last: str
    afterwards: Sequence[str]


class Lane:
    """One ledger with its servers and a line of daemons; several lanes share a pool, by the name of theirs.

    On another cloud than the local one `settings` and `listed` are its own.
    """

    group: Tree = GROUP
    settles_seconds = SETTLES_SECONDS

    def __init__(self, pool: Pool, jobs: Jobs, number: int) -> None:
        """Prepare the files of a lane, one lane after the other; `start` brings its first worker."""
        self.name = self.called(number)
        self.batches: list[Batch] = []
        self._pool = pool
        self._jobs = jobs
        self._root = pool.folder.root / self.name
        self._root.mkdir()
        self._servers = ServerFolder(root=pool.folder.servers, prefix=pool.prefix)
        self._mortals: list[Mortal] = []
        with self._opened():
            pass  # Made here: a schema is made in one thread at a time.

    def called(self, number: int) -> str:
        """The lane's name, which is its pool's for OpenStack and for the workers."""
        return f"lane-{number}"

    def settings(self) -> Tree:
        """What is to be said about the cloud."""
        return {}

    def within(self) -> Within:
        """What more is put on the daemons' tapes."""
        return nothing_within

    def listed(self) -> Sequence[str]:
        """The ids of the servers that exist."""
        return [server.id for server in self._servers.servers() if server.metadata["pool"] == self.name]

    @property
    def root(self) -> Path:
        """The lane's folder."""
        return self._root

    @property
    def ledger(self) -> Path:
        """The lane's ledger."""
        return self._root / "ledger.sqlite"

    @property
    def log_tail(self) -> str:
        """The end of what its daemons said."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])

    @property
    def ever(self) -> frozenset[str]:
        """The ids of all servers that the ledger has ever known, each of another worker."""
        with self._opened() as ledger:
            known = [*ledger.memory().workers.values(), *(record for record, _ in ledger.history(10_000))]
        return frozenset(record.server_id for record in known if record.server_id is not None)

    def start(self) -> None:
        """Begin with one worker."""
        self._live_on(workers=1)

    def end(self) -> None:
        """Leave no process of this lane's daemons."""
        for mortal in self._mortals:
            mortal.kill()

    def play(self, kind: Kind, kill_at: str) -> Played:
        """Let a daemon die at this moment ("": at none), then let another one settle; AssertionError if it does not."""
        self._prepare(kind)
        if not kill_at:
            return Played(died=True, last="", afterwards=self._live_on(kind.workers, hold_at=kind.hold))
        doomed = self._daemon(kind.workers, kill_at=kill_at, hold_at=kind.hold)
        self._contest(doomed, kind.hold)
        died = doomed.dies(DIES_SECONDS, or_else=lambda: self._over(doomed, kind.workers))
        doomed.kill()
        afterwards = self._live_on(kind.workers)
        if kind.returns:
            self._all_serve()
        return Played(died=died, last=kill_at, afterwards=afterwards)

    def play_at_random(self, kind: Kind, after_seconds: float) -> Played:
        """The same, but the daemon is killed from outside so many seconds after its first moment."""
        self._prepare(kind)
        doomed = self._daemon(kind.workers)
        wait(lambda: doomed.moments, DIES_SECONDS, f"a daemon of {self.name} ticks")
        time.sleep(after_seconds)
        doomed.kill()
        return Played(died=True, last=doomed.moments[-1], afterwards=self._live_on(kind.workers))

    def _prepare(self, kind: Kind) -> None:
        self._submit(2)
        newest = max(self._records(), key=lambda record: record.requested_at).name
        if kind.leaves:
            wish = Wish(kind=WishKind.DRAIN, author="test", reason="leaves", asked_at=time.time())
            with self._opened() as ledger:
                ledger.wish(newest, wish)
        if kind.prelude:
            first = self._daemon(1 if kind.leaves else kind.workers, kill_at=kind.prelude)
            assert first.dies(DIES_SECONDS), f"{self.name} never came to {kind.prelude}: {first.moments}"
        if kind.returns:
            with self._opened() as ledger:
                ledger.wish(newest, None)

    def _live_on(self, workers: int, hold_at: str = "") -> Sequence[str]:
        """A daemon that nobody kills: it must come to rest with so many workers, and nothing else."""
        mortal = self._daemon(workers, hold_at=hold_at)
        self._contest(mortal, hold_at)
        try:
            wait(lambda: mortal.ticks >= LEAST_TICKS, SETTLES_SECONDS, f"the next daemon of {self.name} ticks")
            wait(lambda: self._unsettled(workers) == "", self.settles_seconds, f"{self.name} settles at {workers}")
        except AssertionError as error:
            error.add_note(f"{self._unsettled(workers)}\n{self.log_tail}")
            raise
        finally:
            status = mortal.stop()
        assert status == 0, f"{self.name}: the daemon that nobody killed ended with {status}:\n{self.log_tail}"
        assert self._unsettled(workers) == "", f"{self.name}: {self._unsettled(workers)}"
        self._no_job_was_hurt()
        return mortal.moments

    def _over(self, mortal: Mortal, workers: int) -> bool:
        """Whether this daemon will not come to any new moment."""
        return mortal.ticks > MOST_TICKS and self._unsettled(workers) == ""

    def _all_serve(self) -> None:
        """Each worker, also one that was drained or switched off, takes a job."""
        for record in self._records():
            self._submit(1, record.server_id or "")
        self._no_job_was_hurt()

    def _no_job_was_hurt(self) -> None:
        """Every job so far ends by itself, by its one and only start."""
        for batch in self.batches:
            batch.wait(60)
            assert histories(batch) == unhurt(batch), f"{self.name}: {histories(batch)}"
        self.batches.clear()

    def _contest(self, mortal: Mortal, hold_at: str) -> None:
        """While the daemon waits with its drain, a job is started on the worker that it has seen idle."""
        if not hold_at:
            return
        if wait_for(mortal, hold_at, DIES_SECONDS):
            leaving = next(record.server_id for record in self._records() if record.wish is not None)
            batch = self._submit(1, leaving or "", seconds=6.0)
            wait(batch.worker, 20, "a job contests the drain")
        mortal.tape.let_go()

    def _unsettled(self, workers: int) -> str:
        """What is not as it should be: cloud list == ledger == fleet, and nothing is going on with any of them."""
        records, listed, fleet = self._records(), self.listed(), self._fleet()
        if len(records) != workers:
            return f"{len(records)} workers in the ledger, not {workers}: {records}"
        if {record.server_id for record in records} != set(listed):
            return f"the ledger has {records}, the cloud {listed}"
        if sorted(str(ad["ElasticServerId"]) for ad in fleet) != sorted(str(record.server_id) for record in records):
            return f"the ledger has {records}, the collector {fleet}"
        if any(ad.get("Draining") for ad in fleet):
            return f"something drains: {fleet}"
        return next((f"not at rest: {record}" for record in records if _at_rest(record) != record), "")

    def _records(self) -> Sequence[WorkerRecord]:
        """What is in the ledger, also while a daemon has it."""
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT record FROM workers WHERE gone_at IS NULL").fetchall()
        return [loads(WorkerRecord, text) for (text,) in rows]

    def _fleet(self) -> Sequence[Row]:
        constraint = f'PartitionableSlot is true && ElasticPool == "{self.name}"'
        return self._jobs.client.machines(constraint, ["ElasticServerId", "State", "Draining"])

    def _submit(self, count: int, server_id: str = "", seconds: float = 0.7) -> Batch:
        """Submit jobs for this lane's workers, or for one of them."""
        where = f'TARGET.ElasticServerId == "{server_id}"' if server_id else f'TARGET.ElasticPool == "{self.name}"'
        name = f"{self.name}-{time.monotonic_ns()}"
        self.batches.append(self._jobs.sleep(name, count, seconds, requirements=where))
        return self.batches[-1]

    def _daemon(self, workers: int, *, kill_at: str = "", hold_at: str = "") -> Mortal:
        folder = self._pool.folder
        settings = self._root / "elastic.toml"
        mine: Mapping[str, object] = {
            "pool": self.name,
            "folder": str(self._root),
            "api": {"port": 0},
            "groups": [{**self.group, "policy_parameters": {"workers": workers}}],
            "htcondor": {"machine_update_seconds": 1.0},
        }
        every = merged(merged(pool_settings(folder), FAST), mine)
        # What the local cloud wants to be told, no other does.
        own = self.settings()
        tree = merged({**every, "cloud": own["cloud"]} if "cloud" in own else every, own)
        settings.write_text(to_toml(tree), encoding="utf-8")
        tape = Tape(self._root / "tape", kill_at, hold_at)
        self._mortals.append(Mortal(settings, self._log, tape, folder.environment(), self.within()))
        return self._mortals[-1]

    @property
    def _log(self) -> Path:
        return self._root / "daemon.log"

    @contextmanager
    def _opened(self) -> Iterator[SqlLedger]:
        with closing(SqlLedger.open(self.ledger, pool=self.name)) as ledger:
            yield ledger


def _at_rest(record: WorkerRecord) -> WorkerRecord:
    """The record as it is while nothing is going on with a worker that has joined."""
    return replace(
        record,
        joined_at=record.joined_at or 0.0,
        drain=None,
        wish=None,
        fence_asked_at=None,
        delete_asked_at=None,
        missing_since=None,
        failed_at=None,
        vanished_at=None,
    )
