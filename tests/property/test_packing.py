"""Packing loses no job and fills no machine beyond what it has."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from elastic.core.packing import Bin, Opening, Packed, Rank, Wanted, pack
from elastic.core.resources import NOTHING, Resources

Problem = tuple[list[Wanted], list[Bin], list[Opening]]

Pair = tuple[str, str]

SIZES = st.builds(Resources, st.integers(0, 8), st.integers(0, 8), st.integers(0, 3), st.integers(0, 2))
GROUPS = ("a", "b", "c")
TEMPLATES = {"static": "", **{f"group:{name}": name for name in GROUPS}}


@st.composite
def bins(draw: st.DrawFn) -> Bin:
    template = draw(st.sampled_from(sorted(TEMPLATES)))
    own = (Rank.BUSY, Rank.IDLE, Rank.UPCOMING)
    rank = draw(st.sampled_from(own)) if TEMPLATES[template] else Rank.ELSEWHERE
    return Bin(template=template, group=TEMPLATES[template], rank=rank, free=draw(SIZES), count=draw(st.integers(1, 4)))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    wanted = [
        Wanted(
            shape=f"shape-{i}",
            jobs=draw(st.integers(1, 40)),
            fits=draw(st.dictionaries(st.sampled_from(sorted(TEMPLATES)), SIZES)),
            closed=draw(st.frozensets(st.sampled_from(GROUPS), max_size=1)),
        )
        for i in range(draw(st.integers(0, 6)))
    ]
    openings = [
        Opening(group=name, template=f"group:{name}", offers=draw(SIZES), room=draw(st.sampled_from([None, 0, 1, 3])))
        for name in draw(st.permutations(GROUPS))
    ]
    return wanted, draw(st.lists(bins(), max_size=8)), openings


def total(free: list[tuple[Resources, int]]) -> Resources:
    found = NOTHING
    for each, count in free:
        found = found.plus(Resources(*(count * amount for amount in each)))
    return found


@given(problems())
def test_every_job_is_placed_or_unmet_or_left(problem: Problem) -> None:
    wanted, there, openings = problem
    packed = pack(wanted, there, openings)
    found: Counter[str] = Counter(packed.left)
    for counts in (packed.placed, packed.unmet):
        for (shape, _), jobs in counts.items():
            found[shape] += jobs
    assert found == Counter({want.shape: want.jobs for want in wanted})


@given(problems())
def test_no_machine_gives_more_than_it_has(problem: Problem) -> None:
    wanted, there, openings = problem
    packed = pack(wanted, there, openings)
    offers = {opening.template: opening.offers for opening in openings}
    sizes = {want.shape: want.fits for want in wanted}
    for template, group in TEMPLATES.items():
        had = [(b.free, b.count) for b in there if b.template == template]
        had.append((offers.get(template, NOTHING), packed.new_workers(group) if group else 0))
        left = [(b.free, b.count) for b in packed.bins() if b.template == template]
        jobs = [*packed.placed.items(), *packed.unmet.items()]
        taken = [(sizes[shape][template], count) for (shape, owner), count in jobs if owner == group]
        assert total(had) == total(left).plus(total(taken))
        assert sum(count for _, count in had) == sum(count for _, count in left)


@given(problems())
def test_groups_are_not_asked_beyond_their_room_nor_against_a_closure(
    problem: Problem,
) -> None:
    wanted, there, openings = problem
    packed = pack(wanted, there, openings)
    for opening in openings:
        assert opening.room is None or packed.new_workers(opening.group) <= opening.room
    closed = {(want.shape, group) for want in wanted for group in want.closed}
    assert not closed & {*packed.placed, *packed.unmet}


@given(problems())
def test_a_job_is_left_only_where_nothing_that_is_there_has_room(
    problem: Problem,
) -> None:
    wanted, there, openings = problem
    packed = pack(wanted, there, openings)
    for want in wanted:
        if want.shape not in packed.left:
            continue
        for item in packed.bins():
            takes = want.fits.get(item.template)
            assert takes is None or item.group in want.closed or not takes.fits_in(item.free)


@given(problems())
def test_the_order_of_wishes_and_machines_makes_no_difference(
    problem: Problem,
) -> None:
    wanted, there, openings = problem

    def told(packed: Packed) -> object:
        return packed.placed, packed.unmet, packed.left, packed.ready_room, packed.bins()

    assert told(pack(wanted, there, openings)) == told(pack(wanted[::-1], there[::-1], openings))


@given(problems(), st.lists(st.integers(1, 40), min_size=2, max_size=4))
def test_jobs_alike_are_packed_as_if_they_came_one_shape_after_the_other(problem: Problem, jobs: list[int]) -> None:
    wanted, there, openings = problem
    kind = wanted[0] if wanted else Wanted(shape="", jobs=1, fits={"group:a": Resources(1, 1, 0, 0)})
    alike = [replace(kind, shape=f"shape-{number}", jobs=count) for number, count in enumerate(jobs)]
    together = pack(alike, there, openings)
    placed, unmet, left, ready = dict[Pair, int](), dict[Pair, int](), dict[str, int](), frozenset[Pair]()
    for want in alike:
        alone = pack([want], there, openings)
        made = {o.group: alone.new_workers(o.group) - sum(b.count for b in there if is_new(b, o)) for o in openings}
        openings = [replace(o, room=None if o.room is None else o.room - made[o.group]) for o in openings]
        there = list(alone.bins())
        placed.update(alone.placed)
        unmet.update(alone.unmet)
        left.update(alone.left)
        ready |= alone.ready_room
    assert (placed, unmet, left, ready) == (together.placed, together.unmet, together.left, together.ready_room)
    assert tuple(there) == together.bins()


def is_new(item: Bin, opening: Opening) -> bool:
    return item.rank is Rank.NEW and item.group == opening.group
