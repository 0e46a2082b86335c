"""The same ticks decided again by another policy, with a memory and guardrails of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.memory import GroupMemory
from elastic.core.model import SiteSpec, Snapshot
from elastic.core.policy import Policy, Target
from elastic.core.remember import remember
from elastic_simulations.replaying.records import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One group at one tick: the workers that the recorded decision and the other one wanted, after guardrails."""

    tick: int
    now: float
    group: str
    recorded: Target
    other: Target
    proposed: Target
    existing: int

    @property
    def differs(self) -> bool:
        """Whether another number of workers was wanted; reasons alone are no difference."""
        return self.recorded.workers != self.other.workers


def replayed(
    records: Iterable[Recorded], name: str, policy: Policy, site: SiteSpec | None = None
) -> Iterator[Compared]:
    """Every group of every tick, all groups under `policy`.

    Open loop: each tick sees the pool that the recorded decisions led to. What the policy remembers, and what it
    recommended within the stabilisation window, are its own; quota, backoff, breaker, overrides are the recorded ones.
    """
    memories: Mapping[str, GroupMemory] = {}
    for record in records:
        snapshot = _under(record.snapshot, name, memories)
        proposal = decide(snapshot, {name: policy})
        targets = constrain(proposal, snapshot, site or SiteSpec())
        memories = {**memories, **{after.group: after for after in remember(snapshot, proposal).groups}}
        for group, target in targets.items():
            if group in record.targets:
                yield Compared(
                    tick=record.tick,
                    now=record.now,
                    group=group,
                    recorded=record.targets[group],
                    other=target,
                    proposed=proposal[group],
                    existing=snapshot.groups[group].counted,
                )


def _under(snapshot: Snapshot, name: str, memories: Mapping[str, GroupMemory]) -> Snapshot:
    """What was seen, its groups under the other policy and with what that one remembers."""
    groups = {}
    for group, seen in snapshot.groups.items():
        known = memories.get(group)
        # A policy that goes on under its own name goes on with what it remembered when the records begin.
        before = seen.policy_memory if known is None and seen.spec.policy == name else ""
        memory = known if known is not None else GroupMemory(group=group, policy_memory=before)
        spec = replace(seen.spec, policy=name)
        groups[group] = replace(seen, spec=spec, memory=memory, policy_memory=memory.policy_memory)
    return replace(snapshot, groups=groups)
