"""Put idle jobs onto free room, then onto workers that do not exist yet: counts only, first fit decreasing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from elastic.core.resources import Resources


class Rank(IntEnum):
    """Whose room is used first.

    Machines that are not ours, then our busy workers, idle ones, upcoming ones, new ones.
    """

    ELSEWHERE = 0
    BUSY = 1
    IDLE = 2
    UPCOMING = 3
    NEW = 4

    __hash__ = int.__hash__  # Enum computes it in Python, and these are keys for every worker.


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """`count` machines alike: what each has free, whose they are ("" = not ours), and whether a job was put on each."""

    template: str
    group: str
    rank: Rank
    free: Resources
    count: int
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A group that may grow.

    Its template, what a new worker offers, and by how many workers at most (None = no bound).
    """

    group: str
    template: str
    offers: Resources
    room: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`jobs` idle jobs alike; `fits` maps template ids to what one job takes there.

    `closed` are groups it must not use.
    """

    shape: str
    jobs: int
    fits: Mapping[str, Resources]
    closed: frozenset[str] = frozenset()


Kind = tuple[Rank, str]
"""Whose room, and of which template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Where the jobs went. `placed` and `unmet` are jobs by (shape, group); `left` are jobs by shape without a place.

    `ready_room` names the (shape, group) pairs for which a worker that is already there had room; `shelves` are the
    machines of each kind with what they have left.
    """

    placed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unmet: Mapping[tuple[str, str], int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    ready_room: frozenset[tuple[str, str]] = frozenset()
    shelves: Mapping[Kind, "Shelf"] = field(default_factory=dict)

    def new_workers(self, group: str) -> int:
        """How many workers that do not exist yet `group` needs for its unmet jobs."""
        return self.held_workers(group, Rank.NEW)

    def held_workers(self, group: str, *ranks: Rank) -> int:
        """How many workers of `group` and of these ranks have a job put on them."""
        return sum(shelf.used for (rank, _), shelf in self.shelves.items() if shelf.group == group and rank in ranks)

    def bins(self) -> tuple[Bin, ...]:
        """All machines with what they have left, sorted."""
        found = [
            Bin(template=template, group=shelf.group, rank=rank, free=free, count=count, used=used)
            for (rank, template), shelf in self.shelves.items()
            for free, used, count in shelf.contents()
        ]
        return tuple(sorted(found, key=lambda b: (b.rank, b.template, b.free, b.used)))


def pack(wanted: Iterable[Wanted], bins: Iterable[Bin], openings: Sequence[Opening]) -> Packed:
    """Each job onto existing room first, then onto new workers of the first opening that fits; largest jobs first."""
    packer = _Packer(bins, openings)
    for want in sorted(wanted, key=_largest_first):
        packer.place(want)
    return packer.result()


def _largest_first(want: Wanted) -> tuple[Resources, str]:
    cpus, memory_mb, disk_mb, gpus = max(want.fits.values(), default=Resources())
    return Resources(-cpus, -memory_mb, -disk_mb, -gpus), want.shape


class Shelf:
    """Machines of one kind by what they have free: how many are untouched, how many have a job put on them.

    By cpus first, so that a job does not look at those it cannot fit on: a thousand shapes meet thousands of machines.
    """

    def __init__(self, group: str) -> None:
        """Hold nothing yet; `group` is whose machines these will be."""
        self.group = group
        self.used = 0
        self.most_cpus = 0
        self._by_cpus: dict[int, dict[Resources, list[int]]] = {}
        self.no_room_for: set[Resources] = set()
        """Requests for which it is not worth looking: room only shrinks, but by `add`."""

    def add(self, free: Resources, untouched: int, used: int) -> None:
        """Put so many machines with this much free on the shelf."""
        self.no_room_for.clear()
        self._put(free, untouched, used)

    def take(self, takes: Resources, jobs: int) -> int:
        """Put as many of `jobs` as fit, on the machines with the least room for them; return how many."""
        put = 0
        need, memory_mb, disk_mb, gpus = takes
        for cpus in sorted([cpus for cpus in self._by_cpus if cpus >= need]):
            # Resources.fits_in by hand: this comparison is made some ten thousand times each tick.
            row = [f for f in self._by_cpus[cpus] if f[1] >= memory_mb and f[2] >= disk_mb and f[3] >= gpus]
            for free in sorted(row):
                put += self._fill(free, takes, jobs - put)
                if put == jobs:
                    return put
        self.no_room_for.add(takes)
        return put

    def _put(self, free: Resources, untouched: int, used: int) -> None:
        counts = self._by_cpus.setdefault(free.cpus, {}).setdefault(free, [0, 0])
        counts[0] += untouched
        counts[1] += used
        self.used += used
        self.most_cpus = max(self.most_cpus, free.cpus)

    def contents(self) -> Iterable[tuple[Resources, bool, int]]:
        """Free room, whether a job was put there, how many machines."""
        for bucket in self._by_cpus.values():
            for free, (untouched, used) in bucket.items():
                yield from ((free, was_used, count) for was_used, count in ((False, untouched), (True, used)) if count)

    def _fill(self, free: Resources, takes: Resources, jobs: int) -> int:
        """Fill machines with this much free: those with jobs before untouched ones, the last one only in part."""
        untouched, used = self._by_cpus[free.cpus][free]
        each = takes.times_in(free)
        full = min(untouched + used, jobs // each)
        rest = min(jobs - full * each, each) if full < untouched + used else 0
        touched = full + (1 if rest else 0)
        self._remove(free, touched - min(used, touched), min(used, touched))
        if full:
            self._put(_left(free, takes, each), 0, full)
        if rest:
            self._put(_left(free, takes, rest), 0, 1)
        return full * each + rest

    def _remove(self, free: Resources, untouched: int, used: int) -> None:
        bucket = self._by_cpus[free.cpus]
        counts = bucket[free]
        counts[0] -= untouched
        counts[1] -= used
        self.used -= used
        if not any(counts):
            del bucket[free]
        if not bucket:
            del self._by_cpus[free.cpus]
            self.most_cpus = max(self._by_cpus, default=0)


def _left(free: Resources, takes: Resources, times: int) -> Resources:
    """What is left of `free` after taking what is known to fit."""
    return Resources(
        free.cpus - times * takes.cpus,
        free.memory_mb - times * takes.memory_mb,
        free.disk_mb - times * takes.disk_mb,
        free.gpus - times * takes.gpus,
    )


class _Packer:
    """The shelves while they fill."""

    def __init__(self, bins: Iterable[Bin], openings: Sequence[Opening]) -> None:
        self._shelves: dict[Rank, dict[str, Shelf]] = {rank: {} for rank in Rank}
        for item in bins:
            untouched, used = (0, item.count) if item.used else (item.count, 0)
            self._shelf(item.rank, item.template, item.group).add(item.free, untouched, used)
        # No shelf of a rank has a machine with more cpus free: most shapes need not look at it.
        self._most_cpus = {
            rank: max([shelf.most_cpus for shelf in shelves.values()], default=-1)
            for rank, shelves in self._shelves.items()
        }
        self._openings = openings
        self._room = [opening.room for opening in openings]
        self._placed: dict[tuple[str, str], int] = {}
        self._unmet: dict[tuple[str, str], int] = {}
        self._left: dict[str, int] = {}
        self._ready: set[tuple[str, str]] = set()

    def place(self, want: Wanted) -> None:
        jobs = self._onto_existing(want)
        for index, opening in enumerate(self._openings):
            if not jobs:
                return
            if self._room[index] != 0 and opening.group not in want.closed and opening.template in want.fits:
                jobs -= self._onto_new(want, jobs, index)
        if jobs:
            self._left[want.shape] = jobs

    def result(self) -> Packed:
        return Packed(
            placed=self._placed,
            unmet=self._unmet,
            left=self._left,
            ready_room=frozenset(self._ready),
            shelves={(rank, key): shelf for rank in Rank for key, shelf in sorted(self._shelves[rank].items())},
        )

    def _shelf(self, rank: Rank, template: str, group: str) -> Shelf:
        return self._shelves[rank].setdefault(template, Shelf(group))

    def _onto_existing(self, want: Wanted) -> int:
        """The jobs that are left."""
        jobs = want.jobs
        fits = sorted(want.fits.items())
        least_cpus = min([takes[0] for _, takes in fits], default=0)
        for rank, shelves in self._shelves.items():
            if least_cpus > self._most_cpus[rank]:
                continue
            for template, takes in fits:
                shelf = shelves.get(template)
                if shelf is None or takes[0] > shelf.most_cpus or takes in shelf.no_room_for:
                    continue
                if shelf.group in want.closed:
                    continue
                jobs -= self._note(want.shape, shelf.group, rank, shelf.take(takes, jobs))
                if shelf.most_cpus < self._most_cpus[rank]:
                    self._most_cpus[rank] = max([other.most_cpus for other in shelves.values()])
                if not jobs:
                    return 0
        return jobs

    def _note(self, shape: str, group: str, rank: Rank, jobs: int) -> int:
        if not jobs:
            return 0
        counts = self._unmet if rank is Rank.NEW else self._placed
        key = (shape, group)
        counts[key] = counts.get(key, 0) + jobs
        if rank in (Rank.BUSY, Rank.IDLE):
            self._ready.add(key)
        return jobs

    def _onto_new(self, want: Wanted, jobs: int, index: int) -> int:
        """How many jobs the new workers of this opening take."""
        opening = self._openings[index]
        takes = want.fits[opening.template]
        if not takes.fits_in(opening.offers):
            return 0
        wish = -(-jobs // takes.times_in(opening.offers))
        room = self._room[index]
        count = wish if room is None else min(wish, room)
        self._room[index] = None if room is None else room - count
        # Nothing on the shelf has room for this job any more, so only the fresh ones can be taken.
        shelf = self._shelf(Rank.NEW, opening.template, opening.group)
        shelf.add(opening.offers, count, 0)
        self._most_cpus[Rank.NEW] = max(self._most_cpus[Rank.NEW], opening.offers.cpus)
        return self._note(want.shape, opening.group, Rank.NEW, shelf.take(takes, jobs))
