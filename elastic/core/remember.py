"""What a decision and its results leave behind for later ticks: recommendations, policy memory, backoff."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from elastic.core.actions import ActionResult, Launch, Outcome
from elastic.core.memory import GroupMemory, MemoryChange
from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Target

BACKS_OFF = frozenset({"QuotaExceeded", "NoCapacity", "Malformed", "Unauthorized", "Throttled", "Conflict"})
"""Errors after which asking again at once would be the same question: the group waits, others go on."""


def remember(snapshot: Snapshot, proposal: Mapping[str, Target]) -> MemoryChange:
    """Recommendations inside the stabilisation window and what each policy wants back.

    Saved before anything is done.
    """
    groups: list[GroupMemory] = []
    for name, group in snapshot.groups.items():
        target = proposal.get(name)
        since = snapshot.now - group.spec.scale_down_window_seconds
        kept = tuple((at, workers) for at, workers in group.memory.recommendations if at > since)
        if target is not None:
            kept = (*kept, (snapshot.now, target.workers))
        memory = target.memory if target is not None else group.policy_memory
        after = replace(group.memory, recommendations=kept, policy_memory=memory)
        if after != group.memory:
            groups.append(after)
    return MemoryChange(groups=tuple(groups))


def settle(snapshot: Snapshot, proposal: Mapping[str, Target], results: Iterable[ActionResult]) -> MemoryChange:
    """After acting: a group whose launches were turned down waits, twice as long each time.

    A launch that went well ends that.
    """
    launches: dict[str, list[ActionResult]] = {}
    for result in results:
        if isinstance(result.action, Launch):
            launches.setdefault(result.action.group, []).append(result)
    base = {memory.group: memory for memory in remember(snapshot, proposal).groups}
    changed = [
        after
        for name, mine in sorted(launches.items())
        if (after := _settled(base.get(name, snapshot.groups[name].memory), snapshot.groups[name], mine, snapshot.now))
        != base.get(name, snapshot.groups[name].memory)
    ]
    return MemoryChange(groups=tuple(changed))


def _settled(known: GroupMemory, group: WorkerGroup, results: list[ActionResult], now: float) -> GroupMemory:
    turned_down = [r for r in results if r.outcome is Outcome.FAILED and r.error_type in BACKS_OFF]
    if not turned_down:
        done = any(result.outcome is Outcome.DONE for result in results)
        return replace(known, backoff_until=0.0, backoff_seconds=0.0, backoff_reason="") if done else known
    longer = known.backoff_seconds * 2 or group.spec.error_backoff_seconds
    pause = min(group.spec.error_backoff_cap_seconds, longer)
    why = f"{turned_down[0].error_type}: {turned_down[0].detail}"
    return replace(known, backoff_until=now + pause, backoff_seconds=pause, backoff_reason=why)
