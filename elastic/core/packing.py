"""Put idle jobs onto free room, then onto workers that do not exist yet: counts only, first fit decreasing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple

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
    for alike in _classes(wanted):
        packer.place(alike)
    return packer.result()


def _classes(wanted: Iterable[Wanted]) -> list[list[Wanted]]:
    """Shapes whose jobs take the same of the same workers, the largest first: a site has a thousand, of few sizes."""
    classes: dict[object, list[Wanted]] = {}
    for want in sorted(wanted, key=attrgetter("shape")):
        sizes = set(want.fits.values())
        same = (*sizes, frozenset(want.fits)) if len(sizes) == 1 else frozenset(want.fits.items())
        classes.setdefault((same, want.closed), []).append(want)
    return sorted(classes.values(), key=lambda alike: _largest_first(alike[0]))


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

    def may_hold(self, takes: Resources) -> bool:
        """Whether it is worth looking for room for such a job."""
        return takes[0] <= self.most_cpus and takes not in self.no_room_for

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

    def fill_new(self, offers: Resources, takes: Resources, jobs: int) -> int:
        """Put all of `jobs` on new machines, as few as hold them; return how many jobs."""
        self.no_room_for.clear()
        each = takes.times_in(offers)
        full, rest = divmod(jobs, each)
        if full:
            self._put(_left(offers, takes, each), 0, full)
        if rest:
            self._put(_left(offers, takes, rest), 0, 1)
        return jobs

    def _put(self, free: Resources, untouched: int, used: int) -> None:
        cpus = free[0]
        bucket = self._by_cpus.get(cpus)
        if bucket is None:
            bucket = self._by_cpus[cpus] = {}
            self.most_cpus = max(self.most_cpus, cpus)
        counts = bucket.get(free)
        if counts is None:
            bucket[free] = [untouched, used]
        else:
            counts[0] += untouched
            counts[1] += used
        self.used += used

    def contents(self) -> Iterable[tuple[Resources, bool, int]]:
        """Free room, whether a job was put there, how many machines."""
        for bucket in self._by_cpus.values():
            for free, (untouched, used) in bucket.items():
                yield from ((free, was_used, count) for was_used, count in ((False, untouched), (True, used)) if count)

    def _fill(self, free: Resources, takes: Resources, jobs: int) -> int:
        """Fill machines with this much free: those with jobs before untouched ones, the last one only in part."""
        bucket = self._by_cpus[free[0]]
        counts = bucket[free]
        machines = counts[0] + counts[1]
        each = takes.times_in(free)
        full, rest = divmod(jobs, each)
        if full >= machines:
            full, rest = machines, 0
            del bucket[free]
            self.used -= counts[1]
        else:
            touched = full + 1 if rest else full
            used = min(counts[1], touched)
            counts[0] -= touched - used
            counts[1] -= used
            self.used -= used
            if touched == machines:
                del bucket[free]
        if not bucket:
            del self._by_cpus[free[0]]
            self.most_cpus = max(self._by_cpus, default=0)
        if full:
            self._put(_left(free, takes, each), 0, full)
        if rest:
            self._put(_left(free, takes, rest), 0, 1)
        return full * each + rest


def _left(free: Resources, takes: Resources, times: int) -> Resources:
    """What is left of `free` after taking what is known to fit."""
    cpus, memory_mb, disk_mb, gpus = free
    each_cpus, each_memory, each_disk, each_gpus = takes
    return Resources(
        cpus - times * each_cpus, memory_mb - times * each_memory, disk_mb - times * each_disk, gpus - times * each_gpus
    )


class _Chunk(NamedTuple):
    """So many jobs on machines of one group and rank."""

    group: str
    rank: Rank
    jobs: int


class _Packer:
    """The shelves while they fill."""

    def __init__(self, bins: Iterable[Bin], openings: Sequence[Opening]) -> None:
        self._shelves: dict[Rank, dict[str, Shelf]] = {rank: {} for rank in Rank}
        for item in bins:
            shelves = self._shelves[item.rank]
            if item.template not in shelves:
                shelves[item.template] = Shelf(item.group)
            untouched, used = (0, item.count) if item.used else (item.count, 0)
            shelves[item.template].add(item.free, untouched, used)
        for rank, shelves in self._shelves.items():
            self._shelves[rank] = dict(sorted(shelves.items()))
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

    def place(self, alike: Sequence[Wanted]) -> None:
        """The jobs of shapes that take the same: put together, and then shared out in the order of the shapes."""
        want = alike[0]
        jobs = sum([one.jobs for one in alike])
        chunks = self._onto_existing(want, jobs)
        jobs -= sum([chunk.jobs for chunk in chunks])
        for index, opening in enumerate(self._openings):
            if not jobs:
                break
            if self._room[index] != 0 and opening.group not in want.closed and opening.template in want.fits:
                put = self._onto_new(want.fits[opening.template], jobs, index)
                chunks.append(_Chunk(opening.group, Rank.NEW, put))
                jobs -= put
        self._share(alike, chunks)

    def result(self) -> Packed:
        return Packed(
            placed=self._placed,
            unmet=self._unmet,
            left=self._left,
            ready_room=frozenset(self._ready),
            shelves={(rank, key): shelf for rank in Rank for key, shelf in self._shelves[rank].items()},
        )

    def _onto_existing(self, want: Wanted, jobs: int) -> list[_Chunk]:
        """Which machines took how many of so many jobs, in the order in which they were asked."""
        chunks: list[_Chunk] = []
        least_cpus = min([takes[0] for takes in want.fits.values()], default=0)
        for rank, shelves in self._shelves.items():
            if least_cpus > self._most_cpus[rank]:
                continue
            for template, shelf in shelves.items():
                takes = want.fits.get(template)
                if takes is None or not shelf.may_hold(takes) or shelf.group in want.closed:
                    continue
                put = shelf.take(takes, jobs)
                chunks.append(_Chunk(shelf.group, rank, put))
                jobs -= put
                if shelf.most_cpus < self._most_cpus[rank]:
                    self._most_cpus[rank] = max([other.most_cpus for other in shelves.values()])
                if not jobs:
                    return chunks
        return chunks

    def _share(self, alike: Sequence[Wanted], chunks: Iterable[_Chunk]) -> None:
        """Write down whose jobs went where: the first shape's to where the first went."""
        shares = iter(chunks)
        chunk = next(shares, None)
        taken = 0
        for want in alike:
            jobs = want.jobs
            while jobs and chunk is not None:
                put = min(jobs, chunk.jobs - taken)
                self._note(want.shape, chunk, put)
                jobs, taken = jobs - put, taken + put
                if taken == chunk.jobs:
                    chunk, taken = next(shares, None), 0
            if jobs:
                self._left[want.shape] = jobs

    def _note(self, shape: str, chunk: _Chunk, jobs: int) -> None:
        if not jobs:
            return
        counts = self._unmet if chunk.rank is Rank.NEW else self._placed
        key = (shape, chunk.group)
        counts[key] = counts.get(key, 0) + jobs
        if chunk.rank in (Rank.BUSY, Rank.IDLE):
            self._ready.add(key)

    def _onto_new(self, takes: Resources, jobs: int, index: int) -> int:
        """How many jobs the new workers of this opening take."""
        opening = self._openings[index]
        each = takes.times_in(opening.offers)
        if not each:
            return 0
        wish = -(-jobs // each)
        room = self._room[index]
        count = wish if room is None else min(wish, room)
        self._room[index] = None if room is None else room - count
        shelf = self._new_shelf(opening)
        put = shelf.fill_new(opening.offers, takes, min(jobs, count * each))
        self._most_cpus[Rank.NEW] = max(self._most_cpus[Rank.NEW], shelf.most_cpus)
        return put

    def _new_shelf(self, opening: Opening) -> Shelf:
        """The new workers of this opening; shelves stay in the order of their templates."""
        shelves = self._shelves[Rank.NEW]
        if opening.template not in shelves:
            shelves[opening.template] = Shelf(opening.group)
            self._shelves[Rank.NEW] = dict(sorted(shelves.items()))
        return shelves[opening.template]
