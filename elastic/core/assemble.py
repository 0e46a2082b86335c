"""Join servers, machine ads, queues, load, ledger and overrides into one Snapshot, and say what to remember."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from elastic.core import boots, sizes, templates
from elastic.core.change import overridden
from elastic.core.demand import Asked, asked, silent_shapes
from elastic.core.fleet import Fleet, join
from elastic.core.futility import watch
from elastic.core.lifecycle import Phase
from elastic.core.memory import Event, GroupMemory, Memory, MemoryChange, WorkerRecord
from elastic.core.merging import Signals, merged, odd_events, signals, told
from elastic.core.model import GroupSpec, SiteSpec, Snapshot, Worker, WorkerGroup
from elastic.core.news import group_events, loss_events, misfit_events, mismatch_events, state_events, worker_events
from elastic.core.observation import Negotiation, Observations, Quota, Server
from elastic.core.rooms import Part, room, supply, tally
from elastic.core.schedules import in_force
from elastic.core.stats import percentile
from elastic.core.trust import Judgement, judge


def assemble(
    seen: Observations, memory: Memory, specs: Mapping[str, GroupSpec], site: SiteSpec, now: float
) -> tuple[Snapshot, MemoryChange]:
    """Everything known at `now`, and what is to be remembered of it (saved before anything is done)."""
    fleet = join(memory, seen, specs, now)
    judgement = judge(seen, fleet, memory, site, now)
    fleet = merged(fleet, seen, site, now, blind=bool(judgement.trust.grow))
    fleet, known = _learn(fleet, memory, seen, specs, now, blind=bool(judgement.trust.grow))
    known, pins = sizes.adopted(seen.sizes, memory, known, site, now)
    seen = templates.without_plain(seen)
    by_group = _by_group(fleet.workers, specs)
    parts = {name: _part(specs[name], by_group[name], known[name], fleet, seen, now) for name in specs}
    negotiation = seen.negotiation.value or Negotiation()
    free = room(parts.values(), fleet.machines, fleet.others, now)
    answer = asked(seen.queue.value, negotiation, free, known, now)
    cycles = [c for c in negotiation.cycles if c > memory.last_cycle]
    new_cycles = len(cycles) if memory.last_cycle else 0
    with_room: dict[str, set[str]] = {name: set() for name in specs}
    held_up = silent_shapes(seen.queue.value)
    for shape, name in answer.packed.ready_room:
        # Jobs of a schedd that does not answer start nowhere, and that says nothing about them.
        if shape not in held_up:
            with_room[name].add(shape)
    known = {name: watch(mine, answer.shapes, with_room[name], new_cycles, site, now) for name, mine in known.items()}
    merging = signals(by_group, seen, site, now)
    snapshot = Snapshot(
        now=now,
        tick=memory.tick + 1,
        groups={
            name: _group(parts[name], known[name], answer, seen, fleet.orphans, merging[name]) for name in sorted(specs)
        },
        demand=answer.demand,
        others=supply(fleet.others),
        sources=judgement.sources,
        trust=judgement.trust,
        overrides=reduce(overridden, pins, memory).overrides,
        ledger=memory.ledger,
        sequence=memory.sequence,
        strangers=fleet.strangers,
        orphans=fleet.orphans,
        ungrouped=fleet.ungrouped,
        cores=told(seen, site).cores,
    )
    last_cycle = max((*cycles, memory.last_cycle))
    change = _change(memory, snapshot, fleet, seen, judgement, answer, last_cycle)
    change = replace(change, events=(*change.events, *odd_events(fleet, memory, snapshot.cores, site, now)))
    if pins:
        change = replace(change, overrides=pins, events=(*change.events, *sizes.adoption_events(pins, now)))
    return snapshot, change


def _learn(
    fleet: Fleet, memory: Memory, seen: Observations, specs: Mapping[str, GroupSpec], now: float, *, blind: bool
) -> tuple[Fleet, dict[str, GroupMemory]]:
    """Black holes, join times, breaker and templates.

    What this tick's sightings teach, written into records and groups.
    """
    changed = {record.name: record for record in boots.failing_starts(fleet.workers, seen.attempts, specs)}
    by_group = _by_group(_with(fleet.workers, changed), specs)
    ads = seen.machines.value.template_ads if seen.machines.value else {}
    known: dict[str, GroupMemory] = {}
    for name, spec in sorted(specs.items()):
        mine = by_group[name]
        group, counted = boots.learn(
            memory.groups.get(name) or fresh(spec), spec, mine, memory.workers, now, blind=blind
        )
        # The ad of a new kind may come a few ticks after its first worker.
        since = now - spec.launch_seconds if group.template is not None else 0.0
        joined = [w.record for w in mine if w.record.joined_at is not None and w.record.joined_at >= since]
        group = templates.learn(group, spec, joined, fleet.machines, ads)
        known[name] = templates.doubt(group, spec, mine, seen.queue.value, now)
        changed |= {record.name: record for record in counted}
    records = {**fleet.records, **changed}
    return replace(fleet, workers=_with(fleet.workers, changed), records=records), known


def fresh(spec: GroupSpec) -> GroupMemory:
    """What is known of a group of which nothing is known."""
    return GroupMemory(group=spec.name, boot_allowance=spec.boots_start)


def _with(workers: tuple[Worker, ...], changed: Mapping[str, WorkerRecord]) -> tuple[Worker, ...]:
    if not changed:
        return workers
    return tuple(w.moved_on(changed[w.name]) if w.name in changed else w for w in workers)


def _by_group(workers: Iterable[Worker], specs: Mapping[str, GroupSpec]) -> dict[str, list[Worker]]:
    groups: dict[str, list[Worker]] = {name: [] for name in specs}
    for worker in workers:
        groups[worker.group].append(worker)
    return groups


def _part(
    spec: GroupSpec, workers: Sequence[Worker], known: GroupMemory, fleet: Fleet, seen: Observations, now: float
) -> Part:
    quota = (seen.quotas.value or {}).get(spec.name, Quota(workers_left=None))
    counted = tally(spec, workers, fleet.machines)
    hours = in_force(spec.schedules, now)
    return Part(spec=spec, workers=workers, known=known, quota=quota, tally=counted, schedule=hours)


def _group(
    part: Part, known: GroupMemory, answer: Asked, seen: Observations, orphans: Iterable[Server], merging: Signals
) -> WorkerGroup:
    workers, counted = part.workers, part.tally
    standing = sizes.standing(part.spec, seen.sizes, seen.servers.value, workers, orphans)
    return WorkerGroup(
        spec=part.spec,
        counts=counted.counts,
        busy=counted.busy,
        quarantined=counted.quarantined,
        foreign_draining=counted.counts.get(Phase.FOREIGN_DRAIN, 0),
        lost_counted=counted.lost_counted,
        resumable=counted.resumable,
        demand=replace(answer.groups[part.spec.name], running_jobs=counted.jobs),
        quota_left=part.quota.workers_left,
        quota_reason=part.quota.reason,
        template=part.offers,
        join_p95_seconds=percentile(known.join_seconds, 0.95),
        load=merging.load,
        odd=merging.odd,
        alarms=merging.alarms,
        breaker=known.breaker,
        backoff_until=known.backoff_until,
        backoff_reason=known.backoff_reason,
        boot_allowance=known.boot_allowance,
        policy_memory=known.policy_memory,
        memory=known,
        changing=standing.changing,
        newcomers=standing.newcomers,
        left=standing.left,
        schedule=part.schedule,
        workers=workers,
    )


def _change(
    memory: Memory,
    snapshot: Snapshot,
    fleet: Fleet,
    seen: Observations,
    judgement: Judgement,
    answer: Asked,
    last_cycle: int,
) -> MemoryChange:
    now = snapshot.now
    known = [group.memory for group in snapshot.groups.values()]
    events: list[Event] = [
        *worker_events(fleet, memory, now),
        *loss_events(fleet, seen, now),
        *mismatch_events(fleet, now),
        *(event for mine in known for event in group_events(memory.groups.get(mine.group), mine, now)),
        *misfit_events(answer.misfits, memory, now),
        *state_events(snapshot, memory, judgement.alert),
    ]
    named = tuple(sorted(item.shape for item in answer.misfits))
    return MemoryChange(
        workers=tuple(fleet.records[name] for name in sorted(fleet.records)),
        groups=tuple(mine for mine in known if mine != memory.groups.get(mine.group)),
        overrides_ended=tuple(o.id for o in memory.overrides if o.expires_at <= now),
        tick=snapshot.tick,
        last_cycle=last_cycle,
        blind=(judgement.blind_since, judgement.blind_until),
        last_now=now,
        misfits_named=named if named != memory.misfits_named else None,
        events=tuple(events),
    )
