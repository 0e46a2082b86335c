"""Telemetry only makes us more careful, whatever it says and whatever else is seen; and these tests can fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic.core import merging
from elastic.core.actions import Delete, DrainWorker
from elastic.core.assemble import assemble
from elastic.core.memory import Memory, MemoryChange
from elastic.core.model import Snapshot, Worker
from elastic.core.observation import Load, Machine, Observations, SourceReading
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic.core.uses import TABLE, Excuse, Oddity, Use
from elastic.core.victims import building_victims, idle_victims
from tests.core.builders import NOW, SITE, failed, joined, look, machine, memory, seen, server
from tests.property.worlds import World, worlds

Tick = tuple[Snapshot, MemoryChange]


@st.composite
def readings(draw: st.DrawFn, world: World) -> SourceReading[Load]:
    """Whatever telemetry may say: of some workers, all or none, of now or long ago, with or without an error."""
    cores = {
        w.record.name: draw(st.sampled_from([0.0, 0.04, 0.12, 0.3, 1.0, 4.0]))
        for w in world.workers
        if draw(st.integers(0, 3))
    }
    measured = Load(
        by_worker={name: used / 4 for name, used in cores.items()},
        cores=cores,
        age_seconds=draw(st.sampled_from([0.0, 30.0, 590.0, 900.0])),
        span_seconds=draw(st.sampled_from([10.0, 60.0, 300.0])),
    )
    error = draw(st.sampled_from(["", "", "", "no route"]))
    value = measured if draw(st.integers(0, 5)) else None
    return SourceReading(value=value, error=error if value is not None else "no answer yet", misses=bool(error))


@st.composite
def metered(draw: st.DrawFn) -> tuple[World, SourceReading[Load]]:
    """A world, and what telemetry says of it; machines tell for how long they have been claimed."""
    world = draw(worlds())
    machines = world.observations.machines
    if machines.value is not None:
        ads = tuple(map(_since, machines.value.machines))
        fresh = replace(machines, value=replace(machines.value, machines=ads))
        world = replace(world, observations=replace(world.observations, machines=fresh))
    return world, draw(readings(world))


def _since(ad: Machine) -> Machine:
    return replace(ad, claimed_seconds=3000.0 if ad.claimed else None)


@st.composite
def remembered(draw: st.DrawFn, known: Memory) -> Memory:
    """The same with HTCondor and CPU found to differ about some workers before, and an operator's word on some."""
    odd = st.sampled_from([None, *(Oddity(use=use, since=NOW - 300) for use in (Use.WAITING, Use.LEFTOVER))])
    word = st.sampled_from([None, None, Excuse(author="ann", reason="mine", at=NOW - 20)])
    workers = {name: replace(record, odd=draw(odd), excuse=draw(word)) for name, record in known.workers.items()}
    return replace(known, workers=workers)


def ticked(world: World, load: SourceReading[Load] | None, known: Memory | None = None) -> Tick:
    specs = {spec.name: spec for spec in world.specs}
    now: Observations = replace(world.observations, load=load)
    return assemble(now, known or world.memory, specs, SITE, NOW)


def victims(snapshot: Snapshot) -> set[str]:
    groups = snapshot.groups.values()
    return {w.name for g in groups for w in (*idle_victims(g.workers), *building_victims(g.workers))}


def removed(plan: Plan) -> set[tuple[type, str]]:
    """Who is deleted, and who is drained."""
    return {(type(action), action.worker) for action in plan.actions if isinstance(action, Delete | DrainWorker)}


def workers(snapshot: Snapshot) -> dict[str, Worker]:
    return {w.name: w for g in snapshot.groups.values() for w in g.workers}


