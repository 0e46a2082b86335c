from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import pytest

from elastic.core.decide import decide
from elastic.core.lifecycle import Phase
from elastic.core.model import GroupSpec, Snapshot, WorkerGroup
from elastic.core.policy import Limited, Policy, Target


@dataclass(frozen=True)
class Says:
    """A policy that answers this, whatever it is, or raises it."""

    answer: object

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


def group(name: str, policy: str) -> WorkerGroup:
    spec = GroupSpec(name=name, maximum=10, policy=policy)
    return WorkerGroup(spec=spec, counts={Phase.READY: 3}, policy_memory="what it said last time")


def decided(answers: Mapping[str, object], *groups: tuple[str, str]) -> Mapping[str, Target]:
    snapshot = Snapshot(now=0.0, tick=1, groups={name: group(name, policy) for name, policy in groups})
    policies: dict[str, Policy] = {name: Says(answer) for name, answer in answers.items()}
    return decide(snapshot, policies)


def held(reason: str) -> Target:
    """Three, as there are, with the policy's memory kept and the hold countable."""
    kept = Limited(guardrail="policy", before=3, after=3, reason=reason)
    return Target(3, f"held: {reason}", memory="what it said last time", limited=(kept,))


def test_each_group_gets_the_answer_of_its_own_policy() -> None:
    first, second = Target(1, "one"), Target(2, "two")
    answers = {"p": {"a": first, "b": Target(9, "not asked")}, "q": {"a": Target(9, "not asked"), "b": second}}
    assert decided(answers, ("a", "p"), ("b", "q")) == {"a": first, "b": second}


def test_a_policy_that_raises_holds_all_its_groups_and_no_other() -> None:
    reason = "policy p failed: ZeroDivisionError: by zero"
    answers = {"p": ZeroDivisionError("by zero"), "q": {"c": Target(1, "one")}}
    assert decided(answers, ("a", "p"), ("b", "p"), ("c", "q")) == {
        "a": held(reason),
        "b": held(reason),
        "c": Target(1, "one"),
    }


def test_a_policy_that_nobody_knows_holds_its_groups() -> None:
    assert decided({}, ("a", "p")) == {"a": held("no policy named 'p'")}


def test_a_group_without_an_answer_is_held_and_groups_that_do_not_exist_are_nobody() -> None:
    answers = {"p": {"b": Target(1, "one"), "nobody": Target(1, "one")}}
    assert decided(answers, ("a", "p"), ("b", "p")) == {
        "a": held("policy p says nothing of this group"),
        "b": Target(1, "one"),
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (4, "int is no Target"),
        (Target(-1, "r"), "-1 workers is absurd"),
        (Target(10**9, "r"), "1000000000 workers is absurd"),
        (Target(2.5, "r"), "workers is 2.5, not a whole number"),  # type: ignore[arg-type]
        (Target(True, "r"), "workers is True, not a whole number"),  # noqa: FBT003
        (Target(nan, "r"), "workers is nan, not a whole number"),  # type: ignore[arg-type]
        (Target(1, "r", next_wake=nan), "next_wake is nan"),
        (Target(1, None), "reason and memory must be text"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_cannot_be_meant_is_a_failed_policy(answer: object, reason: str) -> None:
    assert decided({"p": {"a": answer}}, ("a", "p")) == {"a": held(f"policy p failed: {reason}")}


def test_no_mapping_at_all_is_a_failed_policy() -> None:
    [target] = decided({"p": 7}, ("a", "p")).values()
    assert target.reason.startswith("held: policy p failed: TypeError")
