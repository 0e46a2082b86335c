"""What boots teach a group: its pace, its breaker and canaries, black holes."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastic.core.boots import failing_starts, learn, may_boot
from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState, GroupMemory, WorkerRecord
from elastic.core.model import Worker
from elastic.core.observation import Attempt
from tests.core.builders import NOW, changed, joined, look, memory, record, seen, server, spec, worker

OPEN = Breaker(state=BreakerState.OPEN, failures=5, next_canary_at=NOW - 30, backoff_seconds=300, reason="x")
CANARY = replace(OPEN, state=BreakerState.CANARY, canary="c1")


def group(**changes: object) -> GroupMemory:
    return changed(GroupMemory(group="g"), changes)


def dead(name: str, **changes: object) -> Worker:
    return worker(Phase.FAILED, name, None, **changes)


def stayed(name: str, **changes: object) -> Worker:
    return worker(Phase.READY, name, 2000.0, counted=False, **changes)


def learned(
    known: GroupMemory, workers: Iterable[Worker], before: Iterable[WorkerRecord] = (), *, blind: bool = False
) -> GroupMemory:
    return learn(known, spec(), tuple(workers), {r.name: r for r in before}, NOW, blind=blind)[0]


def just_joined(count: int, took: float = 90.0) -> tuple[list[Worker], list[WorkerRecord]]:
    names = [f"w{i}" for i in range(count)]
    before = [record(name, age=took) for name in names]
    return [worker(name=n, joined_at=NOW, requested_at=NOW - took, counted=False) for n in names], before


# -- pace


def test_boots_in_flight_double_when_a_whole_batch_has_joined() -> None:
    workers, before = just_joined(10)
    after = learned(group(), workers, before)
    assert (after.boot_allowance, after.batch_joined, after.join_seconds) == (20, 0, (90.0,) * 10)


def test_a_part_of_a_batch_does_not_double_yet() -> None:
    workers, before = just_joined(9)
    after = learned(group(), workers, before)
    assert (after.boot_allowance, after.batch_joined) == (10, 9)


def test_boots_in_flight_never_exceed_their_cap() -> None:
    workers, before = just_joined(100)
    assert learned(group(boot_allowance=100), workers, before).boot_allowance == 100


def test_a_failed_boot_halves_the_boots_in_flight_down_to_one() -> None:
    assert learned(group(batch_joined=3), [dead("w1")]).boot_allowance == 5
    assert learned(group(boot_allowance=1), [dead("w1")]).boot_allowance == 1


def test_a_join_that_only_we_were_late_to_see_does_not_stretch_the_deadlines() -> None:
    workers, before = just_joined(1, took=90_000.0)
    assert learned(group(), workers, before).join_seconds == (2400.0,)


# -- the breaker


def test_four_failed_boots_in_a_row_leave_the_breaker_closed() -> None:
    after = learned(group(), [dead(f"w{i}") for i in range(4)])
    assert after.breaker == Breaker(failures=4, reason="w3: it did not join")


def test_the_fifth_failed_boot_opens_the_breaker() -> None:
    after = learned(group(breaker=Breaker(failures=4)), [dead("w1")])
    expected = Breaker(
        state=BreakerState.OPEN,
        failures=5,
        next_canary_at=NOW + 300,
        backoff_seconds=300,
        reason="w1: it did not join",
    )
    assert after.breaker == expected


def test_a_batch_that_fails_at_once_opens_the_breaker_once() -> None:
    after = learned(group(), [dead(f"w{i:02}") for i in range(12)])
    assert (after.breaker.state, after.breaker.failures) == (BreakerState.OPEN, 12)
    assert (after.breaker.next_canary_at, after.breaker.backoff_seconds) == (NOW + 300, 300)


def test_a_failed_boot_is_counted_once() -> None:
    _, counted = learn(group(), spec(), (dead("w1"),), {}, NOW)
    assert [r.counted for r in counted] == [True]
    known, again = learn(group(), spec(), (dead("w1", counted=True),), {}, NOW)
    assert (known, again) == (group(), ())


def test_a_worker_that_stayed_for_ten_minutes_ends_the_row() -> None:
    assert learned(group(breaker=Breaker(failures=4)), [stayed("w1")]).breaker == Breaker()


def test_a_worker_that_died_within_ten_minutes_of_joining_counts() -> None:
    young = dead("w1", joined_at=NOW - 4000, vanished_at=NOW - 3600, requested_at=NOW - 4100)
    old = dead("w2", joined_at=NOW - 9000, vanished_at=NOW - 3600, requested_at=NOW - 9100)
    assert learned(group(), [young]).breaker == Breaker(failures=1, reason="w1: died 400 s after joining")
    assert learned(group(), [old]).breaker == Breaker()


def test_a_worker_that_died_young_counts_as_soon_as_another_takes_its_place() -> None:
    """Counted only when its hour as lost was over, a dying image would have filled the group to its maximum by then."""
    vanished = {"joined_at": NOW - 700, "vanished_at": NOW - 400, "requested_at": NOW - 800, "counted": False}
    gone = worker(Phase.LOST, "w1", None, **vanished)._replace(seconds_in_phase=400.0)
    assert learned(group(), [gone]).breaker == Breaker(failures=1, reason="w1: died 300 s after joining")
    just = worker(Phase.LOST, "w1", None, **vanished)._replace(seconds_in_phase=299.0)
    assert learned(group(breaker=Breaker(failures=2)), [just]).breaker == Breaker(failures=2)


def test_a_server_that_we_removed_is_no_failed_boot() -> None:
    assert learned(group(), [dead("w1", delete_asked_at=NOW - 1)]).breaker == Breaker()


def test_nothing_counts_as_failed_while_we_are_blind_and_counts_once_we_see() -> None:
    late = [dead(f"w{i}") for i in range(6)]
    stale = [dead(f"w{i}", stale=True) for i in range(6)]
    assert learned(group(), late, blind=True) == group()
    assert learned(group(), stale) == group()
    assert learned(group(), late).breaker.state is BreakerState.OPEN


def test_a_collector_that_is_away_trips_no_breaker() -> None:
    late = [record(f"w{i}", age=2000, active_at=NOW - 1900) for i in range(6)]
    servers = [server(r.name) for r in late]
    young, _ = look(seen([], servers, collector_age=20.0), memory(late))
    later, _ = look(seen([], servers), memory(late))
    assert (young.groups["g"].count(Phase.FAILED), young.groups["g"].breaker.state) == (6, BreakerState.CLOSED)
    assert later.groups["g"].breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(
    ("breaker", "boots"),
    [
        (Breaker(failures=4), None),
        (replace(OPEN, next_canary_at=NOW + 1), 0),
        (replace(OPEN, next_canary_at=NOW), 1),
        (CANARY, 0),
    ],
)
def test_one_canary_at_a_time(breaker: Breaker, boots: int | None) -> None:
    assert may_boot(breaker, NOW) == boots


@pytest.mark.parametrize("phase", [Phase.REQUESTED, Phase.BOOTING, Phase.JOINING, Phase.READY])
def test_an_open_breaker_watches_the_first_worker_asked_for_since(phase: Phase) -> None:
    old = worker(phase, "a", requested_at=NOW - 31, joined_at=None, counted=False)
    new = worker(phase, "b", requested_at=NOW - 30, joined_at=None, counted=False)
    assert learned(group(breaker=OPEN), [old, new]).breaker == replace(CANARY, canary="b")


def test_a_canary_that_fails_between_two_ticks_doubles_the_backoff() -> None:
    broken = dead("c1", requested_at=NOW - 30, failure="server error")
    after = learned(group(breaker=OPEN), [broken]).breaker
    assert (after.state, after.next_canary_at, after.backoff_seconds) == (BreakerState.OPEN, NOW + 600, 600)


def test_backoff_between_canaries_ends_at_thirty_minutes() -> None:
    known = group(breaker=replace(CANARY, backoff_seconds=1200))
    assert learned(known, [dead("c1")]).breaker.backoff_seconds == 1800


def test_a_canary_that_stays_closes_the_breaker() -> None:
    assert learned(group(breaker=CANARY), [stayed("c1")]).breaker == Breaker()


def test_another_worker_that_stays_does_not_close_it() -> None:
    assert learned(group(breaker=CANARY), [stayed("w1"), worker(Phase.JOINING, "c1")]).breaker == CANARY


def test_others_that_fail_meanwhile_do_not_end_the_canarys_watch() -> None:
    after = learned(group(breaker=CANARY), [dead("w1"), worker(Phase.JOINING, "c1")]).breaker
    assert after == replace(CANARY, failures=6, reason="w1: it did not join")


def test_a_canary_that_we_removed_is_followed_by_another_at_once() -> None:
    after = learned(group(breaker=CANARY), [worker(Phase.DELETING, "c1")]).breaker
    assert (after.state, after.canary, may_boot(after, NOW)) == (BreakerState.OPEN, "", 1)


# -- black holes


def attempts(ends: str, machine_name: str = "w1.pool", clusters: int = 2) -> list[Attempt]:
    """One execution for each letter: F = failed, G = went well."""
    return [Attempt(machine=machine_name, cluster=str(i % clusters), failed=end == "F") for i, end in enumerate(ends)]


def starts(tried: Iterable[Attempt], known: WorkerRecord | None = None) -> WorkerRecord | None:
    found = failing_starts([worker(record=known or joined())], tried, {"g": spec()})
    return found[0] if found else None


def test_five_failed_starts_in_a_row_from_two_clusters_make_a_black_hole() -> None:
    found = starts(attempts("FFFFF"))
    assert found == joined(
        failed_starts=5, failed_clusters=("0", "1"), quarantine="5 starts in a row failed, from 2 clusters"
    )


def test_failed_starts_of_one_cluster_are_the_jobs_own_fault() -> None:
    found = starts(attempts("FFFFFFFFF", clusters=1))
    assert found == joined(failed_starts=9, failed_clusters=("0",))


def test_a_start_that_went_well_ends_the_row() -> None:
    assert starts(attempts("FFFFG")) is None
    found = starts(attempts("FFGF"))
    assert found == joined(failed_starts=1, failed_clusters=("1",))


def test_evictions_and_strange_machines_say_nothing() -> None:
    evicted = [replace(a, evicted=True) for a in attempts("FFFFFF")]
    assert starts(evicted) is None
    assert starts(attempts("FFFFFF", machine_name="static.pool")) is None


def test_the_row_goes_on_over_ticks() -> None:
    known = joined(failed_starts=4, failed_clusters=("9",))
    found = starts(attempts("F"), known)
    assert found is not None
    assert found.quarantine == "5 starts in a row failed, from 2 clusters"


def test_a_black_hole_counts_for_the_breaker() -> None:
    hole = worker(quarantine="bad disk", counted=False)
    assert learned(group(), [hole]).breaker == Breaker(failures=1, reason="w1: black hole: bad disk")
