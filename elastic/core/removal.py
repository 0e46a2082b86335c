"""What earlier ticks began: workers that are gone leave, drained and failed ones are deleted on proof or put back."""

from collections.abc import Iterator

from elastic.core.actions import Action, Delete, Forget, Proof, Resume
from elastic.core.draft import Draft
from elastic.core.lifecycle import Phase
from elastic.core.memory import WishKind
from elastic.core.model import Snapshot, Worker, WorkerGroup
from elastic.core.victims import BEGUN, unfinished


def forget(draft: Draft, group: WorkerGroup) -> None:
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


def finish(draft: Draft, group: WorkerGroup) -> None:
    """What earlier ticks began.

    Drained workers are deleted or put back, failed ones removed on proof, deletions repeated.
    """
    for worker in unfinished(group.workers):
        if worker.phase in BEGUN or (worker.phase is Phase.READY and worker.record.fence_asked_at is not None):
            for action in _next_step(draft, group, worker):
                draft.act(action)


def _next_step(draft: Draft, group: WorkerGroup, worker: Worker) -> Iterator[Action]:
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


def _drained(draft: Draft, group: WorkerGroup, worker: Worker) -> Iterator[Action]:
    record, now = worker.record, draft.snapshot.now
    if why := (f"protected by {record.protected_by}" if record.protected_by else record.passed_over(now)):
        yield Resume(group=worker.group, worker=worker.name, reason=why)
        return
    confirmed = record.drain.confirmed_at if record.drain is not None else None
    if confirmed is None or now - confirmed < group.spec.validation_seconds:
        return
    doubt = draft.snapshot.trust.shrink or ("its source is stale" if worker.stale else "")
    doubt = doubt or ("its server's status needs a look" if worker.flagged else "")
    if not doubt and record.is_leftover and record.wish is None:
        text = "drained, not deleted yet: something computes there that HTCondor knows nothing of"
        draft.refuse(worker.group, "leftover", "down", 1, text, worker.name)
        return
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
