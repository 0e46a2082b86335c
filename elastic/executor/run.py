"""What all actions of one execution share: the records as they are on disk now, the only ways to save and to call."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from elastic.core.actions import Action
from elastic.core.memory import Event, Memory, MemoryChange, WorkerRecord
from elastic.core.model import GroupSpec
from elastic.executor.patience import Patience
from elastic.ports import BatchSystem, Cloud, Ledger, LedgerError

T = TypeVar("T")


class Unfit(Exception):
    """A look right before the call showed that the action must not be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What actions act on."""

    batch: BatchSystem
    cloud: Cloud
    ledger: Ledger


class Run:
    """One execution at `now`; saves are one at a time.

    After a save failed nothing more is saved and nothing more is called: `halted` says why.
    """

    def __init__(
        self, ports: Ports, patience: Patience, memory: Memory, specs: Mapping[str, GroupSpec], now: float
    ) -> None:
        """Begin with the records of this tick."""
        self.batch = ports.batch
        self.cloud = ports.cloud
        self.now = now
        self.halted = ""
        self._specs = specs
        self._records = dict(memory.workers)
        self._owners: dict[str, str] | None = None
        self._ledger = ports.ledger
        self._patience = patience
        self._lock = Lock()

    def record(self, action: Action) -> WorkerRecord:
        """The worker as it was last saved; raise Unfit when it is not in the fleet."""
        record = self._records.get(action.worker)
        if record is None:
            raise Unfit("it is not in the ledger")
        return record

    def known(self, worker: str) -> WorkerRecord | None:
        """The worker as it was last saved, if it is in the fleet."""
        return self._records.get(worker)

    def owner(self, server_id: str) -> str:
        """The worker whose server this is; empty when nobody's."""
        with self._lock:
            if self._owners is None:
                self._owners = {r.server_id: r.name for r in self._records.values() if r.server_id is not None}
            return self._owners.get(server_id, "")

    def spec(self, group: str) -> GroupSpec:
        """The group's settings; raise Unfit when it is not configured."""
        spec = self._specs.get(group)
        if spec is None:
            raise Unfit(f"its group {group} is not configured")
        return spec

    def save(
        self,
        *records: WorkerRecord,
        forgotten: Iterable[str] = (),
        events: Iterable[Event] = (),
        sequence: int | None = None,
    ) -> None:
        """Write these whole records, durably; raise LedgerError when that fails, or has failed before."""
        change = MemoryChange(workers=records, forgotten=tuple(forgotten), events=tuple(events), sequence=sequence)
        with self._lock:
            self._stop_if_halted()
            try:
                self._ledger.save(change)
            except LedgerError as error:
                self.halted = f"the ledger cannot be written: {error}"
                raise
            self._records.update({record.name: record for record in change.workers})
            if self._owners is not None:
                self._owners.update({r.server_id: r.name for r in change.workers if r.server_id is not None})
            for name in change.forgotten:
                self._records.pop(name, None)

    def ask(self, worker: str, what: str, call: Callable[[], T]) -> T:
        """The answer of a call that changes something about one worker; raise PortError."""
        self._stop_if_halted()
        return self._patience.ask((worker,), what, call)

    def ask_for_all(self, workers: Iterable[str], what: str, call: Callable[[], T]) -> T:
        """The answer of a call that changes something about several workers; raise PortError."""
        self._stop_if_halted()
        return self._patience.ask(tuple(workers), what, call)

    def look(self, worker: str, what: str, call: Callable[[], T]) -> T:
        """The answer of a call that changes nothing: one that hangs holds up the same look, no other call."""
        return self._patience.ask((f"{what} of {worker}",), what, call)

    def obstacle(self, action: Action) -> str:
        """Why this action is not begun; empty when it may be."""
        return self.halted or self._patience.obstacle(action.worker)

    def event(self, kind: str, record: WorkerRecord, text: str) -> Event:
        """Something that happened to this worker now."""
        return Event(at=self.now, kind=kind, text=text, group=record.group, worker=record.name)

    def _stop_if_halted(self) -> None:
        if self.halted:
            raise LedgerError(self.halted)
