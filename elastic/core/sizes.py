"""Groups whose size the cloud itself keeps: what somebody else made of one, and how that is taken over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from elastic.core.lifecycle import CAPACITY, Phase
from elastic.core.memory import Event, GroupMemory, Memory, SizeSeen
from elastic.core.model import GroupSpec, SiteSpec, Worker
from elastic.core.observation import GroupSize, Server, Servers, SourceReading
from elastic.core.override import Override, OverrideKind

AUTHOR = "outside"
"""Who imposes a size that was changed in the cloud and not by us."""

Sizes = SourceReading[Mapping[str, GroupSize]] | None
"""What the port says; None of a cloud that keeps no sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the cloud's own group means for the workers of ours.

    `changing` says why its number of workers must stay as it is now. `newcomers` are members that nobody has asked us
    for. `left` counts workers that others have taken out of it and that are not certain to be gone yet.
    """

    changing: str = ""
    newcomers: tuple[str, ...] = ()
    left: int = 0


NOTHING_SAID = Standing()


def adopted(
    sizes: Sizes, memory: Memory, known: Mapping[str, GroupMemory], site: SiteSpec, now: float
) -> tuple[dict[str, GroupMemory], tuple[Override, ...]]:
    """What is remembered of each group's size from now on, and a pin for each size that others have changed."""
    after, pins = dict(known), list[Override]()
    told = {} if sizes is None or sizes.error else sizes.value or {}
    for name, size in sorted(told.items()):
        if name not in known or size.desired is None:
            continue
        last = known[name].size
        if (before := _before(size, last)) not in (None, size.desired):
            why = f"its size in the cloud was changed from {before} to {size.desired}"
            pins.append(_pin(name, size.desired, why, memory.tick + 1, site, now))
        seen = SizeSeen(desired=size.desired, stamp=size.stamp)
        if seen != last:
            after[name] = replace(known[name], size=seen)
    return after, tuple(pins)


def adoption_events(pins: Iterable[Override], now: float) -> Iterable[Event]:
    """One for each pin."""
    for pin in pins:
        text = f"{pin.reason}; kept there for {pin.expires_at - now:.0f} s"
        yield Event(at=now, kind="outside", text=text, group=pin.group)


def standing(
    spec: GroupSpec, sizes: Sizes, servers: Servers | None, workers: Sequence[Worker], orphans: Iterable[Server]
) -> Standing:
    """How the cloud's group stands to our workers; nothing where the cloud keeps no such group."""
    size = (sizes.value or {}).get(spec.name) if sizes is not None else None
    if sizes is None or size is None:
        return NOTHING_SAID
    alike = (s.id for s in orphans if s.group == spec.name and s.worker is None)
    newcomers = tuple(sorted(size.members.intersection(alike)))
    changing = size.changing
    if sizes.error:
        changing = f"its size cannot be read: {sizes.error}"
    elif newcomers and not changing:
        changing = f"{len(newcomers)} members that were added from outside are taken over first"
    # One that Nova still lists is no loss: Heat may never have heard of it.
    there = size.members.union(("",), (s.id for s in servers.servers) if servers is not None else ())
    left = sum(1 for w in workers if (w.record.server_id or "") not in there and _counts(w, spec))
    return Standing(changing=changing, newcomers=newcomers, left=left)


def _before(size: GroupSize, last: SizeSeen | None) -> int | None:
    """What its size was before others could change it: what we wrote, or what we saw since; None = not known."""
    if last is not None and last.stamp == size.stamp:
        return last.desired
    return size.written


def _pin(group: str, workers: int, reason: str, tick: int, site: SiteSpec, now: float) -> Override:
    return Override(
        id=f"{AUTHOR}-{group}-{tick}",
        group=group,
        kind=OverrideKind.PIN,
        workers=workers,
        author=AUTHOR,
        reason=reason,
        created_at=now,
        expires_at=now + site.outside_override_seconds,
    )


def _counts(worker: Worker, spec: GroupSpec) -> bool:
    """Whether it is one of those that a target is compared with."""
    if worker.record.quarantine:
        return False
    lost = worker.phase is Phase.LOST and worker.record.drain is None
    return worker.phase in CAPACITY or (lost and worker.seconds_in_phase < spec.lost_counted_seconds)
