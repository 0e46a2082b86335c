"""From the schedds' queues to the workers wanted of each group."""

from dataclasses import replace

import pytest

from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState, Futile, GroupMemory, Memory
from elastic.core.model import Demand, GroupDemand, GroupSpec, Snapshot, Unserved
from elastic.core.observation import Answers, Attempt, JobShape, Negotiation, Observations, Queue, Quota, ScheddQueue
from elastic.core.resources import NOTHING, Resources
from tests.core.builders import (
    BIG,
    JOB,
    NOW,
    SITE,
    changed,
    drain,
    drained,
    joined,
    look,
    machine,
    memory,
    queue,
    record,
    seen,
    server,
    shape,
    spec,
    static,
)

EMPTY = memory()


def demand(observations: Observations, known: Memory = EMPTY, *specs: GroupSpec) -> GroupDemand:
    return look(observations, known, *specs)[0].groups["g"].demand


def for_groups(*names: str, idle: int = 4) -> JobShape:
    return shape(idle=idle, fits={f"group:{name}": JOB for name in names})


def unmet(snapshot: Snapshot) -> dict[str, int]:
    return {name: group.demand.unmet_jobs for name, group in snapshot.groups.items() if group.demand.unmet_jobs}


# -- whole workers for whole jobs


def test_with_no_worker_at_all_every_job_is_unmet() -> None:
    assert demand(seen(jobs=queue(shape(idle=9, oldest_wait_seconds=70)))) == GroupDemand(
        unmet_jobs=9, unmet_workers=3, oldest_wait_seconds=70
    )


def test_static_machines_take_jobs_before_any_worker_is_asked_for() -> None:
    snapshot, _ = look(seen([static(), static("b", JOB)], jobs=queue(shape(idle=6))), EMPTY)
    assert snapshot.groups["g"].demand == GroupDemand(unmet_jobs=1, unmet_workers=1)
    assert snapshot.demand == Demand(idle_jobs=6, placed_elsewhere=5)
    assert (snapshot.others.machines, snapshot.others.free) == (2, Resources(5, 5000, 50_000, 0))


def test_free_room_of_busy_idle_and_upcoming_workers_is_used_before_new_ones() -> None:
    machines = [machine("a", None), machine("b")]
    servers = [server("a"), server("b"), server("c")]
    known = memory([joined("a"), joined("b"), record("c", age=60)])
    assert demand(seen(machines, servers, queue(shape(idle=12))), known) == GroupDemand(
        running_jobs=1, placed_jobs=11, held_workers=2, held_upcoming=1, unmet_jobs=1, unmet_workers=1
    )


@pytest.mark.parametrize(
    "useless",
    [
        {"accepts_jobs": False},
        {"free": NOTHING},
    ],
)
def test_a_worker_that_takes_no_jobs_offers_no_room(useless: dict[str, object]) -> None:
    now = seen([changed(machine(), useless)], [server()], queue(shape(idle=1)))
    assert demand(now, memory([joined()])) == GroupDemand(unmet_jobs=1, unmet_workers=1)


def test_a_black_hole_and_a_worker_that_is_to_leave_offer_no_room() -> None:
    now = seen([machine()], [server()], queue(shape(idle=1)))
    assert demand(now, memory([joined(quarantine="bad disk")])).unmet_workers == 1


def test_what_becomes_a_black_hole_at_this_tick_is_one_at_this_tick() -> None:
    failed = [Attempt(machine="w1.pool", cluster=str(number % 2), failed=True) for number in range(5)]
    now = seen([machine()], [server()], queue(shape(idle=1)), attempts=failed)
    snapshot, _ = look(now, memory([joined(counted=True, busy_seen=True)]))
    found = snapshot.groups["g"]
    assert (found.quarantined, found.demand.unmet_workers, found.workers[0].steady) == (1, 1, False)
    calm, _ = look(replace(now, attempts=()), memory([joined(counted=True, busy_seen=True)]))
    assert (calm.groups["g"].quarantined, calm.groups["g"].workers[0].steady) == (0, True)


