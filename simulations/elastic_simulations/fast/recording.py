"""A tick of the fast engine as the daemon would record it, for whoever reads records."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from elastic.core.actions import ActionResult, Outcome
from elastic.core.fleet import Fleet
from elastic.core.memory import Event, Memory, WorkerRecord
from elastic.core.model import Snapshot, Worker
from elastic.core.news import worker_events
from elastic.core.policy import Target
from elastic.core.record import Plan, TickRecord
from elastic_simulations.fast.view import View

Recorded = Callable[[TickRecord], None]


class Recorder:
    """Makes the record of each decision, all of whose actions succeed, and hands it on."""

    def __init__(self, view: View, on_tick: Recorded) -> None:
        """Nobody is there yet."""
        self._view, self._on_tick = view, on_tick
        self._before: dict[str, WorkerRecord] = {}

    def record(
        self, snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target], planned: Plan
    ) -> None:
        """Before the actions are carried out: the workers are made now, because the pool moves on."""
        groups = {name: replace(group, workers=tuple(group.workers)) for name, group in snapshot.groups.items()}
        record = TickRecord(
            tick=snapshot.tick,
            now=snapshot.now,
            snapshot=replace(snapshot, groups=groups),
            proposal=proposal,
            targets=targets,
            plan=planned,
            results=tuple(ActionResult(action=action, outcome=Outcome.DONE) for action in planned.actions),
            events=self._events(snapshot.now, [worker for group in groups.values() for worker in group.workers]),
        )
        self._on_tick(record)

    def acted(self) -> None:
        """After the actions: what is remembered now is what the next tick compares with."""
        self._before = {record.name: record for record in self._view.everybody()}

    def _events(self, now: float, workers: list[Worker]) -> tuple[Event, ...]:
        """What of each worker is otherwise than after the last tick, in the daemon's words."""
        ordered = sorted(workers, key=lambda worker: worker.name)
        news = {w.name: w.record for w in ordered if w.record != self._before[w.name]}
        fleet = Fleet(workers=tuple(ordered), machines={}, others=(), records=news)
        return tuple(worker_events(fleet, Memory(ledger="", pool="", workers=self._before), now))
