"""What the queue asks of each group, from counts alone; the same as `elastic.core.demand` says (tested)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from elastic.core.demand import PREFIX, Room, asked
from elastic.core.memory import GroupMemory
from elastic.core.model import Demand, GroupDemand, GroupSpec, Unserved
from elastic.core.observation import JobShape, Negotiation, Queue, ScheddQueue
from elastic.core.packing import Bin, Opening, Rank
from elastic.core.resources import Resources
from elastic.core.schedules import NOTHING_ASKED, InForce
from elastic_simulations.fast.making import quick
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.units import Scale

SCHEDD = "schedd"

_demand = quick(Demand, "idle_jobs", "running_jobs", "unserved")
_asked = quick(
    GroupDemand,
    "running_jobs", "placed_jobs", "held_workers", "held_upcoming",
    "unmet_jobs", "unmet_workers", "oldest_wait_seconds",
)  # fmt: skip

MOST_QUIETS = 10_000
"""Answers for times at which nobody waits that are kept: a few megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One group: its workers in the pool and those that leave it, and what each offers."""

    spec: GroupSpec
    pool: Pool
    records: Records
    offers: Resources
    hours: Callable[[], InForce] = lambda: NOTHING_ASKED

    @property
    def existing(self) -> int:
        """Servers that the group has, whatever they do; not those that were found gone."""
        pool = self.pool
        return pool.booting + pool.ready + len(pool.held) + self.records.deleting

    def room(self) -> tuple[int, str]:
        """By how many workers the group may grow, those taken back included, and why by no more."""
        hours, maximum = self.hours(), self.spec.maximum
        left = max(0, hours.most(maximum) - self.existing)
        return len(self.pool.held) + left, "" if left else hours.full(maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The pool whose jobs ask, and its groups in the order in which they are asked."""

    pool: Pool
    parts: tuple[Part, ...]
    scale: Scale
    _numbers: dict[int, int] = field(init=False, default_factory=dict)
    _each: int = field(init=False)
    _quiets: dict[tuple[int, ...], tuple[Demand, Mapping[str, GroupDemand]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Shapes are numbered as a schedd numbers them: as they come. Of one shape so many fit on a worker."""
        each = self.pool.request(self.pool.shapes[0]).times_in(self.parts[0].offers)
        object.__setattr__(self, "_each", each)
        self._numbers.update((shape, number) for number, shape in enumerate(self.pool.came(), 1))

    def demand(
        self, known: Callable[[], Mapping[str, GroupMemory]], now: float
    ) -> tuple[Demand, Mapping[str, GroupDemand]]:
        """Of the whole queue, and of each group. Waiting jobs fit on no ready worker, or they would have started."""
        pool = self.pool
        if not pool.waiting:
            alone = len(self.parts) == 1
            return self._quiet((pool.running,) if alone else tuple([part.pool.running for part in self.parts]))
        if len(pool.shapes) == 1 and len(self.parts) == 1:
            return self._one_shape(self.parts[0])
        return self.as_the_core_says(known(), now)

    def _quiet(self, running: tuple[int, ...]) -> tuple[Demand, Mapping[str, GroupDemand]]:
        """Nobody waits: a value that is kept, for jobs run in few numbers and through many ticks."""
        found = self._quiets.get(running)
        if found is None:
            if len(self._quiets) >= MOST_QUIETS:
                self._quiets.clear()
            jobs = zip(self.parts, running, strict=True)
            groups = {part.spec.name: _asked(count) for part, count in jobs}
            found = self._quiets[running] = _demand(0, sum(running)), groups
        return found

    def _one_shape(self, part: Part) -> tuple[Demand, Mapping[str, GroupDemand]]:
        pool, shape, name = self.pool, self.pool.shapes[0], part.spec.name
        room, closed = part.room()
        waiting = pool.waiting
        each = self._each
        placed = min(waiting, part.pool.booting * each)
        workers = min(-(-(waiting - placed) // each), room)
        unmet = min(waiting - placed, workers * each)
        head = pool.head(shape)
        unserved: tuple[Unserved, ...] = ()
        if left := waiting - placed - unmet:
            why = f"{name}: {closed or 'full'}"
            example = _job(head)
            unserved = (Unserved(shape=_name(1), jobs=left, cause="no room", reason=why, example=example),)
        held = -(-placed // each)
        running, waited = pool.running, self._waited(head) if placed or unmet else 0.0
        group = _asked(running, placed, held, held, unmet, workers, waited)
        return _demand(waiting, running, unserved), {name: group}

    def as_the_core_says(
        self, known: Mapping[str, GroupMemory], now: float
    ) -> tuple[Demand, Mapping[str, GroupDemand]]:
        """By `elastic.core.demand` itself, from shapes and room: for jobs of several shapes, and several groups."""
        shapes = tuple(self._shape(shape, jobs) for shape, jobs in self.pool.waiting_by_shape().items())
        queue = Queue(schedds=(ScheddQueue(schedd=SCHEDD, shapes=shapes, running=self.pool.running),))
        answer = asked(queue, Negotiation(), self._room(), known, now)
        groups = {
            part.spec.name: replace(answer.groups[part.spec.name], running_jobs=part.pool.running)
            for part in self.parts
        }
        return answer.demand, groups

    def _shape(self, shape: int, jobs: int) -> JobShape:
        head, request = self.pool.head(shape), self.pool.request(shape)
        return JobShape(
            id=_name(self._numbers[shape]),
            idle=jobs,
            request=request,
            fits={PREFIX + part.spec.name: request for part in self.parts if request.fits_in(part.offers)},
            oldest_wait_seconds=self._waited(head),
            example=_job(head),
        )

    def _room(self) -> Room:
        bins: list[Bin] = []
        openings: list[Opening] = []
        closed: dict[str, str] = {}
        for part in self.parts:
            name, booting = part.spec.name, part.pool.booting
            room, why = part.room()
            template = PREFIX + name
            openings.append(Opening(group=name, template=template, offers=part.offers, room=room))
            if why:
                closed[name] = why
            if booting:
                bins.append(Bin(template=template, group=name, rank=Rank.UPCOMING, free=part.offers, count=booting))
        return Room(bins=tuple(bins), openings=tuple(openings), closed=closed)

    def _waited(self, job: int) -> float:
        return self.scale.span(self.pool.now - self.pool.submit[job])


def _name(number: int) -> str:
    """A shape as the simulated schedd calls it."""
    return f"{SCHEDD}/{number}"


def _job(place: int) -> str:
    """A job as the simulated schedd calls it: each is a cluster of its own."""
    return f"{place + 1}.0"
