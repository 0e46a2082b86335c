"""The port `Ledger` in memory: as forgetful as its process, so for simulations and tests only."""

from dataclasses import replace

from elastic.core.memory import Event, Memory, MemoryChange
from elastic.core.override import Override
from elastic.ports import LedgerError


class MemoryLedger:
    """Keeps the value. `fail_next` makes that many of the next saves raise, as a full disk does."""

    def __init__(self, ledger: str = "00000000-0000-4000-8000-000000000001", pool: str = "simulated") -> None:
        """A new ledger with this identity."""
        self.events: list[Event] = []
        self.history: list[str] = []
        self.saves = 0
        self.fail_next = 0
        self._memory = Memory(ledger=ledger, pool=pool)

    def memory(self) -> Memory:
        return self._memory

    def save(self, change: MemoryChange) -> None:
        if self.fail_next > 0:
            self.fail_next -= 1
            raise LedgerError("simulated: no space left on the ledger's disk")
        self.saves += 1
        self.events.extend(change.events)
        self.history.extend(change.forgotten)
        self._memory = changed(self._memory, change)

    def put_override(self, override: Override) -> None:
        others = [o for o in self._memory.overrides if (o.group, o.kind) != (override.group, override.kind)]
        self._memory = replace(self._memory, overrides=(*others, override))

    def end_override(self, override_id: str) -> None:
        left = tuple(o for o in self._memory.overrides if o.id != override_id)
        self._memory = replace(self._memory, overrides=left)


def changed(memory: Memory, change: MemoryChange) -> Memory:
    """The memory after one save."""
    workers = {**memory.workers, **{record.name: record for record in change.workers}}
    for name in change.forgotten:
        workers.pop(name, None)
    blind_since, blind_until = (memory.blind_since, memory.blind_until) if change.blind is None else change.blind
    return replace(
        memory,
        workers=workers,
        groups={**memory.groups, **{group.group: group for group in change.groups}},
        overrides=tuple(o for o in memory.overrides if o.id not in change.overrides_ended),
        tick=memory.tick if change.tick is None else change.tick,
        sequence=memory.sequence if change.sequence is None else change.sequence,
        last_cycle=memory.last_cycle if change.last_cycle is None else change.last_cycle,
        last_now=memory.last_now if change.last_now is None else change.last_now,
        misfits_named=memory.misfits_named if change.misfits_named is None else change.misfits_named,
        blind_since=blind_since,
        blind_until=blind_until,
    )
