"""A daemon without its shell on a simulated world: every call of a port is on a tape, and may be where it dies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from elastic.controller import Controller, Rules
from elastic.core.actions import Action, ActionResult
from elastic.core.memory import Memory, WorkerRecord
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.policy import Policy
from elastic.core.record import Plan, TickRecord
from elastic.executor import Acts, Executor
from elastic.observer import Inline, Observer
from elastic.ports import BatchSystem, Calls, Cloud, Ledger, LedgerError
from elastic_policies.backlog import Backlog
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.draws import Constant
from elastic_simulations.grid import Grid
from elastic_simulations.ledger import MemoryLedger
from elastic_simulations.specs import GroupModel, PoolSpec

GROUP = GroupSpec(
    name="small",
    maximum=4,
    policy="backlog",
    idle_seconds=30.0,
    validation_seconds=5.0,
    scale_down_window_seconds=20.0,
    launch_seconds=30.0,
    boot_seconds=120.0,
    join_seconds=60.0,
    lost_seconds=120.0,
    job_lease_seconds=100.0,
    drain_fraction=1.0,
    delete_repeat_seconds=20.0,
)
SITE = SiteSpec(tick_seconds=10.0, machine_update_seconds=0.0, ad_lifetime_seconds=60.0)
MODEL = GroupModel(boot=Constant(20.0), join=Constant(5.0), teardown=Constant(5.0))
POOL = PoolSpec(negotiation_seconds=10.0, update_seconds=20.0, ad_lifetime_seconds=60.0, job_lease_seconds=100.0)

CHANGING = frozenset({"save", "create", "drain", "resume", "fence", "delete", "invalidate"})
LOOKING = frozenset({"inspect", "jobs_on", "lookup", "console"})


INTENTS: Mapping[str, Callable[[WorkerRecord], bool]] = {
    "create": lambda record: record.server_id is None,
    "drain": lambda record: record.drain is not None,
    "fence": lambda record: record.fence_asked_at is not None,
    "delete": lambda record: record.delete_asked_at is not None,
}
"""What the ledger must say of a worker at the moment of each call."""


class Killed(BaseException):
    """SIGKILL, as far as a test can have it: nothing between here and the test may stop it."""


class IntentMissing(BaseException):
    """A call went out that the ledger knows nothing of; no code under test may make a result of it."""


class JobKilled(BaseException):
    """A worker was to be removed under a job."""


@dataclass
class Tape:
    """The calls so far, as (method, worker or server). `kill_at` counts the moments before and after each call."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    kill_at: int | None = None

    def moment(self, name: str) -> None:
        self.moments.append(name)
        if self.kill_at is not None and len(self.moments) - 1 == self.kill_at:
            raise Killed(name)

    def of(self, *methods: str) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] in methods]


class Taped:
    """A port with its calls on a tape; `check` sees each call's name and whom it is about before it goes out."""

    def __init__(self, port: object, tape: Tape, check: Callable[[str, str], None]) -> None:
        self._port = port
        self._tape = tape
        self._check = check

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)

        def call(*args: object, **named: object) -> object:
            about = _about(args)
            self._tape.calls.append((name, about))
            self._check(name, about)
            if name not in CHANGING | LOOKING:
                return method(*args, **named)
            self._tape.moment(f"before {name}")
            answer = method(*args, **named)
            self._tape.moment(f"after {name}")
            return answer

        return call


def _about(args: tuple[object, ...]) -> str:
    match args:
        case (WorkerRecord() as worker, *_):
            return worker.name
        case (str() as name, *_):
            return name
        case (GroupSpec(), [*workers]):
            return ",".join(worker.name for worker in workers if isinstance(worker, WorkerRecord))
        case _:
            return ""


@dataclass
class GridClock:
    """The world's time, plus what a test adds to the wall clock alone."""

    grid: Grid
    wall_ahead: float = 0.0

    def now(self) -> float:
        return self.grid.now + self.wall_ahead

    def monotonic(self) -> float:
        return self.grid.now


