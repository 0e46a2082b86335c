"""What boots teach a group.

Join times, how many may be in flight, the breaker and its canaries, black holes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState, GroupMemory, WorkerRecord
from elastic.core.model import GroupSpec, Worker
from elastic.core.observation import Attempt

KEPT_TIMES = 100
"""Join and drain times remembered per group: enough for a p99, small enough to follow a change of image."""


def learn(
    known: GroupMemory,
    spec: GroupSpec,
    workers: Sequence[Worker],
    before: Mapping[str, WorkerRecord],
    now: float,
    *,
    blind: bool = False,
) -> tuple[GroupMemory, tuple[WorkerRecord, ...]]:
    """The group's memory after this tick's joins and failures, and the records marked as counted for the breaker.

    While `blind` no boot counts as failed: that its startd is not seen says nothing.
    """
    known = _watched(known, workers)
    counted: list[WorkerRecord] = []
    for worker in workers:
        if worker.steady:
            continue
        record = worker.record
        if record.joined_at == now and _joined_now(record, before.get(record.name)):
            known = _joined(known, spec, record)
        if record.counted:
            continue
        if not (blind or worker.stale) and (why := _failed_boot(worker, spec)):
            known = _failed(known, spec, record, why, now)
            counted.append(replace(record, counted=True))
        elif _has_stayed(record, spec, now):
            known = _stayed(known, record)
            counted.append(replace(record, counted=True))
    return _unwatched(known, workers, now), tuple(counted)


def may_boot(breaker: Breaker, now: float) -> int | None:
    """How many boots the breaker allows now; None = as many as wanted."""
    match breaker.state:
        case BreakerState.CLOSED:
            return None
        case BreakerState.CANARY:
            return 0
        case BreakerState.OPEN:
            return 1 if now >= breaker.next_canary_at else 0


def failing_starts(
    workers: Sequence[Worker], attempts: Iterable[Attempt], specs: Mapping[str, GroupSpec]
) -> tuple[WorkerRecord, ...]:
    """Records whose run of failed starts changed; k failures in a row from two or more clusters make a black hole."""
    attempts = tuple(attempts)
    if not attempts:
        return ()
    by_machine = {w.record.machine: w.record for w in workers if w.record.machine}
    changed: dict[str, WorkerRecord] = {}
    for attempt in attempts:
        known = by_machine.get(attempt.machine)
        if known is None or attempt.evicted:
            continue
        record = changed.get(known.name, known)
        if not attempt.failed:
            record = replace(record, failed_starts=0, failed_clusters=())
        else:
            clusters = tuple(sorted({*record.failed_clusters, attempt.cluster}))[:8]
            record = replace(record, failed_starts=record.failed_starts + 1, failed_clusters=clusters)
            if record.failed_starts >= specs[record.group].black_hole_starts and len(clusters) > 1:
                text = f"{record.failed_starts} starts in a row failed, from {len(clusters)} clusters"
                record = replace(record, quarantine=record.quarantine or text)
        changed[known.name] = record
    return tuple(changed[name] for name in sorted(changed) if changed[name] != by_machine[changed[name].machine])


def _joined_now(record: WorkerRecord, before: WorkerRecord | None) -> bool:
    return record.joined_at is not None and (before is None or before.joined_at is None)


def _joined(known: GroupMemory, spec: GroupSpec, record: WorkerRecord) -> GroupMemory:
    # Nobody boots longer than the cap: what took longer was our own absence.
    took = min((record.joined_at or record.requested_at) - record.requested_at, spec.join_seconds_cap)
    joined = known.batch_joined + 1
    doubled = joined >= known.boot_allowance
    return replace(
        known,
        join_seconds=(*known.join_seconds, took)[-KEPT_TIMES:],
        batch_joined=0 if doubled else joined,
        boot_allowance=min(spec.boots_cap, known.boot_allowance * 2) if doubled else known.boot_allowance,
    )


def _failed_boot(worker: Worker, spec: GroupSpec) -> str:
    """Why this worker counts as a failed boot; empty when it does not (a server we deleted ourselves never does)."""
    record = worker.record
    if record.quarantine:
        return f"black hole: {record.quarantine}"
    if record.delete_asked_at is not None:
        return ""
    if record.joined_at is None:
        return record.failure or "gone" if worker.phase in (Phase.FAILED, Phase.GONE) else ""
    lived = (record.vanished_at or record.joined_at) - record.joined_at
    dead = worker.phase in (Phase.FAILED, Phase.GONE) or _replaced(worker, spec)
    return f"died {lived:.0f} s after joining" if dead and lived < spec.breaker_young_seconds else ""


def _has_stayed(record: WorkerRecord, spec: GroupSpec, now: float) -> bool:
    """Whether it lives and is no longer young; one that has vanished has not stayed, however long ago it joined."""
    joined, here = record.joined_at, record.vanished_at is None
    return here and joined is not None and now - joined >= spec.breaker_young_seconds


def _replaced(worker: Worker, spec: GroupSpec) -> bool:
    """Lost for so long that another takes its place: were it not counted, a dying image would fill the group."""
    return worker.phase is Phase.LOST and worker.seconds_in_phase >= spec.lost_counted_seconds


def _failed(known: GroupMemory, spec: GroupSpec, record: WorkerRecord, why: str, now: float) -> GroupMemory:
    breaker = known.breaker
    failures = breaker.failures + 1
    known = replace(known, boot_allowance=max(1, known.boot_allowance // 2), batch_joined=0)
    trips = breaker.state is BreakerState.CLOSED and failures >= spec.breaker_failures
    if not trips and breaker.canary != record.name:
        return replace(known, breaker=replace(breaker, failures=failures, reason=f"{record.name}: {why}"))
    doubled = breaker.backoff_seconds * 2 or spec.breaker_backoff_seconds
    pause = min(spec.breaker_backoff_cap_seconds, doubled)
    opened = Breaker(
        state=BreakerState.OPEN,
        failures=failures,
        next_canary_at=now + pause,
        backoff_seconds=pause,
        reason=f"{record.name}: {why}",
    )
    return replace(known, breaker=opened)


def _stayed(known: GroupMemory, record: WorkerRecord) -> GroupMemory:
    """A worker that stayed ends the row of failures; an open breaker is closed by its canary alone."""
    breaker = known.breaker
    closes = breaker.state is BreakerState.CLOSED or breaker.canary == record.name
    return replace(known, breaker=Breaker()) if closes and breaker != Breaker() else known


def _watched(known: GroupMemory, workers: Sequence[Worker]) -> GroupMemory:
    """An open breaker watches the first worker asked for since, whatever has become of it by now."""
    breaker = known.breaker
    if breaker.state is not BreakerState.OPEN:
        return known
    asked = [
        w.record
        for w in workers
        if w.record.requested_at >= breaker.next_canary_at and not w.record.counted and w.record.delete_asked_at is None
    ]
    if not asked:
        return known
    first = min(asked, key=lambda record: (record.requested_at, record.name))
    return replace(known, breaker=replace(breaker, state=BreakerState.CANARY, canary=first.name))


def _unwatched(known: GroupMemory, workers: Sequence[Worker], now: float) -> GroupMemory:
    """A canary that we removed ourselves is followed by another."""
    breaker = known.breaker
    if breaker.state is not BreakerState.CANARY:
        return known
    if any(w.name == breaker.canary and w.record.delete_asked_at is None for w in workers):
        return known
    return replace(known, breaker=replace(breaker, state=BreakerState.OPEN, canary="", next_canary_at=now))
