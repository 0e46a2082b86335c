"""The baselines."""

from dataclasses import replace

import pytest

from elastic.core.guardrails import constrain
from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory
from elastic.core.model import GroupDemand, Trust, WorkerGroup
from elastic.core.policy import Target
from elastic.core.remember import remember
from elastic_policies.elastiq import Elastiq
from elastic_policies.fixed import Fixed
from elastic_policies.thesis import Thesis
from tests.core.builders import NOW, SITE, group, snapshot, spec, worker


def of(count: int, **changes: object) -> WorkerGroup:
    return group(*[worker(name=f"w{i}") for i in range(count)], **changes)


def test_fixed_is_the_same_number_whatever_the_queue_says() -> None:
    assert Fixed(workers=3).decide(snapshot(of(1), group(spec=spec("h")))) == {
        "g": Target(3, "fixed at 3"),
        "h": Target(3, "fixed at 3"),
    }


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (of(3), Target(3, "held: no CPU load is known")),
        (of(3, load=0.51), Target(4, "mean CPU 51% is above 50%: one more", f"{NOW!r} 4", on_load=True)),
        (of(3, load=0.09), Target(2, "mean CPU 9% is below 10%: one less", f"{NOW!r} 2")),
        (of(3, load=0.5), Target(3, "mean CPU 50% is between 10% and 50%")),
        (of(3, load=0.1), Target(3, "mean CPU 10% is between 10% and 50%")),
        (of(1, load=0.0, spec=spec(minimum=1)), Target(1, "mean CPU 0% is between 10% and 50%")),
        (
            of(3, load=0.9, policy_memory=f"{NOW - 59} 4"),
            Target(4, "mean CPU 90%; cooling down", f"{NOW - 59} 4", next_wake=NOW + 1, on_load=True),
        ),
        (
            of(3, load=0.9, policy_memory=f"{NOW - 60} 3"),
            Target(4, "mean CPU 90% is above 50%: one more", f"{NOW!r} 4", on_load=True),
        ),
    ],
    ids=[
        "no load",
        "high",
        "low",
        "at the upper edge",
        "at the lower edge",
        "at the minimum",
        "cooling",
        "cooled down",
    ],
)
def test_thesis_takes_one_step_at_a_time(one: WorkerGroup, expected: Target) -> None:
    assert Thesis().decide(snapshot(one)) == {"g": expected}


@pytest.mark.parametrize(
    ("one", "workers"),
    [(of(3, load=0.9), 4), (of(3, load=0.0), 3), (of(3, load=0.0, policy_memory=f"{NOW - 59} 2"), 3)],
)
def test_thesis_lowers_nothing_while_htcondor_is_blind(one: WorkerGroup, workers: int) -> None:
    blind = snapshot(one, trust=Trust(grow="blind: machines", shrink="blind: machines"))
    assert Thesis().decide(blind)["g"].workers == workers


def test_thesis_shrinks_under_a_window_longer_than_its_cooldown() -> None:
    """While cooling down it recommended what was there, which filled the window: an idle pool never shrank."""
    known, now, wanted = GroupMemory(group="g", recommendations=((NOW - 30, 3),)), NOW, []
    for _ in range(14):
        one = of(3, load=0.0, memory=known, policy_memory=known.policy_memory)
        state = replace(snapshot(one), now=now)
        proposal = Thesis().decide(state)
        wanted.append(constrain(proposal, state, SITE)["g"].workers)
        (known,) = remember(state, proposal).groups
        now += 30
    assert wanted == [3] * 9 + [2] * 5


WAITING = GroupDemand(placed_jobs=5, unmet_jobs=15)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (of(3), Target(0, "0 jobs wait, not more than 10; 3 workers are idle")),
        (
            of(3, demand=GroupDemand(placed_jobs=10, held_workers=2)),
            Target(1 + 1, "10 jobs wait, not more than 10; 1 workers are idle"),
        ),
        (of(1, demand=WAITING), Target(1, "20 jobs wait, for 0 of 100 s", repr(NOW), next_wake=NOW + 100)),
        (
            of(1, demand=WAITING, policy_memory=repr(NOW - 99)),
            Target(1, "20 jobs wait, for 99 of 100 s", repr(NOW - 99), next_wake=NOW + 1),
        ),
        (
            of(1, demand=WAITING, policy_memory=repr(NOW - 100)),
            Target(6, "20 jobs have waited 100 s: 5 more"),
        ),
    ],
    ids=["no queue", "at the threshold", "a queue begins", "not yet", "long enough"],
)
def test_elastiq_launches_a_share_of_a_queue_that_stays_long(one: WorkerGroup, expected: Target) -> None:
    assert Elastiq().decide(snapshot(one)) == {"g": expected}


def test_elastiq_counts_upcoming_workers_as_served_jobs() -> None:
    one = group(*[worker(Phase.BOOTING, f"b{i}") for i in range(3)], demand=WAITING)
    assert Elastiq().decide(snapshot(one))["g"].reason == "8 jobs wait, not more than 10; 0 workers are idle"
