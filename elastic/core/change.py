"""What one saved change makes of the memory; the fields that belong to the operator survive it.

Two writers meet in the ledger: the tick, which saves whole records made from a memory read earlier, and the
operator, who writes single fields at any moment. The rule that lets both win:

* `wish`, `protected_by` and `excuse` of a known worker are the operator's: what a tick's record says there is ignored.
* A reset of a group holds against every record that may have been made from an older memory. One made during
  tick N is unknown to N, and perhaps to N + 1, which may have read its memory already; N + 2 has read it.
* Everything else belongs to the tick: its record replaces the whole rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from elastic.core.memory import Breaker, GroupMemory, Memory, MemoryChange, WorkerRecord
from elastic.core.override import Override

TICKS_UNTIL_READ = 2


class Reset(StrEnum):
    """What an operator may set back for a group: its breaker, or the stop of its scale-down."""

    BREAKER = "breaker"
    SCALE_DOWN = "scale_down"


def applied(memory: Memory, change: MemoryChange, resets: Mapping[tuple[str, Reset], int]) -> Memory:
    """The memory after `change`; `resets` says by group and kind at which tick the operator reset it."""
    tick = memory.tick if change.tick is None else max(memory.tick, change.tick)
    held = {key for key, made_at in resets.items() if tick < made_at + TICKS_UNTIL_READ}
    blind = (memory.blind_since, memory.blind_until) if change.blind is None else change.blind
    return replace(
        memory,
        workers=_workers(memory, change),
        groups=_groups(memory, change, held),
        overrides=_overrides(memory, change),
        tick=tick,
        sequence=memory.sequence if change.sequence is None else max(memory.sequence, change.sequence),
        last_cycle=memory.last_cycle if change.last_cycle is None else change.last_cycle,
        blind_since=blind[0],
        blind_until=blind[1],
        last_now=memory.last_now if change.last_now is None else change.last_now,
        misfits_named=memory.misfits_named if change.misfits_named is None else change.misfits_named,
    )


def overridden(memory: Memory, override: Override) -> Memory:
    """The memory with `override`, oldest first, in the place of one with its id, or of its group and kind."""
    others = (o for o in memory.overrides if o.id != override.id)
    kept = (o for o in others if (o.group, o.kind) != (override.group, override.kind))
    ordered = sorted((*kept, override), key=lambda o: (o.created_at, o.id))
    return replace(memory, overrides=tuple(ordered))


def with_worker(memory: Memory, record: WorkerRecord) -> Memory:
    """The memory with this record in the place of the one of its name."""
    return replace(memory, workers={**memory.workers, record.name: record})


def with_group(memory: Memory, record: GroupMemory) -> Memory:
    """The memory with this group's record in the place of the one of its name."""
    return replace(memory, groups={**memory.groups, record.group: record})


def cleared(record: GroupMemory, kinds: Iterable[Reset]) -> GroupMemory:
    """The group's record with what these resets set back."""
    for kind in kinds:
        match kind:
            case Reset.BREAKER:
                record = replace(record, breaker=Breaker())
            case Reset.SCALE_DOWN:
                record = replace(record, scale_down_stopped="")
    return record


def _overrides(memory: Memory, change: MemoryChange) -> tuple[Override, ...]:
    for override in change.overrides:
        memory = overridden(memory, override)
    return tuple(o for o in memory.overrides if o.id not in change.overrides_ended)


def _workers(memory: Memory, change: MemoryChange) -> Mapping[str, WorkerRecord]:
    if not (change.workers or change.forgotten):
        return memory.workers
    workers = dict(memory.workers)
    for record in change.workers:
        known = workers.get(record.name)
        workers[record.name] = record if known is None else _operators(known, record)
    for name in change.forgotten:
        workers.pop(name, None)
    return workers


def _operators(known: WorkerRecord, record: WorkerRecord) -> WorkerRecord:
    if (known.wish, known.protected_by, known.excuse) == (record.wish, record.protected_by, record.excuse):
        return record
    return replace(record, wish=known.wish, protected_by=known.protected_by, excuse=known.excuse)


def _groups(memory: Memory, change: MemoryChange, held: Iterable[tuple[str, Reset]]) -> Mapping[str, GroupMemory]:
    if not change.groups:
        return memory.groups
    saved = {
        record.group: cleared(record, [kind for group, kind in held if group == record.group])
        for record in change.groups
    }
    return {**memory.groups, **saved}
