"""How answers are made from the daemon's values; pure."""

from collections.abc import Mapping
from dataclasses import asdict

from elastic.api import schemas
from elastic.api.service import Health
from elastic.core.actions import verb
from elastic.core.lifecycle import Phase
from elastic.core.memory import Event, Memory
from elastic.core.model import Snapshot, Worker, WorkerGroup
from elastic.core.overdue import overdue
from elastic.core.override import Override, in_force
from elastic.core.policy import Target
from elastic.core.record import TickRecord


def status(health: Health, record: TickRecord | None, memory: Memory) -> schemas.StatusOut:
    """How everything is; before the first tick only the daemon itself is known."""
    snapshot = record.snapshot if record else Snapshot(now=health.now, tick=0, groups={})
    state = "unhealthy" if health.unhealthy else "waiting" if health.unready else "ok"
    return schemas.StatusOut(
        version=health.version,
        pool=health.pool,
        ledger=health.ledger,
        world=health.world,
        mode=health.mode,
        state=state,
        detail=health.unhealthy or health.unready,
        now=health.now,
        started_at=health.started_at,
        tick=record.tick if record else None,
        last_tick_at=record.now if record else None,
        next_wake=health.next_wake,
        wake_reason=health.wake_reason,
        failed_ticks=health.failed_ticks,
        last_error=health.last_error,
        queue=queue(snapshot) if record else None,
        sources=[schemas.SourceOut(**asdict(source)) for source in snapshot.sources.values()],
        trust=schemas.TrustOut(**asdict(snapshot.trust)),
        groups=groups(record, memory, health.now),
        overrides=[override(o) for o in memory.overrides if o.expires_at > health.now],
        strays=strays(snapshot, memory),
    )


def strays(snapshot: Snapshot, memory: Memory) -> list[schemas.StrayOut]:
    """What is seen and belongs to nothing that is configured here."""
    found = [("stranger", server) for server in snapshot.strangers] + [
        ("orphan", server) for server in snapshot.orphans
    ]
    known = {name: memory.workers.get(name) for name in snapshot.ungrouped}
    return [
        schemas.StrayOut(kind=kind, name=s.name, server_id=s.id, group=s.group, ledger=s.ledger or "")
        for kind, s in found
    ] + [
        schemas.StrayOut(
            kind="ungrouped", name=name, server_id=(r.server_id or "") if r else "", group=r.group if r else ""
        )
        for name, r in known.items()
    ]


def groups(record: TickRecord | None, memory: Memory, now: float) -> list[schemas.GroupOut]:
    """Every group of the newest tick."""
    found = record.snapshot.groups.values() if record else ()
    return [group(g, record, memory, now) for g in found if record]


def group(seen: WorkerGroup, record: TickRecord, memory: Memory, now: float) -> schemas.GroupOut:
    """One group, with what the newest tick decided for it."""
    name = seen.spec.name
    demand = seen.demand
    return schemas.GroupOut(
        name=name,
        minimum=seen.spec.minimum,
        maximum=seen.spec.maximum,
        phases={phase: number for phase, number in seen.counts.items() if number},
        existing=seen.existing,
        upcoming=seen.upcoming,
        ready=seen.ready,
        busy=seen.busy,
        idle=seen.idle,
        quarantined=seen.quarantined,
        demand=schemas.DemandOut(**asdict(demand)),
        target=target(record.targets.get(name), record.proposal, name),
        note=record.plan.notes.get(name, ""),
        quota_left=seen.quota_left,
        quota_reason=seen.quota_reason,
        breaker=schemas.BreakerOut(
            state=seen.breaker.state,
            failures=seen.breaker.failures,
            next_canary_at=seen.breaker.next_canary_at,
            canary=seen.breaker.canary,
            reason=seen.breaker.reason,
        ),
        backoff_until=seen.backoff_until,
        backoff_reason=seen.backoff_reason,
        overdue_deletions=[w.name for w in overdue(seen.workers, now)] if seen.count(Phase.DELETING) else [],
        load=seen.load,
        **asdict(seen.odd),
        alarms=[schemas.AlarmOut(**asdict(one)) for one in seen.alarms],
        boot_allowance=seen.boot_allowance,
        overrides=[override(o) for o in in_force(memory.overrides, name, now)],
        schedule=seen.schedule.text,
        schedule_changes_at=seen.schedule.until,
    )


