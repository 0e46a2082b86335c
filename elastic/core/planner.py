"""From targets to a plan: who is launched, resumed, drained, deleted, and in which order.

The only place that chooses workers.
"""

from collections.abc import Iterator, Mapping

from elastic.core.actions import Adopt, Delete, DrainWorker, Launch, Proof, Resume
from elastic.core.budgets import drain_budget, launch_budget
from elastic.core.draft import Draft
from elastic.core.drains import nonce
from elastic.core.lifecycle import Phase
from elastic.core.memory import WishKind
from elastic.core.model import SiteSpec, Snapshot, Worker, WorkerGroup
from elastic.core.override import OverrideKind, in_force
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic.core.removal import finish, forget
from elastic.core.victims import (
    building_victims,
    cancellable,
    idle_victims,
    passed_over,
    resumable,
    unfinished,
    why_kept,
)
from elastic.core.wakes import next_wake


def plan(snapshot: Snapshot, targets: Mapping[str, Target], site: SiteSpec) -> Plan:
    """What to do now, group by group in the order of names; the same snapshot and targets always give the same plan."""
    draft = Draft(snapshot=snapshot, sequence=snapshot.sequence)
    for name, group in snapshot.groups.items():
        _plan_group(draft, group, targets[name])
    for adoption in _adoptions(snapshot):
        draft.act(adoption)
    if not snapshot.trust.act:
        _take_over(draft, snapshot)
    wake, why = next_wake(snapshot, targets, draft.actions, site)
    return Plan(
        actions=tuple(draft.actions),
        targets=targets,
        refusals=tuple(draft.refusals),
        notes=draft.notes,
        next_wake=wake,
        wake_reason=why,
        sequence=draft.sequence,
    )


def _plan_group(draft: Draft, group: WorkerGroup, target: Target) -> None:
    name, snapshot = group.spec.name, draft.snapshot
    for note in target.limited:
        direction = "up" if note.after < note.before else "down"
        draft.refuse(name, note.guardrail, direction, abs(note.before - note.after), note.reason)
    held = snapshot.trust.act or _paused(group, snapshot)
    before = len(draft.actions)
    if held:
        draft.refuse(name, "pause", "both", 0, held)
    else:
        forget(draft, group)
        if target.workers > group.counted:
            _grow(draft, group, target)
        _operator(draft, group)
        if target.workers < group.counted:
            _shrink(draft, group, target)
        finish(draft, group)
    did = len(draft.actions) - before
    draft.notes[name] = held or (f"{did} actions" if did else _nothing(group, target))


def _paused(group: WorkerGroup, snapshot: Snapshot) -> str:
    wishes = in_force(snapshot.overrides, group.spec.name, snapshot.now)
    return next((wish.describe() for wish in wishes if wish.kind is OverrideKind.PAUSE), "")


def _nothing(group: WorkerGroup, target: Target) -> str:
    if target.workers == group.counted:
        return f"nothing to do: {target.workers} wanted ({target.reason}), {group.counted} there"
    return f"nothing can be done now: {target.workers} wanted ({target.reason}), {group.counted} there"


def _grow(draft: Draft, group: WorkerGroup, target: Target) -> None:
    """Take back drains of ours first, then launch; the limits count every server that exists, whatever its phase."""
    missing = target.workers - group.counted
    back = resumable(group.workers)[:missing] if group.resumable else []
    for worker in back:
        draft.act(Resume(group=worker.group, worker=worker.name, reason=f"needed again: {target.reason}"))
    missing -= len(back)
    room = launch_budget(group)
    if missing > room:
        text = f"{group.existing} servers exist, the maximum is {group.spec.maximum}"
        draft.refuse(group.spec.name, "limits", "up", missing - room, text)
    for _ in range(min(missing, room)):
        draft.act(Launch(group=group.spec.name, worker=_new_name(draft, group), reason=target.reason))


def _new_name(draft: Draft, group: WorkerGroup) -> str:
    draft.sequence += 1
    return f"{group.spec.name}{_mark(draft.snapshot.ledger)}{draft.sequence}"


def named_by(ledger: str, worker: str) -> bool:
    """Whether a daemon with this ledger gave the worker its name; False where there is no ledger yet."""
    return bool(ledger) and _mark(ledger) in worker


def _mark(ledger: str) -> str:
    return f"-{ledger[:8]}-"