def test_the_queues_of_all_schedds_add_up() -> None:
    one = ScheddQueue(schedd="a", shapes=(shape(idle=2, oldest_wait_seconds=9),), held=1, running=3)
    two = ScheddQueue(schedd="b", shapes=(shape(idle=3, hidden=4),), other_universes={"scheduler": 5}, running=1)
    snapshot, _ = look(seen(jobs=Queue(schedds=(one, two))), EMPTY)
    assert snapshot.demand == Demand(idle_jobs=9, running_jobs=4, held_jobs=1, other_universes={"scheduler": 5})
    assert snapshot.groups["g"].demand == GroupDemand(unmet_jobs=9, unmet_workers=3, oldest_wait_seconds=9)


def test_jobs_that_a_factory_has_not_made_yet_grow_the_group_in_one_jump() -> None:
    assert demand(seen(jobs=queue(shape(idle=5, hidden=95))), EMPTY, spec(maximum=99)).unmet_workers == 25


def test_jobs_of_other_universes_are_shown_and_not_answered() -> None:
    snapshot, _ = look(seen(jobs=queue(other_universes={"scheduler": 5})), EMPTY)
    assert (snapshot.demand.other_universes, snapshot.groups["g"].demand) == ({"scheduler": 5}, GroupDemand())


# -- to exactly one group


@pytest.mark.parametrize(
    ("one", "other", "chosen"),
    [
        ({"priority": 0}, {"priority": 1}, "b"),
        ({"cost_per_hour": 2.0}, {"cost_per_hour": 1.0}, "b"),
        ({"priority": 1, "cost_per_hour": 9.0}, {}, "a"),
        ({}, {}, "a"),
    ],
    ids=["priority, high first", "cost", "priority before cost", "name"],
)
def test_each_job_is_given_to_the_first_group_that_fits(
    one: dict[str, object], other: dict[str, object], chosen: str
) -> None:
    specs = (changed(spec("a"), one), changed(spec("b"), other))
    assert unmet(look(seen(jobs=queue(for_groups("a", "b"))), EMPTY, *specs)[0]) == {chosen: 4}


CLOSED: dict[str, tuple[GroupMemory, dict[str, Quota], int]] = {
    "in backoff for 60 s more: NoCapacity": (
        GroupMemory(group="a", backoff_until=NOW + 60, backoff_reason="NoCapacity"),
        {},
        5,
    ),
    "behind its breaker: w9: gone": (
        GroupMemory(
            group="a",
            breaker=Breaker(state=BreakerState.OPEN, failures=5, next_canary_at=NOW + 1, reason="w9: gone"),
        ),
        {},
        5,
    ),
    "at its quota: cores": (GroupMemory(group="a"), {"a": Quota(workers_left=0, reason="cores")}, 5),
    "at its maximum of 0": (GroupMemory(group="a"), {}, 0),
}


@pytest.mark.parametrize("why", CLOSED)
def test_a_group_that_cannot_grow_is_passed_over_and_says_why(why: str) -> None:
    known, quotas, maximum = CLOSED[why]
    both = seen(jobs=queue(for_groups("a", "b")), quotas=quotas)
    alone = seen(jobs=queue(for_groups("a")), quotas=quotas)
    specs = (spec("a", maximum), spec("b"))
    assert unmet(look(both, memory(groups=[known]), *specs)[0]) == {"b": 4}
    snapshot, _ = look(alone, memory(groups=[known]), *specs)
    assert snapshot.demand.unserved == (Unserved(shape="small", jobs=4, cause="no room", reason=f"a: {why}"),)


def test_what_a_group_cannot_take_goes_to_the_next() -> None:
    snapshot, _ = look(seen(jobs=queue(for_groups("a", "b", idle=20))), EMPTY, spec("a", 2), spec("b"))
    assert unmet(snapshot) == {"a": 8, "b": 12}


