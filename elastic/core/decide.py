"""Ask each group's policy for its target; a policy that fails, in whatever way, holds its groups where they are."""

from collections.abc import Mapping
from math import isfinite

from elastic.core.guardrails import MOST_WORKERS
from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Limited, Policy, Target

GUARDRAIL = "policy"
"""By which name a hold shows among the guardrails, in targets, refusals and metrics."""


def decide(snapshot: Snapshot, policies: Mapping[str, Policy]) -> Mapping[str, Target]:
    """One target for each group, sorted by group; `policies` by the names that the groups' specs give."""
    proposal: dict[str, Target] = {}
    asked: dict[str, tuple[Mapping[str, object], str]] = {}
    for name, group in snapshot.groups.items():
        policy = group.spec.policy
        if policy not in asked:
            asked[policy] = _asked(policies.get(policy), policy, snapshot)
        proposal[name] = _believed(*asked[policy], group)
    return proposal


def hold(group: WorkerGroup, reason: str) -> Target:
    """As many as there are, with what the policy remembers kept."""
    kept = Limited(guardrail=GUARDRAIL, before=group.counted, after=group.counted, reason=reason)
    return Target(group.counted, f"held: {reason}", memory=group.policy_memory, limited=(kept,))


def _asked(policy: Policy | None, name: str, snapshot: Snapshot) -> tuple[Mapping[str, object], str]:
    """The policy's answers, and what went wrong if it gave none."""
    if policy is None:
        return {}, f"no policy named '{name}'"
    try:
        return dict(policy.decide(snapshot)), ""
    except Exception as error:  # noqa: BLE001 - a policy is somebody's file; whatever it does, nothing is lost
        return {}, f"policy {name} failed: {type(error).__name__}: {error}"


def _believed(answers: Mapping[str, object], failure: str, group: WorkerGroup) -> Target:
    policy = group.spec.policy
    if failure:
        return hold(group, failure)
    answer = answers.get(group.spec.name)
    if answer is None:
        return hold(group, f"policy {policy} says nothing of this group")
    if not isinstance(answer, Target):
        return hold(group, f"policy {policy} failed: {type(answer).__name__} is no Target")
    wrong = _wrong(answer)
    return hold(group, f"policy {policy} failed: {wrong}") if wrong else answer


def _wrong(target: Target) -> str:
    """What in this target cannot be meant; empty when nothing. A policy is not type-checked when it runs."""
    workers: object = target.workers
    if type(workers) is not int:
        return f"workers is {workers!r}, not a whole number"
    if not 0 <= workers <= MOST_WORKERS:
        return f"{workers} workers is absurd"
    wake: object = target.next_wake
    if wake is not None and not (isinstance(wake, int | float) and isfinite(wake)):
        return f"next_wake is {wake!r}"
    reason: object = target.reason
    memory: object = target.memory
    if not (isinstance(reason, str) and isinstance(memory, str)):
        return "reason and memory must be text"
    return ""
