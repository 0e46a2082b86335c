"""From targets to a plan: who is launched, resumed, drained, deleted, and in which order.

The only place that chooses workers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from elastic.core.actions import Action, Adopt, Delete, DrainWorker, Forget, Launch, Proof, Refusal, Resume
from elastic.core.drains import nonce
from elastic.core.lifecycle import Phase
from elastic.core.memory import WishKind
from elastic.core.model import SiteSpec, Snapshot, Worker, WorkerGroup
from elastic.core.override import OverrideKind, in_force
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic.core.victims import (
    BEGUN,
    building_victims,
    cancellable,
    drain_budget,
    idle_victims,
    passed_over,
    resumable,
    unfinished,
    why_kept,
)
from elastic.core.wakes import next_wake


def plan(snapshot: Snapshot, targets: Mapping[str, Target], site: SiteSpec) -> Plan:
    """What to do now, group by group in the order of names; the same snapshot and targets always give the same plan."""
    draft = _Draft(snapshot=snapshot, sequence=snapshot.sequence)
    for name, group in snapshot.groups.items():
        _plan_group(draft, group, targets[name])
    for adoption in _adoptions(snapshot):
        draft.act(adoption)
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


@dataclass(slots=True)
class _Draft:
    """The plan while it is being written: the only mutable thing here, and it does not leave this module."""

    snapshot: Snapshot
    sequence: int
    actions: list[Action] = field(default_factory=list)
    acted_on: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def act(self, action: Action) -> None:
        """One action a worker: the first counts, the next tick sees what came of it."""
        if action.worker not in self.acted_on:
            self.acted_on.add(action.worker)
            self.actions.append(action)

    def refuse(self, group: str, guardrail: str, direction: str, workers: int, reason: str, worker: str = "") -> None:
        self.refusals.append(
            Refusal(
                group=group,
                guardrail=guardrail,
                direction=direction,
                workers=workers,
                reason=reason,
                worker=worker,
            )
        )


def _plan_group(draft: _Draft, group: WorkerGroup, target: Target) -> None:
    name, snapshot = group.spec.name, draft.snapshot
    for note in target.limited:
        direction = "up" if note.after < note.before else "down"
        draft.refuse(name, note.guardrail, direction, abs(note.before - note.after), note.reason)
    held = snapshot.trust.act or _paused(group, snapshot)
    before = len(draft.actions)
    if held:
        draft.refuse(name, "pause", "both", 0, held)
    else:
        _forget(draft, group)
        if target.workers > group.counted:
            _grow(draft, group, target)
        _operator(draft, group)
        if target.workers < group.counted:
            _shrink(draft, group, target)
        _finish(draft, group)
    did = len(draft.actions) - before
    draft.notes[name] = held or (f"{did} actions" if did else _nothing(group, target))


def _paused(group: WorkerGroup, snapshot: Snapshot) -> str:
    wishes = in_force(snapshot.overrides, group.spec.name, snapshot.now)
    return next((wish.describe() for wish in wishes if wish.kind is OverrideKind.PAUSE), "")


def _nothing(group: WorkerGroup, target: Target) -> str:
    if target.workers == group.counted:
        return f"nothing to do: {target.workers} wanted ({target.reason}), {group.counted} there"
    return f"nothing can be done now: {target.workers} wanted ({target.reason}), {group.counted} there"


def _forget(draft: _Draft, group: WorkerGroup) -> None:
    """Workers whose server is gone for certain leave the fleet; so do intents that never became a server."""
    if not group.count(Phase.GONE) and not group.count(Phase.FAILED):
        return
    patience = 3 * group.spec.launch_seconds
    for worker in group.workers:
        record = worker.record
        if worker.phase is Phase.GONE:
            asked = record.delete_asked_at is not None
            if asked and record.joined_at is not None and record.cleared_at is None:
                text = "gone, and not every schedd has said yet that no job names it"
                draft.refuse(worker.group, "proof", "down", 0, text, worker.name)
                continue
            why = f"deleted as asked: {record.delete_reason}" if asked else "its server is gone without our asking"
            draft.act(Forget(group=worker.group, worker=worker.name, reason=why))
        elif (
            worker.phase is Phase.FAILED
            and record.server_id is None
            and worker.seconds_in_phase >= patience
            and not worker.stale  # A cloud that does not list its servers may have this one.
        ):
            why = f"no server has come of this intent in {patience:.0f} s"
            draft.act(Forget(group=worker.group, worker=worker.name, reason=why))


def _grow(draft: _Draft, group: WorkerGroup, target: Target) -> None:
    """Take back drains of ours first, then launch; the limits count every server that exists, whatever its phase."""
    missing = target.workers - group.counted
    back = resumable(group.workers)[:missing] if group.resumable else []
    for worker in back:
        draft.act(Resume(group=worker.group, worker=worker.name, reason=f"needed again: {target.reason}"))
    missing -= len(back)
    room = max(0, group.spec.maximum - group.existing)
    if missing > room:
        text = f"{group.existing} servers exist, the maximum is {group.spec.maximum}"
        draft.refuse(group.spec.name, "limits", "up", missing - room, text)
    for _ in range(min(missing, room)):
        draft.sequence += 1
        name = f"{group.spec.name}-{draft.snapshot.ledger[:8]}-{draft.sequence}"
        draft.act(Launch(group=group.spec.name, worker=name, reason=target.reason))


def _operator(draft: _Draft, group: WorkerGroup) -> None:
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


def _drain_asked(draft: _Draft, worker: Worker) -> None:
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
    # Under a stream of jobs a black hole is never seen idle: its startd is asked at each tick, which is safe.
    draft.act(_drain(draft.snapshot, worker, why, busy=worker.busy and busy))


def _drain(snapshot: Snapshot, worker: Worker, why: str, *, busy: bool = False) -> DrainWorker:
    mark = nonce(snapshot.ledger, worker.name, snapshot.tick)
    return DrainWorker(group=worker.group, worker=worker.name, nonce=mark, reason=why, busy=busy)


def _shrink(draft: _Draft, group: WorkerGroup, target: Target) -> None:
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


def _finish(draft: _Draft, group: WorkerGroup) -> None:
    """What earlier ticks began.

    Drained workers are deleted or put back, failed ones removed on proof, deletions repeated.
    """
    for worker in unfinished(group.workers):
        if worker.phase in BEGUN or (worker.phase is Phase.READY and worker.record.fence_asked_at is not None):
            for action in _next_step(draft, group, worker):
                draft.act(action)


def _next_step(draft: _Draft, group: WorkerGroup, worker: Worker) -> Iterator[Action]:
    record, now = worker.record, draft.snapshot.now
    name, where = worker.name, worker.group
    if worker.phase is Phase.DELETING:
        due = record.delete_asked_at is not None and now - record.delete_asked_at >= group.spec.delete_repeat_seconds
        if due and not worker.stale:
            yield Delete(group=where, worker=name, proof=proof_of(worker), reason=f"again: {record.delete_reason}")
    elif record.fence_asked_at is not None and record.drain is None:
        yield Resume(group=where, worker=name, reason="its startd was switched off and its removal not finished")
    elif worker.phase is Phase.DRAINED:
        yield from _drained(draft, group, worker)
    elif worker.phase is Phase.DRAINING and record.protected_by:
        yield Resume(group=where, worker=name, reason=f"protected by {record.protected_by}")
    elif worker.phase is Phase.FAILED and record.server_id is not None:
        if why := _not_gone(draft.snapshot, worker):
            draft.refuse(where, "proof", "down", 1, f"not proved gone: {why}", name)
        else:
            yield Delete(group=where, worker=name, proof=Proof.GONE, reason=record.failure)


def _not_gone(snapshot: Snapshot, worker: Worker) -> str:
    """Why a failed worker is not deleted yet; empty when it is proved gone."""
    if snapshot.trust.shrink or worker.proof_missing:
        return snapshot.trust.shrink or worker.proof_missing
    if worker.record.protected_by:
        return f"protected by {worker.record.protected_by}"
    # Paused, migrating, rescued: somebody is at work on it, and an error or a stop is told apart from that.
    if worker.flagged:
        return "its server's status needs a look"
    return "its source is stale" if worker.stale else ""


def _drained(draft: _Draft, group: WorkerGroup, worker: Worker) -> Iterator[Action]:
    record, now = worker.record, draft.snapshot.now
    if why := (f"protected by {record.protected_by}" if record.protected_by else record.passed_over(now)):
        yield Resume(group=worker.group, worker=worker.name, reason=why)
        return
    confirmed = record.drain.confirmed_at if record.drain is not None else None
    if confirmed is None or now - confirmed < group.spec.validation_seconds:
        return
    doubt = draft.snapshot.trust.shrink or ("its source is stale" if worker.stale else "")
    doubt = doubt or ("its server's status needs a look" if worker.flagged else "")
    if doubt:
        draft.refuse(worker.group, "freshness", "down", 1, f"drained, not deleted yet: {doubt}", worker.name)
        return
    why = f"drained and empty for {now - confirmed:.0f} s"
    yield Delete(group=worker.group, worker=worker.name, proof=Proof.DRAINED, reason=why)


def proof_of(worker: Worker) -> Proof:
    """On which proof a deletion that was begun goes on."""
    record = worker.record
    if record.drain is not None and record.drain.confirmed_at is not None:
        return Proof.DRAINED
    if record.wish is not None and record.wish.kind is WishKind.FORCE:
        return Proof.FORCED
    return Proof.BUILDING if worker.building and record.joined_at is None else Proof.GONE


def _adoptions(snapshot: Snapshot) -> Iterator[Adopt]:
    """Servers of a ledger that the operator handed over become workers of ours."""
    for server in snapshot.orphans:
        if server.ledger != snapshot.ledger and server.worker and server.group in snapshot.groups:
            why = f"handed over from ledger {server.ledger}"
            yield Adopt(group=server.group, worker=server.worker, server_id=server.id, reason=why)
