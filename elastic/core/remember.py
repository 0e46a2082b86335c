"""What a decision and its results leave behind for later ticks: recommendations, policy memory, backoff."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from elastic.core.actions import ActionResult, Launch, Outcome
from elastic.core.memory import GroupMemory, MemoryChange
from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Target

BACKS_OFF = frozenset({"QuotaExceeded", "NoCapacity", "Malformed", "Unauthorized", "Throttled", "Conflict"})
"""Errors after which asking again at once would be the same question: the group waits, others go on."""

ACCEPTED = "Accepted"
"""The error of a cloud that took an order on, and says later which servers came of it: the launch went well."""

MOST_ASKED_FOR_SECONDS = 3600.0
"""A service that wants to be left alone for longer is asked all the same: it may have meant something else."""

MISMATCH = "Mismatch"
"""The error of a cloud that removed others than were asked for."""


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

    A launch that went well ends that. Where other servers went than were asked to, nothing shrinks until the operator
    has looked and resets the group.
    """
    results = tuple(results)
    launches: dict[str, list[ActionResult]] = {}
    for result in results:
        if isinstance(result.action, Launch):
            launches.setdefault(result.action.group, []).append(result)
    # A launch too may have found out what an earlier removal did.
    stopped = {r.action.group: r.detail for r in results if r.error_type == MISMATCH}
    base = {memory.group: memory for memory in remember(snapshot, proposal).groups}
    changed: list[GroupMemory] = []
    for name in sorted({*launches, *stopped}):
        known = base.get(name, snapshot.groups[name].memory)
        after = _settled(known, snapshot.groups[name], launches.get(name, []), snapshot.now)
        after = replace(after, scale_down_stopped=stopped.get(name, after.scale_down_stopped))
        if after != known:
            changed.append(after)
    return MemoryChange(groups=tuple(changed))


def _settled(known: GroupMemory, group: WorkerGroup, results: list[ActionResult], now: float) -> GroupMemory:
    turned_down = [r for r in results if r.outcome is Outcome.FAILED and r.error_type in BACKS_OFF]
    if not turned_down:
        done = any(result.outcome is Outcome.DONE or result.error_type == ACCEPTED for result in results)
        return replace(known, backoff_until=0.0, backoff_seconds=0.0, backoff_reason="") if done else known
    longer = known.backoff_seconds * 2 or group.spec.error_backoff_seconds
    pause = min(group.spec.error_backoff_cap_seconds, longer)
    why = f"{turned_down[0].error_type}: {turned_down[0].detail}"
    asked_for = min(MOST_ASKED_FOR_SECONDS, max(result.retry_after for result in turned_down))
    return replace(known, backoff_until=now + max(pause, asked_for), backoff_seconds=pause, backoff_reason=why)
