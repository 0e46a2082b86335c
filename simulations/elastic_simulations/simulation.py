"""A scenario run by the daemon's own controller, tick by tick as the plans ask for them; no thread, no wall clock."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from math import inf

from elastic import plugins
from elastic.controller import Controller, Rules
from elastic.core.memory import MemoryChange, Wish
from elastic.core.model import Snapshot
from elastic.core.policy import Policy, Target
from elastic.core.record import TickRecord
from elastic.executor import Executor
from elastic.observer import Inline, Observer
from elastic.ports import LedgerError, PortError
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.clock import STEP_SECONDS, StepClock
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.faults import Call, Faults
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import JobEvent
from elastic_simulations.ledger import IDENTITY, MemoryLedger
from elastic_simulations.scenario import Scenario
from elastic_simulations.telemetry import SimulatedTelemetry
from elastic_simulations.timeline import MICRO

Policies = Callable[[str], Policy]

WAKING = (JobEvent.SUBMIT, JobEvent.TERMINATE, JobEvent.EVICT, JobEvent.REMOVE)
"""What of a job wakes the controller where events do; the coming and going of machines does so, too."""


class Simulation:
    """One run. What a test wants to look at stays: the grid with its log, the ledger, the records so far."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        step_seconds: float = STEP_SECONDS,
        policies: Policies | None = None,
        identity: str = IDENTITY,
    ) -> None:
        """Everything at the scenario's start; `policies` finds a policy by name (default: by entry point)."""
        self.scenario = scenario
        self.grid: Grid = scenario.build()
        self.ledger: MemoryLedger = _Ledger(self.grid, identity, scenario.pool.name)
        self.grid.ledger = identity
        self.clock = StepClock(self.grid, step_seconds)
        self.telemetry = SimulatedTelemetry(self.grid, scenario.telemetry)
        self.records: list[TickRecord] = []
        self.ticked: list[float] = []
        self.failed_ticks = 0
        self._rules = _rules(scenario, policies, self.grid)
        self._wishes = sorted(scenario.wishes, key=lambda wished: wished.at)
        self._restarts = sorted(restart.at for restart in scenario.restarts)
        for override in scenario.imposed():
            self.ledger.put_override(override)
        self.controller = self._controller()
        self._due = scenario.run.epoch
        self._down = False
        self._looked = self._happened()

    def run(self, seconds: float | None = None) -> list[TickRecord]:
        """All records of the scenario, or of its first `seconds`."""
        end = self.scenario.run.epoch + (self.scenario.run.seconds if seconds is None else seconds)
        for _ in self.ticks(end):
            pass
        return self.records

    def ticks(self, end: float) -> Iterator[TickRecord]:
        """Tick by tick up to `end` (seconds since the epoch), beginning where the last call stopped."""
        while (due := self._woken(end)) <= end:
            record = self.tick(due)
            if record is not None:
                yield record
        self.grid.run_to(end)

    def tick(self, due: float) -> TickRecord | None:
        """Let the world go on to `due`, and the controller tick there.

        None where the ledger failed: as in the daemon the next regular tick is another try.
        """
        self._intervene(due)
        self.clock.arrive(due)
        try:
            record = self.controller.tick(self.clock.now())
        except LedgerError:
            self.failed_ticks += 1
            self._due = due + self._rules.site.tick_seconds
            return None
        self.records.append(record)
        self.ticked.append(self.grid.now)
        self._due = self._next(record)
        self._looked = self._happened()
        return record

    def restart(self) -> None:
        """The daemon ends and another goes on: what was only in its memory is gone, the ledger stays."""
        self.controller = self._controller()

    def _next(self, last: TickRecord) -> float:
        """When the next tick is due; a daemon that has just been started ticks at once."""
        due = max(last.plan.next_wake, last.now + self._rules.site.min_wake_seconds) - self.grid.clock_ahead
        self._down = bool(self._restarts) and self.scenario.run.epoch + self._restarts[0] <= due
        if self._down:
            due = max(self.ticked[-1], self.scenario.run.epoch + self._restarts.pop(0))
            self.restart()
        return due

    def _woken(self, end: float) -> float:
        """When to tick: in time, or with the first event before, where events wake a daemon that is not down."""
        if not self.scenario.run.on_events or self._down or not self.records:
            return self._due
        timeline = self.grid.timeline
        while self._happened() == self._looked:
            next_us = timeline.next_us()
            at = inf if next_us is None else (timeline.epoch_us + next_us) / MICRO
            if at >= self._due or at > end:
                return self._due
            self.grid.run_to(at)
        soonest = self.ticked[-1] + self._rules.site.min_wake_seconds
        return min(self._due, max(self.grid.now, soonest))

    def _happened(self) -> tuple[int, int]:
        """So many events of jobs, and machines, until now."""
        return sum(map(self.grid.log.count, WAKING)), self.grid.collector.known

    def _intervene(self, due: float) -> None:
        passed = due - self.scenario.run.epoch
        while self._wishes and self._wishes[0].at <= passed:
            wished = self._wishes.pop(0)
            names = sorted(name for name in self.ledger.memory().workers if fnmatchcase(name, wished.worker))
            wish = Wish(kind=wished.kind, author=wished.author, reason=wished.reason, asked_at=due)
            for name in names[:1]:
                self.ledger.wish(name, wish)

    def _controller(self) -> Controller:
        identity, calls = self.ledger.memory().ledger, Inline()
        batch = SimulatedBatch(self.grid, identity)
        cloud = SimulatedCloud(self.grid, self._rules.specs, identity)
        observer = Observer(
            batch=batch, cloud=cloud, telemetry=self.telemetry, clock=self.clock, calls=calls, deadlines={}
        )
        executor = Executor(batch=batch, cloud=cloud, ledger=self.ledger, calls=calls)
        return Controller(ledger=self.ledger, observer=observer, executor=executor, clock=self.clock, rules=self._rules)


def run(scenario: Scenario) -> list[TickRecord]:
    """All records of one run of the scenario."""
    return Simulation(scenario).run()


class _Ledger(MemoryLedger):
    """Fails when the scenario says so, as a full disk does: before it has saved, or after."""

    def __init__(self, grid: Grid, identity: str, pool: str) -> None:
        super().__init__(identity=identity, pool=pool)
        self._faults = grid.faults

    def save(self, change: MemoryChange) -> None:
        self._strike(acted=False)
        super().save(change)
        self._strike(acted=True)

    def _strike(self, *, acted: bool) -> None:
        try:
            self._faults.strike(Call.LEDGER, "", acted=acted)
        except PortError as error:
            raise LedgerError(str(error)) from error


class _Failing:
    """A policy that raises when the scenario says so."""

    def __init__(self, name: str, policy: Policy, faults: Faults) -> None:
        self._name, self._policy, self._faults = name, policy, faults

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        self._faults.strike(Call.POLICY, self._name, acted=False)
        return self._policy.decide(snapshot)


def _rules(scenario: Scenario, policies: Policies | None, grid: Grid) -> Rules:
    def by_entry_point(name: str) -> Policy:
        chosen = scenario.policy
        return plugins.policy(name, chosen.parameters if name == chosen.name else {})

    find = policies or by_entry_point
    names = sorted({spec.policy for spec in scenario.groups.values()})
    known = {name: find(name) for name in names}
    if any(fault.call is Call.POLICY for fault in scenario.faults):
        known = {name: _Failing(name, policy, grid.faults) for name, policy in known.items()}
    return Rules(specs=scenario.groups, site=replace(scenario.site), policies=known)
