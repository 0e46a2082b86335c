"""Idle jobs onto free room, then onto workers that do not exist yet."""

from elastic.core.packing import Bin, Opening, Packed, Rank, Wanted, pack
from elastic.core.resources import Resources

FOUR = Resources(4, 4000, 4000, 0)
ONE = Resources(1, 1000, 1000, 0)
TWO = Resources(2, 1000, 1000, 0)


def bin_of(rank: Rank, free: Resources = FOUR, count: int = 1, group: str = "g") -> Bin:
    own = rank is not Rank.ELSEWHERE
    return Bin(
        template=f"group:{group}" if own else "static", group=group if own else "", rank=rank, free=free, count=count
    )


def opening(group: str = "g", room: int | None = None, offers: Resources = FOUR) -> Opening:
    return Opening(group=group, template=f"group:{group}", offers=offers, room=room)


def wanted(jobs: int, takes: Resources = ONE, shape: str = "small", groups: str = "g", closed: str = "") -> Wanted:
    fits = {"static": takes} | {f"group:{name}": takes for name in groups}
    return Wanted(shape=shape, jobs=jobs, fits=fits, closed=frozenset(closed))


def cores(cpus: int) -> Resources:
    return ONE._replace(cpus=cpus)


def where(packed: Packed) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int], dict[str, int]]:
    return dict(packed.placed), dict(packed.unmet), dict(packed.left)


def test_machines_that_are_not_ours_are_filled_first() -> None:
    packed = pack([wanted(6)], [bin_of(Rank.ELSEWHERE), bin_of(Rank.IDLE)], [opening()])
    assert where(packed) == ({("small", ""): 4, ("small", "g"): 2}, {}, {})


def test_then_busy_workers_then_idle_then_upcoming_then_new_ones() -> None:
    bins = [bin_of(Rank.UPCOMING), bin_of(Rank.IDLE), bin_of(Rank.BUSY, ONE)]
    held = [pack([wanted(jobs)], bins, [opening()]) for jobs in (1, 2, 6, 10)]
    assert [(p.held_workers("g", Rank.IDLE), p.held_workers("g", Rank.UPCOMING), p.new_workers("g")) for p in held] == [
        (0, 0, 0),
        (1, 0, 0),
        (1, 1, 0),
        (1, 1, 1),
    ]


def test_new_workers_are_whole() -> None:
    packed = pack([wanted(9)], [], [opening()])
    assert (packed.new_workers("g"), where(packed)) == (3, ({}, {("small", "g"): 9}, {}))


def test_the_first_opening_that_fits_takes_all_it_can_and_the_next_the_rest() -> None:
    packed = pack([wanted(10, groups="ab")], [], [opening("a", 2), opening("b")])
    assert where(packed) == ({}, {("small", "a"): 8, ("small", "b"): 2}, {})


def test_a_closed_group_is_passed_over_for_old_and_new_workers_alike() -> None:
    packed = pack([wanted(5, groups="ab", closed="a")], [bin_of(Rank.IDLE, group="a")], [opening("a"), opening("b")])
    assert where(packed) == ({}, {("small", "b"): 5}, {})


def test_jobs_without_a_place_are_left() -> None:
    packed = pack([wanted(10)], [], [opening(room=2)])
    assert (where(packed), packed.new_workers("g")) == (({}, {("small", "g"): 8}, {"small": 2}), 2)


def test_a_job_larger_than_a_worker_opens_none() -> None:
    packed = pack([wanted(1, Resources(8, 1, 1, 0))], [], [opening()])
    assert (where(packed), packed.new_workers("g")) == (({}, {}, {"small": 1}), 0)


def test_large_jobs_are_placed_first_and_small_ones_fill_the_gaps_of_the_same_worker() -> None:
    large = wanted(1, cores(3), "large")
    packed = pack([wanted(1), large], [], [opening()])
    assert (packed.new_workers("g"), where(packed)[1]) == (1, {("large", "g"): 1, ("small", "g"): 1})


def test_room_on_a_worker_that_is_there_is_noted_room_on_others_is_not() -> None:
    there = pack([wanted(1)], [bin_of(Rank.BUSY, ONE)], [opening()])
    coming = pack([wanted(1)], [bin_of(Rank.UPCOMING)], [opening()])
    assert (there.ready_room, coming.ready_room) == (frozenset({("small", "g")}), frozenset())


def test_a_job_that_asks_for_nothing_stops_nobody() -> None:
    packed = pack([wanted(7, Resources())], [bin_of(Rank.IDLE, ONE)], [opening()])
    assert where(packed) == ({("small", "g"): 7}, {}, {})


def test_the_order_of_wishes_and_bins_makes_no_difference() -> None:
    wishes = [wanted(3), wanted(2, TWO, "two"), wanted(4, cores(3), "large")]
    bins = [bin_of(Rank.IDLE, count=2), bin_of(Rank.BUSY, TWO), bin_of(Rank.ELSEWHERE, ONE, 3)]
    one = pack(wishes, bins, [opening()])
    other = pack(wishes[::-1], bins[::-1], [opening()])
    assert (where(one), one.bins()) == (where(other), other.bins())
