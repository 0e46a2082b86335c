"""Job shapes that wait beside free room for cycle after cycle: no demand of that group until something changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from elastic.core.memory import Futile, GroupMemory
from elastic.core.model import SiteSpec
from elastic.core.observation import JobShape


def futile_groups(shape: str, groups: Mapping[str, GroupMemory], now: float) -> frozenset[str]:
    """The groups on which this shape has been found not to start."""
    return frozenset(
        name
        for name, known in groups.items()
        if (watch := known.futile.get(shape)) is not None and watch.until is not None and now < watch.until
    )


def watch(
    known: GroupMemory,
    shapes: Sequence[JobShape],
    ready_room: frozenset[tuple[str, str]],
    new_cycles: int,
    site: SiteSpec,
    now: float,
) -> GroupMemory:
    """The group's memory after this tick: every shape with room beside it is watched.

    Three cycles without a start condemn it.
    """
    kept: dict[str, Futile] = {}
    for shape in shapes:
        before = known.futile.get(shape.id)
        has_room = (shape.id, known.group) in ready_room
        after = _one(before, shape, new_cycles if has_room else 0, site, now)
        if after is not None and (has_room or after.until is not None):
            kept[shape.id] = after
    return known if kept == dict(known.futile) else replace(known, futile=kept)


def _one(before: Futile | None, shape: JobShape, new_cycles: int, site: SiteSpec, now: float) -> Futile | None:
    idle = shape.idle + shape.hidden
    fresh = Futile(cycles=0, idle=idle, running=shape.running, queue_stamp=shape.queue_stamp)
    if before is None or (before.idle, before.running, before.queue_stamp) != (
        idle,
        shape.running,
        shape.queue_stamp,
    ):
        return fresh if idle else None
    if before.until is not None:
        return before if now < before.until else fresh
    cycles = before.cycles + new_cycles
    if cycles < site.futile_cycles:
        return replace(before, cycles=cycles)
    why = shape.last_reject_reason or "no reason given by the negotiator"
    text = f"had free room here for {cycles} negotiation cycles and did not start: {why}"
    return replace(before, cycles=cycles, until=now + site.futile_seconds, reason=text)
