"""What the queue asks of each group: shapes merged, clipped by limits, rid of the futile, packed.

Who is unserved and why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from elastic.core.futility import Condemned, condemned
from elastic.core.limits import Clipped, clip
from elastic.core.memory import GroupMemory
from elastic.core.model import Demand, GroupDemand, Unserved
from elastic.core.observation import JobShape, Negotiation, Queue, ScheddQueue
from elastic.core.packing import Bin, Opening, Packed, Rank, Wanted, pack

PREFIX = "group:"
"""Template ids of our groups start with this; all others are kinds of machines that are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer of this module: demand as a whole, by group, and the packing that futility learns from."""

    demand: Demand
    groups: Mapping[str, GroupDemand]
    shapes: Mapping[str, JobShape]
    packed: Packed
    misfits: tuple[Unserved, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where jobs could go: existing bins, groups that may grow, and why each of the others may not."""

    bins: tuple[Bin, ...]
    openings: tuple[Opening, ...]
    closed: Mapping[str, str] = field(default_factory=dict)


def asked(
    queue: Queue | None,
    negotiation: Negotiation,
    room: Room,
    groups: Mapping[str, GroupMemory],
    now: float,
) -> Asked:
    """The whole way from the schedds' queues to workers wanted, group by group."""
    shapes = merge(queue)
    by_id = {shape.id: shape for shape in shapes}
    clipped = clip(shapes, negotiation)
    futile = condemned(by_id, groups, now)
    wanted = [
        Wanted(
            shape=shape.id,
            jobs=clipped.startable[shape.id],
            fits=shape.fits,
            closed=futile.get(shape.id, frozenset()),
        )
        for shape in shapes
        if clipped.startable[shape.id] > 0
    ]
    packed = pack(wanted, room.bins, room.openings)
    unserved, misfits = _unserved(by_id, packed, clipped, groups, room, futile)
    return Asked(
        demand=_total(queue, shapes, packed, unserved),
        groups={name: _of_group(name, packed, by_id) for name in groups},
        shapes=by_id,
        packed=packed,
        misfits=misfits,
    )


def merge(queue: Queue | None) -> tuple[JobShape, ...]:
    """Shapes of all schedds, those of the same id added up, sorted by id."""
    merged: dict[str, JobShape] = {}
    for schedd in queue.schedds if queue else ():
        for shape in schedd.shapes:
            known = merged.get(shape.id)
            merged[shape.id] = shape if known is None else _add(known, shape)
    return tuple(merged[key] for key in sorted(merged))


def silent_shapes(queue: Queue | None) -> frozenset[str]:
    """Shapes of which some jobs wait at a schedd that did not answer."""
    schedds = queue.schedds if queue else ()
    return frozenset(shape.id for schedd in schedds if schedd.error for shape in schedd.shapes)


def _add(one: JobShape, other: JobShape) -> JobShape:
    waits = [w for w in (one.oldest_wait_seconds, other.oldest_wait_seconds) if w is not None]
    return replace(
        one,
        idle=one.idle + other.idle,
        running=one.running + other.running,
        hidden=one.hidden + other.hidden,
        oldest_wait_seconds=max(waits, default=None),
        queue_stamp=f"{one.queue_stamp}|{other.queue_stamp}",
        last_reject_reason=one.last_reject_reason or other.last_reject_reason,
    )


def _of_group(name: str, packed: Packed, shapes: Mapping[str, JobShape]) -> GroupDemand:
    placed = {shape: jobs for (shape, group), jobs in packed.placed.items() if group == name}
    unmet = {shape: jobs for (shape, group), jobs in packed.unmet.items() if group == name}
    waits = [shapes[shape].oldest_wait_seconds or 0.0 for shape in (*placed, *unmet)]
    return GroupDemand(
        placed_jobs=sum(placed.values()),
        held_workers=packed.held_workers(name, Rank.IDLE, Rank.UPCOMING),
        held_upcoming=packed.held_workers(name, Rank.UPCOMING),
        unmet_jobs=sum(unmet.values()),
        unmet_workers=packed.new_workers(name),
        oldest_wait_seconds=max(waits, default=0.0),
    )


def _total(queue: Queue | None, shapes: Iterable[JobShape], packed: Packed, unserved: tuple[Unserved, ...]) -> Demand:
    schedds = queue.schedds if queue else ()
    universes: dict[str, int] = {}
    for schedd in schedds:
        for name, jobs in schedd.other_universes.items():
            universes[name] = universes.get(name, 0) + jobs
    return Demand(
        idle_jobs=sum(shape.idle + shape.hidden for shape in shapes),
        running_jobs=sum(schedd.running for schedd in schedds),
        held_jobs=sum(schedd.held for schedd in schedds),
        placed_elsewhere=sum(jobs for (_, group), jobs in packed.placed.items() if not group),
        other_universes=dict(sorted(universes.items())),
        unserved=unserved,
        expected_core_seconds=_expected(schedds),
    )


def _expected(schedds: Iterable[ScheddQueue]) -> float | None:
    """The work left as all schedds together estimate it; None where one of them has no estimate."""
    left = [schedd.expected_core_seconds for schedd in schedds]
    known = [seconds for seconds in left if seconds is not None]
    return sum(known) if known and len(known) == len(left) else None


def _unserved(
    shapes: Mapping[str, JobShape],
    packed: Packed,
    clipped: Clipped,
    groups: Mapping[str, GroupMemory],
    room: Room,
    futile: Condemned,
) -> tuple[tuple[Unserved, ...], tuple[Unserved, ...]]:
    """Everybody who waits unanswered, with the reason; and of these, the shapes that fit nowhere at all."""
    found: list[Unserved] = list(clipped.unserved)
    misfits: list[Unserved] = []
    for shape_id in sorted(packed.left):
        shape = shapes[shape_id]
        jobs = packed.left[shape_id]
        if not shape.fits:
            why = "; ".join(f"{name}: {text}" for name, text in sorted(shape.misfits.items()))
            misfits.append(_one(shape, jobs, "fits nowhere", why or "no group and no machine to fit on"))
            continue
        found.append(_one(shape, jobs, *_why_left(shape, groups, room, futile.get(shape_id, frozenset()))))
    return (*found, *misfits), tuple(misfits)


def _why_left(
    shape: JobShape, groups: Mapping[str, GroupMemory], room: Room, futile: frozenset[str]
) -> tuple[str, str]:
    ours = [name.removeprefix(PREFIX) for name in sorted(shape.fits) if name.startswith(PREFIX)]
    if not ours:
        return "elsewhere only", "fits only machines that are not ours, and these are full"
    reasons = [
        f"{name}: {groups[name].futile[shape.id].reason if name in futile else room.closed.get(name, 'full')}"
        for name in ours
        if name in groups
    ]
    cause = "futile" if all(name in futile for name in ours) else "no room"
    return cause, "; ".join(reasons)


def _one(shape: JobShape, jobs: int, cause: str, reason: str) -> Unserved:
    return Unserved(shape=shape.id, jobs=jobs, cause=cause, reason=reason, example=shape.example)
