"""What holds for every plan, whatever is seen, missing, stale or wrong."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from elastic.core import fleet as fleets
from elastic.core.actions import Adopt, Delete, DrainWorker, Forget, Launch, Proof, Resume
from elastic.core.change import applied
from elastic.core.guardrails import constrain
from elastic.core.lifecycle import TRANSITIONS, Phase
from elastic.core.memory import MemoryChange, WishKind
from elastic.core.model import Snapshot, Worker
from elastic.core.observation import Machines, Observations, Servers
from elastic.core.override import OverrideKind, in_force
from elastic.core.planner import plan
from elastic.core.record import Plan
from elastic.core.sighting import timers
from tests.core.builders import (
    NOW,
    SITE,
    changed,
    drain,
    failed,
    joined,
    look,
    machine,
    memory,
    server,
    spec,
    wish,
)
from tests.property.worlds import World, observed, records, sightings, worlds


def decided(world: World) -> tuple[Snapshot, MemoryChange, Plan]:
    snapshot, change = look(world.observations, world.memory, *world.specs)
    return snapshot, change, plan(snapshot, constrain(world.proposal, snapshot, SITE), SITE)


def workers(snapshot: Snapshot) -> dict[str, Worker]:
    return {w.name: w for group in snapshot.groups.values() for w in group.workers}


def wished(worker: Worker, *kinds: WishKind) -> bool:
    return worker.record.wish is not None and worker.record.wish.kind in kinds


@given(worlds())
def test_a_busy_worker_is_drained_only_when_the_operator_asked_for_just_that(world: World) -> None:
    snapshot, _, made = decided(world)
    known = workers(snapshot)
    for action in made.actions:
        if not isinstance(action, DrainWorker):
            continue
        worker = known[action.worker]
        assert (worker.phase, worker.stale, worker.record.protected_by) == (Phase.READY, False, "")
        # A black hole seen busy is asked too, by the check that its startd refuses while anything is claimed.
        black_hole = bool(worker.record.quarantine) and worker.record.wish is None
        assert not worker.busy or wished(worker, WishKind.DRAIN_BUSY) or black_hole
        assert action.busy == (worker.busy and wished(worker, WishKind.DRAIN_BUSY))
        if worker.record.wish is None and not worker.record.quarantine:
            assert (worker.flagged, worker.keep, snapshot.trust.shrink) == (False, "", "")


@given(worlds())
def test_nothing_is_deleted_without_one_of_the_four_proofs(world: World) -> None:
    snapshot, _, made = decided(world)
    known = workers(snapshot)
    answers = world.observations.answers
    for action in made.actions:
        if not isinstance(action, Delete):
            continue
        worker, record = known[action.worker], known[action.worker].record
        again = worker.phase is Phase.DELETING and record.delete_asked_at is not None
        if action.proof is Proof.FORCED:
            assert wished(worker, WishKind.FORCE)
            continue
        assert not worker.stale
        assert again or not (worker.flagged or record.protected_by)
        if again:
            continue
        match action.proof:
            case Proof.DRAINED:
                asked = answers.inspections[worker.name]
                own = (
                    asked.drain is not None
                    and asked.drain.drained
                    and asked.drain.reason.startswith("elastic:ledger-1")
                )
                assert own or (asked.silent and record.fence_asked_at is not None)
                assert record.drain is not None
                assert record.drain.confirmed_at is not None
                assert NOW - record.drain.confirmed_at >= 15
                assert snapshot.trust.shrink == ""
            case Proof.BUILDING:
                assert (worker.building, record.joined_at, worker.phase) == (True, None, Phase.BOOTING)
                assert snapshot.trust.shrink == ""
            case Proof.GONE:
                assert (worker.phase, worker.proof_missing, snapshot.trust.shrink) == (Phase.FAILED, "", "")
                assert answers.jobs is not None
                assert answers.jobs.complete
                assert not answers.jobs.jobs.get(record.machine or record.name)
                assert not record.address or answers.inspections[worker.name].silent
                assert record.vanished_at is None or NOW - record.vanished_at >= 2400


@given(worlds())
def test_a_foreign_drain_is_left_alone_and_one_worker_has_one_action(world: World) -> None:
    snapshot, _, made = decided(world)
    names = [action.worker for action in made.actions]
    assert len(names) == len(set(names))
    foreign = {w.name for w in workers(snapshot).values() if w.phase is Phase.FOREIGN_DRAIN}
    touched = [a for a in made.actions if a.worker in foreign]
    assert all(isinstance(a, Delete) and a.proof is Proof.FORCED for a in touched)


@given(worlds())
def test_there_are_never_more_servers_than_the_maximum_by_our_doing(world: World) -> None:
    snapshot, _, made = decided(world)
    for name, group in snapshot.groups.items():
        launched = sum(1 for a in made.actions if isinstance(a, Launch) and a.group == name)
        assert launched == 0 or group.existing + launched <= group.spec.maximum
        assert made.targets[name].workers <= max(group.spec.maximum, group.counted)


@given(worlds())
def test_in_doubt_nothing_grows_or_shrinks(world: World) -> None:
    snapshot, _, made = decided(world)
    if snapshot.trust.grow:
        assert not [a for a in made.actions if isinstance(a, Launch)]
    if snapshot.trust.shrink:
        known = workers(snapshot)
        begun = [a for a in made.actions if isinstance(a, Delete) and known[a.worker].phase is not Phase.DELETING]
        assert all(a.proof is Proof.FORCED for a in begun)


@given(worlds(), st.booleans())
def test_a_pause_or_a_foreign_ledger_does_nothing_at_all(world: World, stranger: bool) -> None:  # noqa: FBT001
    if stranger:
        value = world.observations.servers.value
        assert value is not None
        both = Servers(servers=(*value.servers, server("theirs", ledger="ledger-2")))
        there = replace(world.observations, servers=replace(world.observations.servers, value=both))
        world = replace(world, observations=there)
    snapshot, _, made = decided(world)
    paused = {
        name
        for name in snapshot.groups
        if stranger or any(o.kind is OverrideKind.PAUSE for o in in_force(snapshot.overrides, name, NOW))
    }
    assert [a for a in made.actions if a.group in paused] == []


@given(worlds(), st.randoms())
def test_the_order_of_what_is_seen_makes_no_difference(world: World, random: Random) -> None:
    now = world.observations
    assert now.machines.value is not None
    assert now.servers.value is not None
    machines = random.sample(now.machines.value.machines, len(now.machines.value.machines))
    servers = random.sample(now.servers.value.servers, len(now.servers.value.servers))
    mixed: Observations = replace(
        now,
        machines=replace(now.machines, value=replace(now.machines.value, machines=tuple(machines))),
        servers=replace(now.servers, value=Servers(servers=tuple(servers))),
    )
    names = random.sample(sorted(world.memory.workers), len(world.memory.workers))
    other = replace(world.memory, workers={name: world.memory.workers[name] for name in names})
    assert decided(replace(world, observations=mixed, memory=other)) == decided(world)
    assert isinstance(now.machines.value, Machines)


@given(worlds())
def test_looks_again_within_a_tick_and_never_sooner_than_five_seconds(world: World) -> None:
    _, _, made = decided(world)
    assert NOW + 5 <= made.next_wake <= NOW + 30
    assert made.wake_reason


@given(worlds())
def test_everything_done_or_refused_has_a_reason(world: World) -> None:
    _, change, made = decided(world)
    assert all(a.reason for a in made.actions)
    assert all(r.reason and r.guardrail for r in made.refusals)
    assert all(e.text for e in change.events)
    assert set(made.notes) == {"g", "h"}


@given(worlds())
def test_nothing_but_drains_and_deletions_of_ours_is_ever_taken_back_or_forgotten(world: World) -> None:
    snapshot, _, made = decided(world)
    known = workers(snapshot)
    for action in made.actions:
        match action:
            case Resume():
                record = known[action.worker].record
                assert (
                    record.drain is not None or record.fence_asked_at is not None or _ours_by_ad(known[action.worker])
                )
                assert record.delete_asked_at is None
            case Forget():
                worker = known[action.worker]
                nothing_came = worker.phase is Phase.FAILED and worker.record.server_id is None
                assert worker.phase is Phase.GONE or (nothing_came and not worker.stale)
            case Launch() | DrainWorker() | Delete() | Adopt():
                pass


def _ours_by_ad(worker: Worker) -> bool:
    return worker.phase in (Phase.DRAINING, Phase.DRAINED)


STEADY = joined("w1", busy_seen=True)
NEWS: list[dict[str, object]] = [
    {},
    {"drain": drain()},
    {"fence_asked_at": NOW - 5},
    {"delete_asked_at": NOW - 5},
    {"missing_since": NOW - 30},
    {"failed_at": NOW - 30},
    {"vanished_at": NOW - 30},
    {"active_at": None},
    {"joined_at": None},
    {"server_id": None},
    {"started": 6},
    {"address": "<elsewhere>"},
    {"machine": "old.pool"},
    {"busy_seen": False},
    {"wish": wish()},
    {"protected_by": "ann"},
    {"quarantine": "bad disk"},
]


@given(st.data(), st.sampled_from([None, *NEWS]), st.sampled_from([None, NOW - 60, NOW]))
def test_the_short_way_and_the_whole_way_agree_about_every_worker(
    data: st.DataObject, news: dict[str, object] | None, blind_until: float | None
) -> None:
    record = changed(STEADY, news) if news is not None else data.draw(records("w1"))
    sighted = data.draw(sightings(record))
    if news is not None and data.draw(st.integers(0, 3)):
        sighted = replace(
            sighted, server=server(), machine=machine(idle=data.draw(st.sampled_from([None, 5.0, 5000.0])))
        )
    now = data.draw(st.sampled_from([observed((sighted,)), failed(observed((sighted,)), "machines", "servers")]))
    servers = now.servers.value.servers if now.servers.value else ()
    known = memory([record], blind_until=blind_until)
    sight = fleets._sighting(known, now, servers, frozenset({"ledger-1"}), NOW)  # noqa: SLF001
    clock = timers(spec(), ())
    short = sight.worker(sighted.record, sighted.machine, clock)
    assert short == sight.looked_at(sighted.record, sighted.machine, clock)


@given(st.data())
def test_phases_only_follow_each_other_along_the_edges(data: st.DataObject) -> None:
    known = memory([data.draw(records("w1").map(lambda r: replace(r, group="g")))])
    before: Phase | None = None
    for tick in range(8):
        sighted = data.draw(sightings(known.workers["w1"]))
        snapshot, change = look(observed((sighted,)), known, now=NOW + 30 * tick)
        phase = snapshot.groups["g"].workers[0].phase
        assert before is None or phase in TRANSITIONS[before], f"{before} -> {phase}"
        if phase is Phase.GONE:
            return
        before, known = phase, applied(known, change, {})