def queue(snapshot: Snapshot) -> schemas.QueueOut:
    """The queue as a whole."""
    demand = snapshot.demand
    return schemas.QueueOut(
        idle_jobs=demand.idle_jobs,
        running_jobs=demand.running_jobs,
        held_jobs=demand.held_jobs,
        placed_elsewhere=demand.placed_elsewhere,
        other_universes=dict(demand.other_universes),
        unserved=[schemas.UnservedOut(**asdict(unserved)) for unserved in demand.unserved],
    )


def target(left: Target | None, proposal: Mapping[str, Target], name: str) -> schemas.TargetOut | None:
    """What the guardrails left of the policy's proposal; None where a group has no target."""
    if left is None:
        return None
    proposed = proposal.get(name)
    return schemas.TargetOut(
        workers=left.workers,
        reason=left.reason,
        proposed=proposed.workers if proposed else None,
        proposed_reason=proposed.reason if proposed else "",
        limited_by=[limited.guardrail for limited in left.limited],
    )


def override(value: Override) -> schemas.OverrideOut:
    """An override as it is."""
    return schemas.OverrideOut(**asdict(value))


def worker(seen: Worker, memory: Memory, tick: Snapshot) -> schemas.WorkerOut:
    """One worker: its phase from the newest tick, what was asked of it from the ledger, maybe newer."""
    record = memory.workers.get(seen.name, seen.record)
    drain, odd = record.drain, seen.record.odd
    return schemas.WorkerOut(
        name=seen.name,
        group=seen.group,
        phase=seen.phase,
        busy=seen.busy,
        idle_seconds=seen.idle_seconds,
        seconds_in_phase=seen.seconds_in_phase,
        use=seen.use,
        use_seconds=tick.now - odd.since if odd is not None else None,
        cores=tick.cores.get(seen.name),
        leftover_ignored_by=record.excuse.author if record.excuse is not None and record.is_excused else "",
        server_id=record.server_id,
        machine=record.machine,
        keep=seen.keep,
        proof_missing=seen.proof_missing,
        flagged=seen.flagged,
        stale=seen.stale,
        protected_by=record.protected_by,
        quarantine=record.quarantine,
        failure=record.failure,
        wish=f"{record.wish.kind} by {record.wish.author} ({record.wish.reason})" if record.wish else "",
        requested_at=record.requested_at,
        joined_at=record.joined_at,
        drain_asked_at=drain.asked_at if drain else None,
        drain_confirmed_at=drain.confirmed_at if drain else None,
        delete_asked_at=record.delete_asked_at,
    )


def plan(record: TickRecord) -> schemas.PlanOut:
    """What a dry tick would do."""
    names = sorted(record.targets)
    targets = {name: target(record.targets[name], record.proposal, name) for name in names}
    return schemas.PlanOut(
        now=record.now,
        mode=record.mode,
        actions=[
            schemas.ActionOut(action=verb(a), group=a.group, worker=a.worker, reason=a.reason)
            for a in record.plan.actions
        ],
        targets={name: found for name, found in targets.items() if found is not None},
        refusals=[schemas.RefusalOut(**asdict(refusal)) for refusal in record.plan.refusals],
        notes=dict(record.plan.notes),
        next_wake=record.plan.next_wake,
        wake_reason=record.plan.wake_reason,
    )


def event(value: Event) -> schemas.EventOut:
    """An event as it is."""
    return schemas.EventOut(**asdict(value))