def test_at_its_maximum_a_group_still_takes_back_what_it_drains() -> None:
    """With every server at its maximum, jobs found the group closed and its drained workers were deleted."""
    leaving = joined("w1", drain=drain("w1", confirmed=5))
    now = seen([machine()], [server()], queue(shape(idle=9)), Answers(inspections={"w1": drained()}))
    snapshot, _ = look(now, memory([leaving]), spec(maximum=1))
    group = snapshot.groups["g"]
    assert (group.count(Phase.DRAINED), group.resumable, group.demand.unmet_workers) == (1, 1, 1)


# -- who is not answered, and why


def test_a_shape_that_fits_nowhere_is_named_once_and_asks_for_nothing() -> None:
    huge = shape("huge", 3, fits={}, misfits={"group:g": "Memory >= 999999"}, example="7.0")
    now = seen(jobs=queue(huge))
    snapshot, change = look(now, EMPTY)
    assert snapshot.demand.unserved == (
        Unserved(shape="huge", jobs=3, cause="fits nowhere", reason="group:g: Memory >= 999999", example="7.0"),
    )
    assert (change.misfits_named, [e.kind for e in change.events]) == (("huge",), ["misfit"])
    _, again = look(now, replace(EMPTY, misfits_named=("huge",)))
    assert (again.misfits_named, again.events) == (None, ())
    assert snapshot.groups["g"].demand == GroupDemand()


def test_a_shape_for_machines_that_are_not_ours_asks_for_nothing() -> None:
    snapshot, _ = look(seen(jobs=queue(shape(fits={"kind-s": JOB}))), EMPTY)
    assert [(u.cause, u.jobs) for u in snapshot.demand.unserved] == [("elsewhere only", 1)]


def test_a_concurrency_limit_clips_demand_by_what_runs_already() -> None:
    dogs = shape(idle=50, running=2, concurrency_limits=(("Dog", 2.0),))
    snapshot, _ = look(seen(jobs=queue(dogs), negotiation=Negotiation(limits={"dog": 9.0})), EMPTY)
    assert snapshot.groups["g"].demand.unmet_jobs == 2
    assert snapshot.demand.unserved == (
        Unserved(shape="small", jobs=48, cause="concurrency limit", reason="concurrency limit Dog allows 2 more"),
    )


def test_shapes_share_one_concurrency_limit() -> None:
    limit = (("dog", 1.0),)
    two = queue(shape("a", 3, concurrency_limits=limit), shape("b", 3, concurrency_limits=limit))
    snapshot, _ = look(seen(jobs=two, negotiation=Negotiation(limits={"dog": 4.0})), EMPTY)
    assert snapshot.groups["g"].demand.unmet_jobs == 4


def test_a_limit_that_cannot_be_read_does_not_clip() -> None:
    dogs = shape(idle=5, concurrency_limits=(("cat", 1.0),))
    assert demand(seen(jobs=queue(dogs), negotiation=Negotiation(limits={"dog": 0.0}))).unmet_jobs == 5


def test_a_group_quota_without_surplus_clips_demand_in_weighted_slots() -> None:
    physics = shape(idle=9, takes=JOB._replace(cpus=2), accounting_group="physics")
    quota = Negotiation(group_quotas={"physics": (8.0, 3.0)})
    snapshot, _ = look(seen(jobs=queue(physics), negotiation=quota), EMPTY)
    assert snapshot.groups["g"].demand.unmet_jobs == 2
    assert snapshot.demand.unserved == (
        Unserved(shape="small", jobs=7, cause="group quota", reason="group quota of physics allows 2 more"),
    )


def test_a_group_quota_is_clipped_by_what_runs_before_the_negotiator_tells_of_it() -> None:
    physics = shape(idle=9, running=3, takes=JOB._replace(cpus=2), accounting_group="physics")
    quota = Negotiation(group_quotas={"physics": (8.0, 0.0)})
    snapshot, _ = look(seen(jobs=queue(physics), negotiation=quota), EMPTY)
    assert snapshot.groups["g"].demand.unmet_jobs == 1


