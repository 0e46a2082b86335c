"""Where waiting jobs could go: free room on machines that exist or are coming, and groups that may still grow."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from elastic.core import boots
from elastic.core.demand import PREFIX, Room
from elastic.core.lifecycle import CAPACITY, UPCOMING, Phase
from elastic.core.memory import GroupMemory
from elastic.core.model import GroupSpec, Supply, Worker
from elastic.core.observation import Machine, Quota
from elastic.core.packing import Bin, Opening, Rank
from elastic.core.resources import NOTHING, Resources
from elastic.core.schedules import NOTHING_ASKED, InForce
from elastic.core.templates import template
from elastic.core.victims import resumable


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one look at each worker of a group counts; `jobs` run on its machines."""

    counts: Mapping[Phase, int] = field(default_factory=dict)
    busy: int = 0
    quarantined: int = 0
    lost_counted: int = 0
    resumable: int = 0
    jobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One group while its snapshot is being put together."""

    spec: GroupSpec
    workers: Sequence[Worker]
    known: GroupMemory
    quota: Quota
    tally: Tally
    schedule: InForce = NOTHING_ASKED

    @property
    def most(self) -> int:
        """Its maximum at this hour."""
        return self.schedule.most(self.spec.maximum)

    @property
    def existing(self) -> int:
        """Every server that still costs something."""
        return len(self.workers) - self.tally.counts.get(Phase.GONE, 0)

    @property
    def offers(self) -> Resources:
        """What a worker of the group offers when nothing runs on it."""
        return template(self.known, self.spec).resources


# Looked up once: a member of an enum costs a call of Python each time, for each worker and tick.
_READY, _LOST = Phase.READY, Phase.LOST


def tally(spec: GroupSpec, workers: Sequence[Worker], machines: Mapping[str, Machine]) -> Tally:
    """Count the workers of one group; nearly all of them serve as they did."""
    counts = Counter([w.phase for w in workers])
    restless = [w for w in workers if not w.steady]
    quarantined = [w for w in restless if w.record.quarantine]
    busy = sum([w.busy for w in workers if w.phase is _READY]) - sum([w.busy for w in quarantined if w.phase is _READY])
    # One that was leaving anyway is no capacity that might come back.
    lost = [w for w in restless if w.phase is _LOST and w.record.drain is None and not w.record.quarantine]
    held_back = counts[Phase.DRAINING] + counts[Phase.DRAINED]
    return Tally(
        counts=dict(sorted(counts.items())),
        busy=busy,
        quarantined=sum([w.phase in CAPACITY for w in quarantined]),
        lost_counted=sum([w.seconds_in_phase < spec.lost_counted_seconds for w in lost]),
        resumable=len(resumable(workers)) if held_back else 0,
        jobs=sum([machines[w.name].jobs for w in workers if w.name in machines]),
    )


def room(parts: Iterable[Part], machines: Mapping[str, Machine], others: Iterable[Machine], now: float) -> Room:
    """All free room, and the groups in the order in which they are asked: priority (high first), cost, name."""
    ordered = sorted(parts, key=lambda p: (-p.spec.priority, p.spec.cost_per_hour, p.spec.name))
    closed = {part.spec.name: why for part in ordered if (why := _closed(part, now))}
    openings = tuple(
        Opening(
            group=part.spec.name,
            template=PREFIX + part.spec.name,
            offers=part.offers,
            # Whom our own drain holds back needs no boot and no quota, and exists already.
            room=part.tally.resumable + (0 if part.spec.name in closed else _growth_room(part)),
        )
        for part in ordered
    )
    return Room(bins=(*_own_bins(ordered, machines), *_other_bins(others)), openings=openings, closed=closed)


def supply(machines: Sequence[Machine]) -> Supply:
    """The sum of machines that are not ours."""
    total, free = NOTHING, NOTHING
    for machine in machines:
        total, free = total.plus(machine.total), free.plus(machine.free)
    return Supply(machines=len(machines), total=total, free=free)


def _growth_room(part: Part) -> int:
    left = max(0, part.most - part.existing)
    return left if part.quota.workers_left is None else min(left, part.quota.workers_left)


def _closed(part: Part, now: float) -> str:
    """Why a group takes no new jobs now; the next fitting group gets them."""
    known = part.known
    if known.backoff_until > now:
        return f"in backoff for {known.backoff_until - now:.0f} s more: {known.backoff_reason}"
    if boots.may_boot(known.breaker, now) == 0:
        return f"behind its breaker: {known.breaker.reason}"
    if part.quota.workers_left == 0:
        return f"at its quota: {part.quota.reason}"
    return part.schedule.full(part.spec.maximum) if part.existing >= part.most else ""


def _own_bins(parts: Iterable[Part], machines: Mapping[str, Machine]) -> list[Bin]:
    return [
        Bin(template=PREFIX + part.spec.name, group=part.spec.name, rank=rank, free=free, count=count)
        for part in parts
        for rank, counts in _free_room(part, machines).items()
        for free, count in sorted(counts.items())
    ]


def _free_room(part: Part, machines: Mapping[str, Machine]) -> Mapping[Rank, Counter[Resources]]:
    """How many workers of the group have how much free."""
    upcoming = sum([part.tally.counts.get(phase, 0) for phase in UPCOMING])
    ready = [w for w in part.workers if w.steady or (w.phase is _READY and _takes_jobs(w))]
    here = [(w.busy, machines[w.name]) for w in ready if w.name in machines]
    free = [(busy, machine.free) for busy, machine in here if machine.accepts_jobs]
    return {
        Rank.BUSY: Counter([room for busy, room in free if busy and room[0] > 0]),
        Rank.IDLE: Counter([room for busy, room in free if not busy and room[0] > 0]),
        Rank.UPCOMING: Counter({part.offers: upcoming} if upcoming else {}),
    }


def _takes_jobs(worker: Worker) -> bool:
    record = worker.record
    return record.wish is None and not record.quarantine and not record.is_leftover


def _other_bins(machines: Iterable[Machine]) -> list[Bin]:
    counts = Counter((m.template, m.free) for m in machines if m.free.cpus > 0 and m.drain is None and m.accepts_jobs)
    return [
        Bin(template=kind, group="", rank=Rank.ELSEWHERE, free=free, count=count)
        for (kind, free), count in sorted(counts.items())
    ]
