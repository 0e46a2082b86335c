"""Job shapes that wait beside free room for cycle after cycle: no demand of that group until something changes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from elastic.core.memory import Futile, GroupMemory
from elastic.core.model import SiteSpec
from elastic.core.observation import JobShape

Condemned = Mapping[str, frozenset[str]]
"""By shape, the groups on which it has been found not to start."""


def condemned(shapes: Mapping[str, JobShape], groups: Mapping[str, GroupMemory], now: float) -> Condemned:
    """What is no demand of which group now; a change of the shape's queue ends it at once."""
    found: dict[str, set[str]] = {}
    for name, known in groups.items():
        for shape_id, before in known.futile.items():
            shape = shapes.get(shape_id)
            if before.until is not None and now < before.until and shape is not None and _unchanged(before, shape):
                found.setdefault(shape_id, set()).add(name)
    return {shape_id: frozenset(names) for shape_id, names in found.items()}


def watch(
    known: GroupMemory,
    shapes: Mapping[str, JobShape],
    with_room: AbstractSet[str],
    new_cycles: int,
    site: SiteSpec,
    now: float,
) -> GroupMemory:
    """The group's memory after this tick: every shape with room beside it is watched.

    Three cycles without a start condemn it. `with_room` are shapes for which a worker that is there had room.
    """
    kept: dict[str, Futile] = {}
    for shape_id in sorted(with_room | known.futile.keys()):
        if (shape := shapes.get(shape_id)) is None:
            continue
        has_room = shape_id in with_room
        after = _one(known.futile.get(shape_id), shape, new_cycles if has_room else 0, site, now)
        if after is not None and (has_room or after.until is not None):
            kept[shape_id] = after
    return known if kept == known.futile else replace(known, futile=kept)


def _unchanged(before: Futile, shape: JobShape) -> bool:
    now_there = (shape.idle + shape.hidden, shape.running, shape.queue_stamp)
    return (before.idle, before.running, before.queue_stamp) == now_there


def _one(before: Futile | None, shape: JobShape, new_cycles: int, site: SiteSpec, now: float) -> Futile | None:
    idle = shape.idle + shape.hidden
    fresh = Futile(cycles=0, idle=idle, running=shape.running, queue_stamp=shape.queue_stamp)
    if before is None or not _unchanged(before, shape):
        return fresh if idle else None
    if before.until is not None:
        return before if now < before.until else fresh
    cycles = before.cycles + new_cycles
    if cycles < site.futile_cycles:
        return replace(before, cycles=cycles)
    why = shape.last_reject_reason or "no reason given by the negotiator"
    text = f"had free room here for {cycles} negotiation cycles and did not start: {why}"
    return replace(before, cycles=cycles, until=now + site.futile_seconds, reason=text)
