"""The port `Ledger` in memory: as forgetful as its process, so for simulations and tests only."""

from dataclasses import replace

from elastic.core.change import applied, overridden, with_worker
from elastic.core.memory import Event, Memory, MemoryChange, Wish
from elastic.core.override import Override
from elastic.core.uses import Excuse
from elastic.ports import LedgerError

IDENTITY = "00000000-0000-4000-8000-000000000001"


class MemoryLedger:
    """Keeps the value, and all events. `fail_next` makes that many of the next saves raise, as a full disk does."""

    def __init__(self, identity: str = IDENTITY, pool: str = "simulated") -> None:
        """A new ledger with this identity."""
        self.events: list[Event] = []
        self.forgotten: list[str] = []
        self.saves = 0
        self.fail_next = 0
        self._memory = Memory(ledger=identity, pool=pool)

    def memory(self) -> Memory:
        return self._memory

    def save(self, change: MemoryChange) -> None:
        if self.fail_next > 0:
            self.fail_next -= 1
            raise LedgerError("simulated: no space left on the ledger's disk")
        self.saves += 1
        self.events.extend(change.events)
        self.forgotten.extend(change.forgotten)
        self._memory = applied(self._memory, change, {})

    def put_override(self, override: Override) -> None:
        self._memory = overridden(self._memory, override)

    def end_override(self, override_id: str) -> None:
        left = tuple(o for o in self._memory.overrides if o.id != override_id)
        self._memory = replace(self._memory, overrides=left)

    def wish(self, worker: str, wish: Wish | None) -> None:
        """What an operator asks of one worker, or that no longer; unknown workers are no error."""
        known = self._memory.workers.get(worker)
        if known is not None:
            self._memory = with_worker(self._memory, replace(known, wish=wish))

    def excuse(self, worker: str, excuse: Excuse | None) -> None:
        """That an operator ignores its leftover process, or no longer; unknown workers are no error."""
        known = self._memory.workers.get(worker)
        if known is not None:
            self._memory = with_worker(self._memory, replace(known, excuse=excuse))
