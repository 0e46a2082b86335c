"""What has happened since the last tick, one sentence each: read off the records before and after."""

from collections import Counter
from collections.abc import Iterable, Iterator

from elastic.core.fleet import Fleet
from elastic.core.lifecycle import Phase
from elastic.core.memory import BreakerState, Event, GroupMemory, Memory, WorkerRecord
from elastic.core.model import Snapshot, Unserved, Worker
from elastic.core.observation import Observations
from elastic.core.overdue import OVERDUE_SECONDS, is_overdue, overdue


def worker_events(fleet: Fleet, memory: Memory, now: float) -> Iterator[Event]:
    """Joined, adopted, vanished, returned, failed, drained, drain lost, quarantined, gone: in the order of names."""
    for worker in fleet.workers:
        if worker.name not in fleet.records:
            continue
        for kind, text in _of_worker(worker, memory.workers[worker.name]):
            yield Event(at=now, kind=kind, text=text, group=worker.group, worker=worker.name)


def _of_worker(worker: Worker, before: WorkerRecord) -> Iterator[tuple[str, str]]:
    record = worker.record
    if record.server_id is not None and before.server_id is None:
        yield "adopted", f"server {record.server_id} carries its intent: it is the one that was asked for"
    if record.joined_at is not None and before.joined_at is None:
        yield (
            "joined",
            f"its startd joined {record.joined_at - record.requested_at:.0f} s after it was asked for",
        )
    if record.vanished_at is not None and before.vanished_at is None:
        yield "vanished", "its machine ad is no longer in the collector"
    if record.vanished_at is None and before.vanished_at is not None:
        yield "returned", "its machine ad is back in the collector"
    if record.failed_at is not None and before.failed_at is None:
        yield "failed", record.failure
    if record.quarantine and not before.quarantine:
        yield "quarantined", f"black hole: {record.quarantine}"
    if record.missing_since is not None and before.missing_since is None:
        yield "missing", "the cloud answers that its server does not exist; asked again at the next tick"
    yield from _of_drain(worker, before)


def _of_drain(worker: Worker, before: WorkerRecord) -> Iterator[tuple[str, str]]:
    record = worker.record
    if worker.phase is Phase.FOREIGN_DRAIN and (record.drain is None) != (before.drain is None):
        yield "foreign_drain", f"somebody else's drain replaced ours: {record.foreign_drain}"
    elif record.foreign_drain and not before.foreign_drain:
        yield "foreign_drain", f"somebody else drains it: {record.foreign_drain}"
    elif before.foreign_drain and not record.foreign_drain:
        yield "foreign_drain_over", "nobody else drains it any more"
    elif record.drain is None and before.drain is not None:
        yield "drain_lost", "its startd answers and is not draining (restarted, or the drain was cancelled)"
    elif record.drain is not None and before.drain is None:
        yield "drain_found", "a drain of ours that was not written down was found on it"
    elif _confirmed(record) and not _confirmed(before):
        yield "drained", "its startd says: drained, nothing on it"


def _confirmed(record: WorkerRecord) -> bool:
    return record.drain is not None and record.drain.confirmed_at is not None


def group_events(before: GroupMemory | None, after: GroupMemory, now: float) -> Iterator[Event]:
    """Breaker moves, shapes found futile, templates refused or dropped."""
    known = before or GroupMemory(group=after.group)
    if after.breaker.state is not known.breaker.state:
        text = {
            BreakerState.CLOSED: "breaker closed: boots as wanted",
            BreakerState.OPEN: f"breaker open after {after.breaker.failures} failed boots: {after.breaker.reason}",
            BreakerState.CANARY: f"one canary is booting: {after.breaker.canary}",
        }[after.breaker.state]
        yield Event(at=now, kind="breaker", text=text, group=after.group)
    if after.odd is not None and after.odd != known.odd:
        text = f"no template for its group: {after.odd.reason}; is it broken, or is the group's shape set wrong?"
        yield Event(at=now, kind="template_refused", text=text, group=after.group, worker=after.odd.worker)
    if after.template_dropped_at != known.template_dropped_at:
        text = f"{after.template_dropped_reason}; the next worker will show"
        yield Event(at=now, kind="template_dropped", text=text, group=after.group)
    for shape, found in sorted(after.futile.items()):
        earlier = known.futile.get(shape)
        if found.until is not None and (earlier is None or earlier.until is None):
            yield Event(at=now, kind="futile", text=f"jobs like {shape}: {found.reason}", group=after.group)


def misfit_events(misfits: Iterable[Unserved], memory: Memory, now: float) -> Iterator[Event]:
    """Each shape that fits nowhere is named once."""
    for item in misfits:
        if item.shape not in memory.misfits_named:
            text = f"{item.jobs} jobs like {item.example or item.shape} fit nowhere: {item.reason}"
            yield Event(at=now, kind="misfit", text=text)


def loss_events(fleet: Fleet, seen: Observations, now: float) -> Iterator[Event]:
    """A job is lost when, after a deletion, a schedd still names the worker or its history shows an eviction there.

    One event a job; the text begins with the cause, as the metric names it.
    """
    evicted = Counter(a.machine for a in seen.attempts if a.evicted)
    named = seen.answers.jobs.jobs if seen.answers.jobs is not None else {}
    if not (evicted or named):
        return
    deleted = {w.record.machine or w.name: w for w in fleet.workers if w.record.delete_asked_at is not None}
    # Told once, when it is gone and every schedd has answered: a job's shadow names it for the whole lease.
    for machine, worker in sorted(deleted.items()):
        jobs = named.get(machine, ()) if worker.record.cleared_at == now else ()
        lost = [f"named_after_deletion: job {job} names it" for job in jobs]
        lost += ["evicted: the history shows an eviction on it after its deletion was asked for"] * evicted[machine]
        for text in lost:
            yield Event(at=now, kind="job_lost", text=text, group=worker.group, worker=worker.name)


def mismatch_events(fleet: Fleet, now: float) -> Iterator[Event]:
    """A server gone unasked while one that was asked for still stands: the cloud may have taken the wrong one."""
    gone = [w for w in fleet.workers if w.phase is Phase.GONE and w.record.delete_asked_at is None]
    if not gone:
        return
    standing = {w.group: w.name for w in fleet.workers if w.phase is Phase.DELETING and not w.stale}
    for worker in gone:
        if worker.group in standing:
            text = f"its server is gone unasked, while {standing[worker.group]}, asked for, still stands"
            yield Event(at=now, kind="victim_mismatch", text=text, group=worker.group, worker=worker.name)


def state_events(snapshot: Snapshot, memory: Memory, alert: str) -> Iterator[Event]:
    """The pool going blind, blind for too long (`alert` says so), and seeing again; deletions that are overdue."""
    blind = snapshot.trust.grow
    if alert:
        yield Event(at=snapshot.now, kind="growth_held", text=f"{alert}: {blind}")
    if blind and memory.blind_since is None:
        yield Event(at=snapshot.now, kind="blind", text=blind)
    if not blind and memory.blind_since is not None:
        held = snapshot.now - memory.blind_since
        yield Event(at=snapshot.now, kind="sighted", text=f"no longer blind after {held:.0f} s")
    for group in snapshot.groups.values():
        for worker in overdue(group.workers, snapshot.now) if group.count(Phase.DELETING) else ():
            if not is_overdue(worker.record, memory.last_now):
                text = f"the cloud has not finished its deletion in {OVERDUE_SECONDS:.0f} s; it goes on being asked"
                yield Event(at=snapshot.now, kind="deletion_overdue", text=text, group=worker.group, worker=worker.name)
