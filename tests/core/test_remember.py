"""What a decision and its results leave behind."""

from dataclasses import replace

import pytest

from elastic.core.actions import ActionResult, Delete, Launch, Outcome, Proof
from elastic.core.memory import GroupMemory, MemoryChange
from elastic.core.policy import Target
from elastic.core.remember import BACKS_OFF, remember, settle
from tests.core.builders import NOW, group, snapshot

WANTED = {"g": Target(3, "wanted", memory="mine")}
LAUNCH = Launch(group="g", worker="g-1", reason="wanted")
AFTER = GroupMemory(group="g", recommendations=((NOW, 3),), policy_memory="mine")


def launched(outcome: Outcome, error: str = "") -> ActionResult:
    return ActionResult(action=LAUNCH, outcome=outcome, error_type=error, detail="no room")


def settled(known: GroupMemory, *results: ActionResult) -> MemoryChange:
    return settle(snapshot(group(memory=known)), WANTED, results)


def test_remembers_what_the_policy_recommended_and_wants_back() -> None:
    assert remember(snapshot(group()), WANTED) == MemoryChange(groups=(AFTER,))


def test_forgets_recommendations_outside_the_window() -> None:
    known = GroupMemory(group="g", recommendations=((NOW - 300, 9), (NOW - 299, 8)))
    (after,) = remember(snapshot(group(memory=known)), WANTED).groups
    assert after.recommendations == ((NOW - 299, 8), (NOW, 3))


def test_nothing_changes_when_nobody_said_anything() -> None:
    assert remember(snapshot(group()), {}) == MemoryChange()


@pytest.mark.parametrize("error", sorted(BACKS_OFF))
def test_a_launch_that_was_turned_down_makes_the_group_wait(error: str) -> None:
    expected = replace(AFTER, backoff_until=NOW + 30, backoff_seconds=30, backoff_reason=f"{error}: no room")
    assert settled(GroupMemory(group="g"), launched(Outcome.FAILED, error)) == MemoryChange(groups=(expected,))


@pytest.mark.parametrize(("before", "after"), [(30, 60), (60, 120), (480, 900), (900, 900)])
def test_it_waits_twice_as_long_each_time_up_to_a_quarter_of_an_hour(before: float, after: float) -> None:
    known = GroupMemory(group="g", backoff_until=NOW - 1, backoff_seconds=before)
    (group_after,) = settled(known, launched(Outcome.FAILED, "NoCapacity")).groups
    assert (group_after.backoff_seconds, group_after.backoff_until) == (after, NOW + after)


@pytest.mark.parametrize(("asked_for", "until"), [(10, 30), (200, 200), (86_400, 3600)])
def test_a_cloud_that_asks_for_less_is_left_alone_for_as_long(asked_for: float, until: float) -> None:
    throttled = replace(launched(Outcome.FAILED, "Throttled"), retry_after=asked_for)
    (after,) = settled(GroupMemory(group="g"), throttled, launched(Outcome.FAILED, "Throttled")).groups
    assert (after.backoff_until, after.backoff_seconds) == (NOW + until, 30)


def test_several_launches_turned_down_at_once_count_once() -> None:
    (after,) = settled(GroupMemory(group="g"), *[launched(Outcome.FAILED, "NoCapacity")] * 5).groups
    assert after.backoff_seconds == 30


@pytest.mark.parametrize("result", [launched(Outcome.DONE), launched(Outcome.UNSURE, "Accepted")])
def test_a_launch_that_went_well_ends_the_waiting(result: ActionResult) -> None:
    known = GroupMemory(group="g", backoff_until=NOW - 1, backoff_seconds=480, backoff_reason="x")
    assert settled(known, result) == MemoryChange(groups=(AFTER,))


@pytest.mark.parametrize("result", [launched(Outcome.UNSURE, "Transient"), launched(Outcome.FAILED, "KeyError")])
def test_no_answer_is_no_refusal(result: ActionResult) -> None:
    assert settled(GroupMemory(group="g"), result) == MemoryChange()


def test_other_servers_gone_than_asked_for_stop_the_groups_shrinking() -> None:
    action = Delete(group="g", worker="w1", proof=Proof.DRAINED, reason="idle")
    mismatch = ActionResult(action=action, outcome=Outcome.FAILED, detail="s-9 is gone", error_type="Mismatch")
    expected = replace(AFTER, scale_down_stopped="s-9 is gone")
    assert settled(GroupMemory(group="g"), mismatch) == MemoryChange(groups=(expected,))
    # A launch may find out too what an earlier removal did.
    launch = replace(mismatch, action=Launch(group="g", worker="w2", reason="needed"), outcome=Outcome.UNSURE)
    assert settled(GroupMemory(group="g"), launch) == MemoryChange(groups=(expected,))
    refused = replace(mismatch, error_type="Conflict")
    assert settled(GroupMemory(group="g"), refused) == MemoryChange()


def test_after_a_tick_that_launched_nothing_nothing_is_settled() -> None:
    assert settled(GroupMemory(group="g", backoff_seconds=30)) == MemoryChange()
