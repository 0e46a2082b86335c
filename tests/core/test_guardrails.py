"""What stands between a policy's wish and a target, each with its reason."""

from dataclasses import replace

import pytest

from elastic.core.guardrails import GUARDRAILS, constrain
from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState, GroupMemory
from elastic.core.model import Trust, Worker, WorkerGroup
from elastic.core.override import Override, OverrideKind
from elastic.core.policy import Limited, Target
from tests.core.builders import NOW, SITE, group, override, snapshot, spec, worker


def ready(count: int) -> list[Worker]:
    return [worker(Phase.READY, f"r{i}") for i in range(count)]


FIVE = group(*ready(5), spec=spec(maximum=50))


def target(one: WorkerGroup, wanted: int, *overrides: Override, trust: Trust | None = None) -> Target:
    state = snapshot(one, trust=trust, overrides=overrides)
    return constrain({"g": Target(wanted, "wanted")}, state, SITE)["g"]


def recommended(*levels: tuple[float, int]) -> GroupMemory:
    return GroupMemory(group="g", recommendations=tuple((NOW - ago, workers) for ago, workers in levels))


def test_a_wish_that_nothing_speaks_against_stays_as_it_is() -> None:
    assert target(FIVE, 8) == Target(8, "wanted")


def test_they_apply_in_this_order() -> None:
    order = [
        "sanity",
        "stabilisation",
        "schedule",
        "override",
        "limits",
        "backoff",
        "quota",
        "breaker",
        "step",
        "settled",
        "freshness",
    ]
    assert [guardrail.__name__ for guardrail in GUARDRAILS] == order


def test_a_group_without_a_proposal_is_held_where_it_is() -> None:
    held = constrain({}, snapshot(FIVE), SITE)
    assert held == {"g": Target(5, "held: the policy says nothing of this group")}


OPEN = Breaker(state=BreakerState.OPEN, failures=5, next_canary_at=NOW + 9, reason="w9: gone")


@pytest.mark.parametrize(
    ("one", "wanted", "expected"),
    [
        (FIVE, -1, Limited(guardrail="sanity", before=-1, after=5, reason="held: -1 workers is absurd")),
        (
            FIVE,
            2_000_000,
            Limited(guardrail="sanity", before=2_000_000, after=5, reason="held: 2000000 workers is absurd"),
        ),
        (
            replace(FIVE, memory=recommended((299, 4))),
            1,
            Limited(guardrail="stabilisation", before=1, after=4, reason="within the last 300 s 4 were recommended"),
        ),
        (
            replace(FIVE, memory=recommended((10, 40))),
            1,
            Limited(guardrail="stabilisation", before=1, after=5, reason="within the last 300 s 5 were recommended"),
        ),
        (
            replace(FIVE, spec=spec(maximum=6)),
            9,
            Limited(guardrail="limits", before=9, after=6, reason="limits are 0..6"),
        ),
        (
            replace(FIVE, spec=spec(minimum=3)),
            1,
            Limited(guardrail="limits", before=1, after=3, reason="limits are 3..10"),
        ),
        (
            replace(FIVE, backoff_until=NOW + 20, backoff_reason="NoCapacity"),
            9,
            Limited(guardrail="backoff", before=9, after=5, reason="backoff for 20 s more: NoCapacity"),
        ),
        (
            replace(FIVE, quota_left=2, quota_reason="cores"),
            9,
            Limited(guardrail="quota", before=9, after=7, reason="quota leaves 2 (cores)"),
        ),
        (
            replace(FIVE, breaker=OPEN),
            9,
            Limited(guardrail="breaker", before=9, after=5, reason="breaker open allows 0 boots: w9: gone"),
        ),
        (
            replace(FIVE, breaker=replace(OPEN, next_canary_at=NOW)),
            9,
            Limited(guardrail="breaker", before=9, after=6, reason="breaker open allows 1 boots: w9: gone"),
        ),
        (
            replace(FIVE, breaker=replace(OPEN, state=BreakerState.CANARY)),
            9,
            Limited(guardrail="breaker", before=9, after=5, reason="breaker canary allows 0 boots: w9: gone"),
        ),
        (
            group(*ready(5), worker(Phase.BOOTING, "b"), worker(Phase.JOINING, "j"), boot_allowance=4),
            10,
            Limited(guardrail="step", before=10, after=9, reason="2 boots in flight, 4 allowed for now"),
        ),
    ],
    ids=[
        "fewer than none",
        "absurdly many",
        "a dip of the queue",
        "never above what is there",
        "the maximum",
        "the minimum",
        "backoff",
        "quota",
        "open breaker",
        "a canary is due",
        "a canary boots",
        "slow start",
    ],
)
def test_leaves_its_reason(one: WorkerGroup, wanted: int, expected: Limited) -> None:
    assert target(one, wanted) == Target(expected.after, f"wanted; {expected.reason}", limited=(expected,))


