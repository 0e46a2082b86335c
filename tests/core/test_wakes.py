"""When to look again."""

from dataclasses import replace

import pytest

from elastic.core.actions import Launch, Resume
from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState
from elastic.core.model import WorkerGroup
from elastic.core.override import Override, OverrideKind
from elastic.core.policy import Target
from elastic.core.wakes import next_wake
from tests.core.builders import NOW, SITE, drain, group, override, snapshot, targets, worker

OPEN = Breaker(state=BreakerState.OPEN, failures=5, reason="x")


def wake(one: WorkerGroup, *overrides: Override) -> tuple[float, str]:
    at, why = next_wake(snapshot(one, overrides=overrides), targets(g=1), (), SITE)
    return at - NOW, why


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (group(), (30, "the next regular tick")),
        (group(breaker=replace(OPEN, next_canary_at=NOW + 12)), (12, "g may boot a canary")),
        (group(breaker=replace(OPEN, next_canary_at=NOW - 12)), (30, "the next regular tick")),
        (group(backoff_until=NOW + 20), (20, "the backoff of g ends")),
        (group(backoff_until=NOW + 1), (5, "the backoff of g ends")),
        (group(worker(Phase.DRAINED, drain=drain(confirmed=4))), (11, "w1 is validated again")),
        (group(worker(Phase.DRAINED, drain=drain(confirmed=14))), (5, "w1 is validated again")),
        (group(worker(Phase.DRAINED, drain=drain(confirmed=400))), (30, "the next regular tick")),
        (group(worker(Phase.DRAINING, drain=drain(asked=3))), (5, "w1 is draining")),
        (group(worker(Phase.DRAINING, drain=drain(asked=3000))), (30, "the next regular tick")),
        (group(worker(Phase.DELETING, missing_since=NOW)), (5, "w1 is asked for a second time")),
        (group(worker(Phase.LOST, missing_since=NOW - 90)), (30, "the next regular tick")),
    ],
    ids=[
        "nothing",
        "a canary",
        "a canary that may boot already",
        "backoff",
        "never closer than five seconds",
        "validation",
        "validation in a moment",
        "validated long ago and kept",
        "a drain just asked for",
        "a drain with hours of jobs",
        "the first 404",
        "a server gone whose ad is still there",
    ],
)
def test_wakes_for(one: WorkerGroup, expected: tuple[float, str]) -> None:
    assert wake(one) == expected


def test_wakes_when_an_override_ends() -> None:
    assert wake(group(), override(OverrideKind.PAUSE, ends=17)) == (17, "pause of g ends")


def test_wakes_when_a_policy_asks_for_it() -> None:
    asked = {"g": Target(1, "x", next_wake=NOW + 9)}
    assert next_wake(snapshot(group()), asked, (), SITE) == (NOW + 9, "the policy of g asks for it")


def test_looks_again_soon_after_what_was_done_to_a_worker_but_not_after_a_launch() -> None:
    resumed = Resume(group="g", worker="w1", reason="x")
    launched = Launch(group="g", worker="w1", reason="x")
    soon = next_wake(snapshot(group()), targets(g=1), (resumed,), SITE)
    assert soon == (NOW + 5, "what was done now is looked at again")
    assert next_wake(snapshot(group()), targets(g=1), (launched,), SITE)[0] == NOW + 30