def check_careful(world: World, load: SourceReading[Load]) -> None:
    """What must hold between one tick with telemetry and the same without."""
    (with_load, _), (without, _) = ticked(world, load), ticked(world, None)
    assert victims(with_load) <= victims(without)
    for name, group in with_load.groups.items():
        bare = without.groups[name]
        assert group.counts == bare.counts
        assert (group.busy, group.existing, group.upcoming) == (bare.busy, bare.existing, bare.upcoming)
        assert group.counted + group.odd.leftover == bare.counted
        assert group.idle + group.odd.leftover == bare.idle
    for name, worker in workers(with_load).items():
        bare_worker = workers(without)[name]
        assert worker.busy == bare_worker.busy
        assert worker.keep == bare_worker.keep or (not bare_worker.keep and worker.record.is_leftover)
    assert (with_load.trust, without.trust) == (without.trust, with_load.trust)
    # By number and not by name: where a leftover is passed over, the next one comes into the same share of drains.
    wanted = {name: Target(0, "nobody") for name in with_load.groups}
    done, bare_done = removed(plan(with_load, wanted, SITE)), removed(plan(without, wanted, SITE))
    assert {pair for pair in done if pair[0] is Delete} <= {pair for pair in bare_done if pair[0] is Delete}
    assert len(done) <= len(bare_done)
    assert {name for _, name in done} <= victims(without) | {name for _, name in bare_done}


@settings(max_examples=150)
@given(metered())
def test_telemetry_adds_no_victim_and_takes_no_hold_away(case: tuple[World, SourceReading[Load]]) -> None:
    check_careful(*case)


@settings(max_examples=100)
@given(st.data(), metered())
def test_nothing_that_was_odd_before_makes_anybody_a_victim(
    data: st.DataObject, case: tuple[World, SourceReading[Load]]
) -> None:
    world, load = case
    known = data.draw(remembered(world.memory))
    plain, _ = ticked(world, None)
    odd, _ = ticked(world, load, known)
    assert victims(odd) <= victims(plain)


@settings(max_examples=100)
@given(st.data(), metered())
def test_while_the_pool_is_blind_or_telemetry_silent_nothing_is_learnt_and_nothing_let_go(
    data: st.DataObject, case: tuple[World, SourceReading[Load]]
) -> None:
    world, load = case
    world = replace(world, observations=failed(world.observations, "machines", misses=9))
    known = data.draw(remembered(world.memory))
    snapshot, change = ticked(world, load, known)
    before = {name: record.odd for name, record in known.workers.items()}
    assert {name: w.record.odd for name, w in workers(snapshot).items()} == {n: before[n] for n in workers(snapshot)}
    assert all(record.odd == before[record.name] for record in change.workers)


@given(st.sampled_from([None, Load(by_worker={})]), metered())
def test_without_a_sample_everything_is_as_without_telemetry(
    measured: Load | None, case: tuple[World, SourceReading[Load]]
) -> None:
    world, _ = case
    plain, change = ticked(world, None)
    silent, same = ticked(world, SourceReading(value=measured, error="" if measured else "no answer yet"))
    assert {name: health for name, health in silent.sources.items() if name != "load"} == plain.sources
    assert replace(silent, sources=plain.sources) == plain
    assert same == change


def single(*, claimed: bool, loaded: bool) -> tuple[Worker, set[str]]:
    """One worker that has been what it is for long, and who may go."""
    ad = machine(idle=None if claimed else 5000.0, claimed_seconds=5000.0 if claimed else None)
    used = Load(by_worker={"w1": 0.25}, cores={"w1": 1.0 if loaded else 0.0}, span_seconds=60.0)
    snapshot, _ = look(seen([ad], [server()], load=used), memory([joined(age=9000.0)]))
    return snapshot.groups["g"].workers[0], victims(snapshot)


@given(st.booleans(), st.booleans())
def test_only_who_is_idle_for_both_may_go(claimed: bool, loaded: bool) -> None:  # noqa: FBT001 - drawn
    worker, may_go = single(claimed=claimed, loaded=loaded)
    assert worker.use is TABLE[claimed, loaded]
    assert may_go == (set() if claimed or loaded else {"w1"})


INVERTED = {(claimed, loaded): TABLE[claimed, not loaded] for claimed, loaded in TABLE}


@contextmanager
def inverted() -> Iterator[None]:
    """The table with load and no load in each other's place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "TABLE", INVERTED)
        yield


def test_with_the_table_inverted_a_leftover_is_a_victim_and_these_tests_fail() -> None:
    with inverted(), pytest.raises(AssertionError):
        test_only_who_is_idle_for_both_may_go()
