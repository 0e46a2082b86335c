"""What the queue asks of the one group, from counts alone; the same as `elastic.core.demand` says (tested)."""

from dataclasses import dataclass

from elastic.core.demand import PREFIX, Room, asked
from elastic.core.memory import GroupMemory
from elastic.core.model import Demand, GroupDemand, GroupSpec, Unserved
from elastic.core.observation import JobShape, Negotiation, Queue, ScheddQueue
from elastic.core.packing import Bin, Opening, Rank
from elastic.core.resources import Resources
from elastic_simulations.fast.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The group and its pool; `seconds` is the length of a unit."""

    spec: GroupSpec
    pool: Pool
    seconds: float

    def demand(self, memory: GroupMemory, now: float) -> tuple[Demand, GroupDemand]:
        """Of the whole queue, and of the group. Waiting jobs fit on no ready worker, or they would have started."""
        pool = self.pool
        if not pool.waiting:
            return Demand(running_jobs=pool.running), GroupDemand(running_jobs=pool.running)
        if len(pool.shapes) == 1:
            return self._one_shape(*self._room(), now)
        return self.as_the_core_says(memory, now)

    def _room(self) -> tuple[int, str]:
        """By how many workers the group may grow, those taken back included, and why by no more."""
        pool, most = self.pool, self.spec.maximum
        left = max(0, most - (pool.booting + pool.ready + len(pool.held)))
        return len(pool.held) + left, "" if left else f"at its maximum of {most}"

    def _one_shape(self, room: int, closed: str, now: float) -> tuple[Demand, GroupDemand]:
        pool = self.pool
        waiting, cores = pool.waiting, pool.shapes[0]
        each = pool.slots // cores
        placed = min(waiting, pool.booting * each)
        workers = min(-(-(waiting - placed) // each), room)
        unmet = min(waiting - placed, workers * each)
        unserved: tuple[Unserved, ...] = ()
        if left := waiting - placed - unmet:
            why = f"{self.spec.name}: {closed or 'full'}"
            unserved = (Unserved(shape=_shape(cores), jobs=left, cause="no room", reason=why),)
        held = -(-placed // each)
        group = GroupDemand(
            running_jobs=pool.running,
            placed_jobs=placed,
            held_workers=held,
            held_upcoming=held,
            unmet_jobs=unmet,
            unmet_workers=workers,
            oldest_wait_seconds=now - pool.oldest(cores) * self.seconds if placed or unmet else 0.0,
        )
        return Demand(idle_jobs=waiting, running_jobs=pool.running, unserved=unserved), group

    def as_the_core_says(self, memory: GroupMemory, now: float) -> tuple[Demand, GroupDemand]:
        """By `elastic.core.demand` itself, from shapes and room: for jobs of several shapes."""
        room, closed = self._room()
        pool, name = self.pool, self.spec.name
        template, offers = PREFIX + name, Resources(pool.slots)
        shapes = tuple(
            JobShape(
                id=_shape(cores),
                idle=jobs,
                request=Resources(cores),
                fits={template: Resources(cores)},
                oldest_wait_seconds=now - pool.oldest(cores) * self.seconds,
            )
            for cores, jobs in sorted(pool.waiting_by_cores().items())
        )
        queue = Queue(schedds=(ScheddQueue(schedd="schedd", shapes=shapes, running=pool.running),))
        booting = Bin(template=template, group=name, rank=Rank.UPCOMING, free=offers, count=pool.booting)
        where = Room(
            bins=(booting,) if pool.booting else (),
            openings=(Opening(group=name, template=template, offers=offers, room=room),),
            closed={name: closed} if closed else {},
        )
        answer = asked(queue, Negotiation(), where, {name: memory}, now)
        group = answer.groups[name]
        known = GroupDemand(
            running_jobs=pool.running,
            placed_jobs=group.placed_jobs,
            held_workers=group.held_workers,
            held_upcoming=group.held_upcoming,
            unmet_jobs=group.unmet_jobs,
            unmet_workers=group.unmet_workers,
            oldest_wait_seconds=group.oldest_wait_seconds,
        )
        return answer.demand, known


def _shape(cores: int) -> str:
    return f"{cores} cores"