# -- what is seen not to start


def watched(cycles: int, until: float | None = None, idle: int = 3) -> GroupMemory:
    watch = Futile(
        cycles=cycles, idle=idle, running=0, queue_stamp="q1", until=until, reason="no start" if until else ""
    )
    return GroupMemory(group="g", futile={"small": watch})


WAITING = shape(idle=3, queue_stamp="q1", last_reject_reason="no match found")
ROOM = [machine()], [server()]


def cycle(known: GroupMemory, jobs: JobShape = WAITING, cycles: tuple[int, ...] = (101,)) -> GroupMemory:
    now = seen(*ROOM, jobs=queue(jobs), negotiation=Negotiation(cycles=cycles))
    return look(now, memory([joined()], [known], last_cycle=100))[0].groups["g"].memory


def test_three_cycles_beside_free_room_condemn_a_shape() -> None:
    assert cycle(watched(1)).futile == watched(2).futile
    (found,) = cycle(watched(2)).futile.values()
    assert (found.cycles, found.until) == (3, NOW + SITE.futile_seconds)
    assert found.reason == "had free room here for 3 negotiation cycles and did not start: no match found"


def test_a_tick_without_a_new_cycle_teaches_nothing() -> None:
    assert cycle(watched(2), cycles=(99, 100)).futile == watched(2).futile


@pytest.mark.parametrize(
    "jobs",
    [replace(WAITING, idle=2), replace(WAITING, running=1), replace(WAITING, queue_stamp="q2")],
    ids=["fewer wait", "one started", "more were queued"],
)
@pytest.mark.parametrize("known", [watched(2), watched(3, NOW + 60)], ids=["watched", "condemned"])
def test_any_change_of_the_queue_begins_anew(known: GroupMemory, jobs: JobShape) -> None:
    (found,) = cycle(known, jobs).futile.values()
    assert (found.cycles, found.until) == (0, None)


def test_jobs_of_a_schedd_that_does_not_answer_are_not_watched() -> None:
    silent = queue(WAITING, error="timeout")
    now = seen(*ROOM, jobs=silent, negotiation=Negotiation(cycles=(101,)))
    snapshot, _ = look(now, memory([joined()], [watched(2)], last_cycle=100))
    assert (snapshot.groups["g"].memory.futile, snapshot.groups["g"].demand.placed_jobs) == ({}, 3)


def test_a_shape_without_free_room_is_not_watched() -> None:
    now = seen(jobs=queue(WAITING), negotiation=Negotiation(cycles=(101,)))
    assert look(now, memory(groups=[watched(2)], last_cycle=100))[0].groups["g"].memory.futile == {}


def test_a_condemned_shape_neither_grows_nor_keeps_a_worker() -> None:
    now = seen(*ROOM, jobs=queue(replace(WAITING, idle=30)))
    snapshot, _ = look(now, memory([joined()], [watched(3, NOW + 60, idle=30)]))
    assert snapshot.groups["g"].demand == GroupDemand()
    assert snapshot.demand.unserved == (Unserved(shape="small", jobs=30, cause="futile", reason="g: no start"),)


def test_after_half_an_hour_it_is_tried_again() -> None:
    now = seen(*ROOM, jobs=queue(WAITING))
    snapshot, _ = look(now, memory([joined()], [watched(3, NOW)]))
    assert snapshot.groups["g"].demand.placed_jobs == 3


def test_a_shape_condemned_in_one_group_goes_to_the_next() -> None:
    jobs = replace(for_groups("g", "h", idle=3), queue_stamp="q1")
    snapshot, _ = look(seen(jobs=queue(jobs)), memory(groups=[watched(3, NOW + 60)]), spec("g"), spec("h"))
    assert unmet(snapshot) == {"h": 3}
    assert snapshot.groups["g"].template == BIG