@pytest.mark.parametrize(
    "one",
    [
        replace(FIVE, memory=recommended((300, 4))),
        replace(FIVE, memory=recommended((10, 1))),
        replace(FIVE, backoff_until=NOW + 20, quota_left=0, breaker=OPEN, boot_allowance=0),
    ],
    ids=["the window is over", "the window agrees", "what holds growth does not hold shrinking"],
)
def test_lets_a_shrink_pass(one: WorkerGroup) -> None:
    assert target(one, 1) == Target(1, "wanted")


@pytest.mark.parametrize(
    "closed",
    [{"quota_left": 0}, {"backoff_until": NOW + 20}, {"breaker": OPEN}, {"boot_allowance": 0}],
    ids=["quota", "backoff", "breaker", "slow start"],
)
def test_taking_back_a_draining_worker_needs_no_boot(closed: dict[str, object]) -> None:
    """At its quota, a group let its drained workers go while jobs waited for them."""
    one = group(*ready(2), worker(Phase.DRAINED, "d"), **closed)
    assert target(one, 9).workers == 3


def test_doubt_holds_shrinking_and_blindness_growing() -> None:
    doubt = Trust(shrink="queue: no route")
    blind = Trust(shrink="blind: x", grow="blind: x")
    assert target(FIVE, 9, trust=doubt) == Target(9, "wanted")
    assert target(FIVE, 1, trust=doubt).reason == "wanted; no shrinking: queue: no route"
    assert target(FIVE, 1, trust=blind).workers == 5
    assert target(FIVE, 9, trust=blind) == Target(
        5,
        "wanted; no growing: blind: x",
        limited=(Limited(guardrail="freshness", before=9, after=5, reason="no growing: blind: x"),),
    )


@pytest.mark.parametrize(
    ("overrides", "workers"),
    [
        ([override(OverrideKind.PIN, 9)], 9),
        ([override(OverrideKind.PIN, 1)], 1),
        ([override(OverrideKind.FLOOR, 7)], 7),
        ([override(OverrideKind.FLOOR, 3)], 4),
        ([override(OverrideKind.CEILING, 2)], 2),
        ([override(OverrideKind.CEILING, 8)], 4),
        ([override(OverrideKind.PAUSE)], 5),
        ([override(OverrideKind.FLOOR, 7), override(OverrideKind.CEILING, 6)], 7),
        ([override(OverrideKind.PIN, 9), override(OverrideKind.CEILING, 6)], 6),
        ([override(OverrideKind.PAUSE), override(OverrideKind.PIN, 9)], 5),
        ([override(OverrideKind.FLOOR, 7, "*")], 7),
        ([override(OverrideKind.FLOOR, 7, "other")], 4),
        ([override(OverrideKind.PIN, 9, ends=0)], 4),
    ],
)
def test_the_operator_wins_for_a_stated_time(overrides: list[Override], workers: int) -> None:
    assert target(FIVE, 4, *overrides).workers == workers


def test_the_operator_wins_at_once_whatever_was_recommended_before() -> None:
    one = replace(FIVE, memory=recommended((10, 5)))
    assert target(one, 5, override(OverrideKind.PIN, 1)).workers == 1


def test_the_operator_stays_inside_the_limits() -> None:
    one = replace(FIVE, boot_allowance=100)
    assert target(one, 4, override(OverrideKind.PIN, 90)) == Target(
        50,
        "wanted; pin 90 by ann (trial); limits are 0..50",
        limited=(
            Limited(guardrail="override", before=4, after=90, reason="pin 90 by ann (trial)"),
            Limited(guardrail="limits", before=90, after=50, reason="limits are 0..50"),
        ),
    )


def test_after_an_override_the_policy_is_believed_at_once() -> None:
    """Recommendations are the policy's, not the operator's: a pin leaves nothing behind in the window."""
    one = replace(FIVE, memory=recommended((10, 2), (40, 2)))
    assert target(one, 2) == Target(2, "wanted")
