"""Put idle jobs onto free room, then onto workers that do not exist yet: counts only, first fit decreasing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Where the jobs went. `placed` and `unmet` are jobs by (shape, group); `left` are jobs by shape without a place.

    `ready_room` names the (shape, group) pairs for which a worker that is already there had room.
    """

    bins: tuple[Bin, ...]
    placed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unmet: Mapping[tuple[str, str], int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    ready_room: frozenset[tuple[str, str]] = frozenset()

    def new_workers(self, group: str) -> int:
        """How many workers that do not exist yet `group` needs for its unmet jobs."""
        return sum(b.count for b in self.bins if b.group == group and b.rank is Rank.NEW)

    def held_workers(self, group: str, *ranks: Rank) -> int:
        """How many workers of `group` and of these ranks have a job put on them."""
        return sum(b.count for b in self.bins if b.group == group and b.used and b.rank in ranks)


def pack(wanted: Iterable[Wanted], bins: Iterable[Bin], openings: Sequence[Opening]) -> Packed:
    """Each job onto existing room first, then onto new workers of the first opening that fits; largest jobs first."""
    packer = _Packer(bins, openings)
    for want in sorted(wanted, key=_largest_first):
        packer.place(want)
    return packer.result()


def _largest_first(want: Wanted) -> tuple[Resources, str]:
    most = max(want.fits.values(), default=Resources())
    return Resources(*(-amount for amount in most)), want.shape


class _Packer:
    """The bins while they fill; existing bins by template, so that a shape only looks where it fits."""

    def __init__(self, bins: Iterable[Bin], openings: Sequence[Opening]) -> None:
        self._bins: dict[str, list[Bin]] = {}
        for item in sorted(bins, key=lambda b: (b.rank, b.free, b.template, b.group)):
            self._bins.setdefault(item.template, []).append(item)
        self._openings = list(openings)
        self._placed: dict[tuple[str, str], int] = {}
        self._unmet: dict[tuple[str, str], int] = {}
        self._left: dict[str, int] = {}
        self._ready: set[tuple[str, str]] = set()

    def place(self, want: Wanted) -> None:
        jobs = self._onto_existing(want, want.jobs)
        for index, opening in enumerate(self._openings):
            if not jobs:
                return
            if opening.group not in want.closed and opening.template in want.fits:
                jobs = self._onto_new(want, jobs, index)
        if jobs:
            self._left[want.shape] = jobs

    def result(self) -> Packed:
        return Packed(
            bins=tuple(item for template in sorted(self._bins) for item in self._bins[template]),
            placed=self._placed,
            unmet=self._unmet,
            left=self._left,
            ready_room=frozenset(self._ready),
        )

    def _onto_existing(self, want: Wanted, jobs: int) -> int:
        for rank in Rank:
            for template in sorted(want.fits):
                if not jobs:
                    return 0
                if template in self._bins:
                    jobs = self._fill(want, jobs, template, rank)
        return jobs

    def _fill(self, want: Wanted, jobs: int, template: str, rank: Rank) -> int:
        takes = want.fits[template]
        after: list[Bin] = []
        for item in self._bins[template]:
            usable = jobs and item.rank is rank and item.group not in want.closed and takes.fits_in(item.free)
            if not usable:
                after.append(item)
                continue
            pieces, put = _split(item, takes, jobs)
            after.extend(pieces)
            jobs -= put
            self._note(want.shape, item, put)
        self._bins[template] = after
        return jobs

    def _note(self, shape: str, item: Bin, jobs: int) -> None:
        counts = self._unmet if item.rank is Rank.NEW else self._placed
        key = (shape, item.group)
        counts[key] = counts.get(key, 0) + jobs
        if item.rank in (Rank.BUSY, Rank.IDLE):
            self._ready.add(key)

    def _onto_new(self, want: Wanted, jobs: int, index: int) -> int:
        opening = self._openings[index]
        takes = want.fits[opening.template]
        if not takes.fits_in(opening.offers) or opening.room == 0:
            return jobs
        each = takes.times_in(opening.offers)
        wish = -(-jobs // each)
        count = wish if opening.room is None else min(wish, opening.room)
        if opening.room is not None:
            self._openings[index] = replace(opening, room=opening.room - count)
        fresh = Bin(template=opening.template, group=opening.group, rank=Rank.NEW, free=opening.offers, count=count)
        pieces, put = _split(fresh, takes, jobs)
        self._bins.setdefault(opening.template, []).extend(pieces)
        self._note(want.shape, fresh, put)
        return jobs - put


def _split(item: Bin, takes: Resources, jobs: int) -> tuple[list[Bin], int]:
    """The bin after as many of `jobs` as fit were put on it: full machines, one partly filled, the untouched rest."""
    each = takes.times_in(item.free)
    full = min(item.count, jobs // each)
    rest = min(jobs - full * each, each) if full < item.count else 0
    pieces: list[Bin] = []
    if full:
        pieces.append(replace(item, free=item.free.less(takes, each), count=full, used=True))
    if rest:
        pieces.append(replace(item, free=item.free.less(takes, rest), count=1, used=True))
    untouched = item.count - full - (1 if rest else 0)
    if untouched:
        pieces.append(replace(item, count=untouched))
    return pieces, full * each + rest