class TickRig:
    """One pool, one cloud, one ledger, and a daemon that can be killed and started again."""

    def __init__(
        self,
        spec: GroupSpec = GROUP,
        site: SiteSpec = SITE,
        *,
        model: GroupModel = MODEL,
        policies: Mapping[str, Policy] | None = None,
        batch: type[SimulatedBatch] = SimulatedBatch,
        calls: Calls | None = None,
        seed: int = 0,
    ) -> None:
        self.spec = spec
        self.grid = Grid(pool=POOL, groups={spec.name: model}, seed=seed)
        self.ledger = MemoryLedger()
        self.clock = GridClock(self.grid)
        self.tape = Tape()
        self.rules = Rules(specs={spec.name: spec}, site=site, policies=policies or {"backlog": Backlog()})
        self.cloud = SimulatedCloud(self.grid, self.rules.specs, self.memory.ledger)
        self.records: list[TickRecord] = []
        self.batch_type, self.calls = batch, calls or Inline()
        self.kills: list[str] = []
        self.stopping = False
        self.full_disk: frozenset[int] = frozenset()
        self.failed_ticks = 0
        self.most_servers = 0
        self.next_wake = self.grid.now
        self.start()

    @property
    def memory(self) -> Memory:
        return self.ledger.memory()

    @property
    def servers(self) -> Mapping[str, str]:
        """Worker by server id, as the cloud has them."""
        return {server.id: server.name for server in self.grid.datacentre.servers.values()}

    @property
    def proofs(self) -> set[str]:
        """On which proofs deletions were begun."""
        return {event.text.split(":")[0] for event in self.ledger.events if event.kind == "deleting"}

    def start(self) -> None:
        """A new process on the same ledger and world."""
        self.batch = self.batch_type(self.grid, self.memory.ledger)
        batch, cloud = cast("BatchSystem", self._taped(self.batch)), cast("Cloud", self._taped(self.cloud))
        ledger = cast("Ledger", self._taped(self.ledger))
        observer = Observer(batch=batch, cloud=cloud, telemetry=None, clock=self.clock, calls=self.calls, deadlines={})
        self.executor: Acts = Executor(
            batch=batch, cloud=cloud, ledger=ledger, calls=self.calls, stopping=lambda: self.stopping
        )
        self.controller = Controller(
            ledger=ledger, observer=observer, executor=self.executor, clock=self.clock, rules=self.rules
        )

    def act(self, *actions: Action, sequence: int = 0) -> tuple[ActionResult, ...]:
        """Carry these out at once, with an empty tape."""
        self.tape.calls.clear()
        plan = Plan(actions=actions, sequence=sequence)
        return self.executor.execute(plan, self.memory, self.rules.specs, self.clock.now())

    def _taped(self, port: object) -> Taped:
        return Taped(port, self.tape, self._check)

    def _check(self, method: str, about: str) -> None:
        """Nothing goes out without its intent; nothing is switched off or deleted under a job that nobody gave up."""
        if method == "save" and len(self.tape.of("save")) in self.full_disk:
            self.ledger.fail_next = 1
        for worker in about.split(",") if method in INTENTS else ():
            record = self.memory.workers.get(worker)
            if record is None or not INTENTS[method](record):
                raise IntentMissing(f"{method} of {about}")
            if method in ("fence", "delete") and record.wish is None:
                running = [s.name for s in self.grid.startds.values() if s.worker == worker and s.running and s.claims]
                if running:
                    raise JobKilled(f"{method} of {about} at {self.grid.now}")

    def tick(self) -> TickRecord:
        record = self.controller.tick(self.clock.now())
        self.records.append(record)
        self.next_wake = record.plan.next_wake - self.clock.wall_ahead
        return record

    def run_for(self, seconds: float) -> None:
        """Ticks at the wakes that the plans name; a killed daemon is started again 3 s later."""
        end = self.grid.now + seconds
        while self.next_wake <= end:
            self.grid.run_to(self.next_wake)
            try:
                self.tick()
            except Killed as kill:
                self.kills.append(str(kill))
                self.tape.kill_at = None
                self.start()
                self.next_wake = self.grid.now + 3.0
            except LedgerError:
                self.failed_ticks += 1
                self.next_wake = self.grid.now + self.rules.site.tick_seconds
            self.most_servers = max(self.most_servers, len(self.servers))
        self.grid.run_to(end)

    def run_until(self, condition: Callable[[], bool], seconds: float = 3600.0) -> None:
        """Tick on until the condition holds; fail after `seconds`."""
        end = self.grid.now + seconds
        while not condition():
            assert self.grid.now < end, f"not after {seconds} s; last plan: {self.records[-1].plan}"
            self.run_for(max(1.0, self.next_wake - self.grid.now))
