"""As many workers as the jobs need."""

from dataclasses import replace

import pytest

from elastic.core.lifecycle import Phase
from elastic.core.model import GroupDemand, Worker, WorkerGroup
from elastic.core.policy import Target
from elastic.core.resources import Resources
from elastic_policies.backlog import Backlog
from tests.core.builders import group, snapshot, worker


def target(one: WorkerGroup, policy: Backlog | None = None) -> Target:
    return (policy or Backlog()).decide(snapshot(one))["g"]


def workers(busy: int = 0, idle: int = 0, joining: int = 0, lost: int = 0) -> list[Worker]:
    kinds = [(Phase.READY, None)] * busy + [(Phase.READY, 60.0)] * idle
    kinds += [(Phase.JOINING, None)] * joining + [(Phase.LOST, None)] * lost
    return [worker(phase, f"w{i}", seconds) for i, (phase, seconds) in enumerate(kinds)]


def test_an_empty_queue_needs_nobody() -> None:
    reason = "0 busy + 0 held for 0 idle jobs + 0 for 0 unmet jobs + 0 headroom"
    assert target(group(*workers(idle=3))) == Target(0, reason)


def test_the_example_of_the_documentation() -> None:
    waiting = GroupDemand(placed_jobs=24, held_workers=3, unmet_jobs=26, unmet_workers=4)
    reason = "9 busy + 3 held for 24 idle jobs + 4 for 26 unmet jobs + 0 headroom"
    assert target(group(*workers(busy=9, idle=3), demand=waiting)) == Target(16, reason)


def test_headroom_is_kept_beyond_the_jobs_and_served_by_idle_workers() -> None:
    policy = Backlog(headroom=2)
    assert target(group(*workers(busy=3, idle=2)), policy).workers == 5
    assert target(group(*workers(busy=3, idle=9)), policy).workers == 5


def test_the_cap_ends_it_and_says_so() -> None:
    waiting = GroupDemand(unmet_jobs=99, unmet_workers=25)
    assert target(group(demand=waiting), Backlog(cap=4)) == Target(
        4, "0 busy + 0 held for 0 idle jobs + 25 for 99 unmet jobs + 0 headroom; capped at 4"
    )


def test_an_idle_worker_that_takes_no_jobs_does_not_stand_for_a_new_one() -> None:
    """One idle worker that refused jobs kept a job waiting for ever: one was wanted and one was there."""
    one = group(*workers(idle=1), demand=GroupDemand(unmet_jobs=1, unmet_workers=1))
    assert target(one) == Target(
        2, "0 busy + 0 held for 0 idle jobs + 1 for 1 unmet jobs + 0 headroom + 1 idle that cannot take them"
    )


@pytest.mark.parametrize(("headroom", "wanted"), [(0, 3), (1, 3), (2, 3), (3, 4)])
def test_useless_idle_workers_count_once_beside_the_headroom(headroom: int, wanted: int) -> None:
    one = group(*workers(idle=2), demand=GroupDemand(unmet_jobs=1, unmet_workers=1))
    assert target(one, Backlog(headroom=headroom)).workers == wanted


def test_a_worker_lost_a_moment_ago_is_neither_replaced_nor_a_reason_to_cancel_another() -> None:
    """Counted as there and not wanted, it made a surplus: a boot that jobs waited for was cancelled."""
    waiting = GroupDemand(placed_jobs=1, held_workers=1, held_upcoming=1)
    one = group(*workers(busy=4, joining=1, lost=1), demand=waiting, lost_counted=1)
    assert (one.counted, target(one).workers) == (6, 6)


REASON = "2 busy + 0 held for 0 idle jobs + 20 for 80 unmet jobs + 0 headroom"


@pytest.mark.parametrize(
    ("work", "wanted", "reason"),
    [
        (28_800.0, 8, "; 8 finish the 28800 core-seconds of work in 900 s"),
        (28_801.0, 9, "; 9 finish the 28801 core-seconds of work in 900 s"),
        (60.0, 2, "; 1 finish the 60 core-seconds of work in 900 s"),
        (900_000.0, 22, "; 250 finish the 900000 core-seconds of work in 900 s"),
        (None, 22, "; nobody estimates run times"),
    ],
    ids=["enough", "and one more", "never fewer than busy", "never more than jobs need", "unknown"],
)
def test_with_a_time_to_finish_in_short_jobs_share_workers(work: float | None, wanted: int, reason: str) -> None:
    one = group(*workers(busy=2), demand=GroupDemand(unmet_jobs=80, unmet_workers=20))
    seen = snapshot(replace(one, template=Resources(4)))
    seen = replace(seen, demand=replace(seen.demand, expected_core_seconds=work))
    assert Backlog(drain_seconds=900.0).decide(seen)["g"] == Target(wanted, f"{REASON}{reason}")


def test_headroom_comes_on_top_of_what_the_work_needs() -> None:
    one = group(*workers(busy=1), demand=GroupDemand(unmet_jobs=9, unmet_workers=9))
    seen = snapshot(replace(one, template=Resources(1)))
    seen = replace(seen, demand=replace(seen.demand, expected_core_seconds=1800.0))
    assert Backlog(headroom=2, drain_seconds=600.0).decide(seen)["g"].workers == 5