def _take_over(draft: Draft, snapshot: Snapshot) -> None:
    """Members of the cloud's own group that others asked it for become workers of ours: it would count them anyway."""
    for name, group in snapshot.groups.items():
        for server_id in group.newcomers:
            why = "a member of the group that was added from outside"
            draft.act(Adopt(group=name, worker=_new_name(draft, group), server_id=server_id, reason=why))


def _operator(draft: Draft, group: WorkerGroup) -> None:
    """Wishes for single workers, and black holes: these leave whatever the target says."""
    for worker in unfinished(group.workers):
        record = worker.record
        if record.delete_asked_at is not None or not (record.wish or record.quarantine):
            continue
        wish = record.wish
        if wish is not None and wish.kind is WishKind.FORCE:
            why = f"forced by {wish.author}: {wish.reason}"
            draft.act(Delete(group=worker.group, worker=worker.name, proof=Proof.FORCED, reason=why))
        elif worker.phase is Phase.READY and not worker.stale and record.fence_asked_at is None:
            _drain_asked(draft, worker)


def _drain_asked(draft: Draft, worker: Worker) -> None:
    wish = worker.record.wish
    why = f"asked by {wish.author}: {wish.reason}" if wish else f"black hole: {worker.record.quarantine}"
    busy = wish is not None and wish.kind is WishKind.DRAIN_BUSY
    if keeper := worker.record.protected_by:
        # A protected worker is resumed at once: drained here, it would go to and fro at each tick.
        draft.refuse(worker.group, "protect", "down", 1, f"{why}; protected by {keeper}", worker.name)
        return
    if worker.busy and wish is not None and not busy:
        draft.refuse(worker.group, "busy", "down", 1, f"{why}; waits until it is empty", worker.name)
        return
    if failed := worker.record.passed_over(draft.snapshot.now):
        draft.refuse(worker.group, "removal backoff", "down", 1, f"{why}; {failed}", worker.name)
        return
    if worker.record.is_leftover and wish is None:
        draft.refuse(worker.group, "leftover", "down", 1, f"{why}; waits until its leftover process ends", worker.name)
        return
    # Under a stream of jobs a black hole is never seen idle: its startd is asked at each tick, which is safe.
    draft.act(_drain(draft.snapshot, worker, why, busy=worker.busy and busy))


def _drain(snapshot: Snapshot, worker: Worker, why: str, *, busy: bool = False) -> DrainWorker:
    mark = nonce(snapshot.ledger, worker.name, snapshot.tick)
    return DrainWorker(group=worker.group, worker=worker.name, nonce=mark, reason=why, busy=busy)


def _shrink(draft: Draft, group: WorkerGroup, target: Target) -> None:
    """Servers still building first, then idle workers, idle longest; not more at once than the drain budget."""
    if group.memory.scale_down_stopped:
        draft.refuse(group.spec.name, "victim", "down", 0, group.memory.scale_down_stopped)
        return
    surplus = group.counted - target.workers
    cancelled = building_victims(group.workers)[: cancellable(group, surplus)]
    for worker in cancelled:
        why = f"not needed any more: {target.reason}"
        draft.act(Delete(group=worker.group, worker=worker.name, proof=Proof.BUILDING, reason=why))
    surplus -= len(cancelled)
    for worker in passed_over(group.workers, draft.snapshot.now) if surplus else ():
        text = worker.record.passed_over(draft.snapshot.now)
        draft.refuse(worker.group, "removal backoff", "down", 1, text, worker.name)
    budget = drain_budget(group)
    idle = [worker for worker in idle_victims(group.workers) if worker.name not in draft.acted_on]
    chosen = idle[: min(surplus, budget)]
    for worker in chosen:
        why = f"idle for {worker.idle_seconds or 0:.0f} s and not needed: {target.reason}"
        draft.act(_drain(draft.snapshot, worker, why))
    if surplus > len(idle):
        kept = why_kept(group.workers) or "no other worker is ready"
        draft.refuse(group.spec.name, "idle", "down", surplus - len(idle), f"kept: {kept}")
    if len(idle) > len(chosen) and surplus > len(chosen):
        waiting = min(surplus, len(idle)) - len(chosen)
        draft.refuse(group.spec.name, "drain share", "down", waiting, "enough are draining at once already")


def _adoptions(snapshot: Snapshot) -> Iterator[Adopt]:
    """Servers of a ledger that the operator handed over become workers of ours."""
    for server in snapshot.orphans:
        if server.ledger != snapshot.ledger and server.worker and server.group in snapshot.groups:
            why = f"handed over from ledger {server.ledger}"
            yield Adopt(group=server.group, worker=server.worker, server_id=server.id, reason=why)
