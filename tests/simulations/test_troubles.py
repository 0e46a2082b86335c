"""One trouble at a time: nothing wrong is deleted, no job is killed, and the record says what is the matter."""

from dataclasses import replace

import pytest

from elastic.core.actions import Delete, DrainWorker, Launch, Outcome
from elastic.core.lifecycle import Phase
from elastic.core.model import GroupSpec
from elastic.core.record import TickRecord, to_json
from elastic.core.resources import Resources
from elastic_simulations.draws import Constant, Uniform
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.scenario import Burst, Restart, Run, Scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import GroupModel, JobSpec, PoolSpec

GROUP = GroupSpec(
    name="small",
    maximum=8,
    shape=Resources(2, 4096, 20480),
    idle_seconds=120.0,
    scale_down_window_seconds=60.0,
    job_lease_seconds=600.0,
    lost_seconds=900.0,
    drain_fraction=0.5,
    policy="backlog",
)
TOLD = Scenario(
    run=Run(seconds=3 * 3600),
    pool=PoolSpec(update_seconds=60.0, job_lease_seconds=600.0),
    groups={"small": GROUP},
    models={"small": GroupModel(boot=Constant(60), join=Constant(10))},
    bursts=(Burst(count=12, job=JobSpec(run=Uniform(1500, 2400))),),
)
BUSY = 1000.0
"""When six workers run twelve jobs, the first of which ends at 1500 s at the earliest."""


def played(*mishaps: Mishap, **changes: object) -> Simulation:
    simulation = Simulation(replace(TOLD, mishaps=mishaps, **changes))  # type: ignore[arg-type]
    simulation.run()
    return simulation


def at(simulation: Simulation, seconds: float) -> TickRecord:
    """The last record up to a time since the start."""
    return [r for r in simulation.records if r.now - TOLD.run.epoch <= seconds][-1]


def between(simulation: Simulation, start: float, end: float) -> list[TickRecord]:
    return [r for r in simulation.records if start <= r.now - TOLD.run.epoch < end]


def done(records: list[TickRecord], kind: type) -> int:
    """How many actions of this kind were carried out."""
    return sum(isinstance(x.action, kind) and x.outcome is Outcome.DONE for r in records for x in r.results)


def unharmed(simulation: Simulation) -> None:
    """No job was started twice, all are done, nothing is left."""
    assert simulation.grid.killed_jobs() == ()
    assert simulation.grid.lost_jobs() == ()
    assert all(not schedd.jobs for schedd in simulation.grid.schedds.values())
    assert simulation.grid.datacentre.servers == {}
    assert dict(simulation.ledger.memory().workers) == {}


def said(simulation: Simulation, start: float, end: float) -> str:
    return "\n".join(to_json(record) for record in between(simulation, start, end))


def test_the_pool_without_any_trouble_needs_six_workers_and_gives_them_back() -> None:
    simulation = played()
    unharmed(simulation)
    assert at(simulation, BUSY).snapshot.groups["small"].busy == 6
    assert len(simulation.grid.datacentre.gone) == 6


def test_a_restarted_collector_buys_no_second_pool_and_deletes_nothing() -> None:
    simulation = played(Mishap(kind=Kind.COLLECTOR_RESTART, at=BUSY))
    unharmed(simulation)
    assert len(simulation.grid.datacentre.gone) == 6
    trust = at(simulation, BUSY + 40).snapshot.trust
    assert "collector started" in trust.shrink
    assert "collector started" in trust.grow


def test_expired_tokens_and_a_restarted_collector_delete_no_worker_that_runs_a_job() -> None:
    simulation = played(Mishap(kind=Kind.TOKENS_EXPIRE, at=BUSY - 10), Mishap(kind=Kind.COLLECTOR_RESTART, at=BUSY))
    assert simulation.grid.killed_jobs() == ()
    assert simulation.grid.lost_jobs() == ()
    assert all(not schedd.jobs for schedd in simulation.grid.schedds.values())
    assert len(simulation.grid.datacentre.servers) == 6, "their startds answer: they are not gone"


def test_a_collector_that_does_not_answer_stops_growing_and_shrinking() -> None:
    late = Burst(at=1200, count=4, job=JobSpec(run=Constant(600)))
    simulation = played(Mishap(kind=Kind.COLLECTOR_OUTAGE, at=BUSY, seconds=600), bursts=(*TOLD.bursts, late))
    unharmed(simulation)
    during = between(simulation, BUSY + 100, BUSY + 600)
    assert (done(during, Launch), done(during, DrainWorker), done(during, Delete)) == (0, 0, 0)
    assert at(simulation, BUSY + 300).snapshot.sources["machines"].error != ""


def test_a_silent_schedd_keeps_its_demand_and_blocks_shrinking() -> None:
    simulation = played(Mishap(kind=Kind.SCHEDD_OUTAGE, at=1600, seconds=1500))
    unharmed(simulation)
    during = between(simulation, 1700, 3100)
    assert (done(during, DrainWorker), done(during, Delete)) == (0, 0)
    assert "schedd" in at(simulation, 2800).snapshot.trust.shrink


def test_when_a_third_of_the_ads_vanish_the_daemon_is_blind_until_they_are_back() -> None:
    simulation = played(Mishap(kind=Kind.ADS_VANISH, at=BUSY, seconds=300, count=3))
    unharmed(simulation)
    during = between(simulation, BUSY + 60, BUSY + 300)
    assert all(record.snapshot.trust.shrink and record.snapshot.trust.grow for record in during)
    assert (done(during, Launch), done(during, Delete)) == (0, 0)


def test_a_startd_that_restarts_in_the_middle_of_its_drain_is_not_deleted_for_that_drain() -> None:
    before = played()
    drained_at = (
        next(r.now for r in before.records if any(isinstance(x.action, DrainWorker) for x in r.results))
        - TOLD.run.epoch
    )
    victims = {x.action.worker for r in between(before, drained_at, drained_at + 1) for x in r.results}
    simulation = played(*(Mishap(kind=Kind.STARTD_RESTART, at=drained_at + 2, target=name) for name in victims))
    unharmed(simulation)
    started = {s.name: s.deleting_us for s in simulation.grid.datacentre.gone if s.name in victims}
    assert all(us is not None and us / 1e6 > drained_at + 14 + 2 for us in started.values())


def test_a_foreign_drain_is_neither_resumed_nor_deleted_nor_capacity() -> None:
    simulation = played(Mishap(kind=Kind.FOREIGN_DRAIN, at=BUSY, seconds=6000, count=1, text="defrag"))
    early = at(simulation, BUSY + 200).snapshot.groups["small"]
    late = at(simulation, BUSY + 5900).snapshot.groups["small"]
    assert [group.count(Phase.FOREIGN_DRAIN) for group in (early, late)] == [1, 1]
    assert [group.foreign_draining for group in (early, late)] == [1, 1]
    assert early.counted == 5, "no capacity"
    unharmed(simulation)


def test_workers_that_never_join_open_the_breaker_and_canaries_follow() -> None:
    simulation = played(Mishap(kind=Kind.NEVER_JOIN, at=0, seconds=3000), run=replace(TOLD.run, seconds=8 * 3600))
    unharmed(simulation)
    text = said(simulation, 0, 6000)
    assert "breaker" in text
    canaries = [s for s in simulation.grid.datacentre.gone if 1100e6 < s.requested_us < 3000e6]
    assert 1 <= len(canaries) <= 3


def test_a_black_hole_is_quarantined_named_and_removed() -> None:
    bursts = tuple(Burst(at=60.0 * n, count=4, job=JobSpec(run=Constant(30))) for n in range(60))
    simulation = played(Mishap(kind=Kind.BLACK_HOLE, at=300, count=1), bursts=bursts)
    quarantined = [e for e in simulation.ledger.events if "starts in a row failed" in e.text or e.kind == "quarantined"]
    assert quarantined
    assert simulation.grid.killed_jobs() == ()
    assert simulation.grid.datacentre.servers == {}


def test_a_server_that_died_under_its_jobs_is_forgotten_and_replaced_and_its_ads_are_taken_out() -> None:
    simulation = played(Mishap(kind=Kind.SERVER_VANISHES, at=BUSY, count=1))
    assert simulation.grid.killed_jobs() == ()
    assert len(simulation.grid.lost_jobs()) == 2, "the cloud's doing, not ours"
    assert all(not schedd.jobs for schedd in simulation.grid.schedds.values())
    assert simulation.grid.datacentre.servers == {}
    dead = next(s.name for s in simulation.grid.datacentre.gone if s.deleting_us is None)
    assert not any(m.worker == dead for m in simulation.grid.collector.machines())
    assert any(e.worker == dead and e.kind == "gone" for e in simulation.ledger.events)


@pytest.mark.parametrize("acted", [False, True])
def test_a_create_whose_answer_is_lost_makes_one_server_an_intent(acted: bool) -> None:  # noqa: FBT001
    simulation = played(faults=(CallFault(call=Call.CREATE, acted=acted, times=6),))
    unharmed(simulation)
    names = [server.name for server in simulation.grid.datacentre.gone]
    assert len(names) == len(set(names))


def test_a_full_project_is_asked_less_and_less_often() -> None:
    simulation = played(
        faults=(CallFault(call=Call.CREATE, error="quota", end=3000, message="Quota exceeded for cores"),)
    )
    unharmed(simulation)
    asked = [s for s in simulation.grid.faults.struck if s[1] is Call.CREATE]
    assert 0 < len({time for time, *_ in asked}) < 15
    assert "Quota exceeded for cores" in said(simulation, 0, 600)


def test_a_group_without_room_leaves_its_jobs_to_the_next_one() -> None:
    second = replace(GROUP, name="second", cost_per_hour=5.0)
    simulation = played(
        Mishap(kind=Kind.NO_CAPACITY, at=0, target="small"),
        groups={"small": GROUP, "second": second},
        models={"small": TOLD.models["small"], "second": TOLD.models["small"]},
    )
    unharmed(simulation)
    assert {server.group for server in simulation.grid.datacentre.gone} == {"second"}


def test_a_daemon_that_is_restarted_every_minute_does_the_same_work() -> None:
    simulation = played(restarts=tuple(Restart(at=60.0 * n + 7) for n in range(1, 150)))
    unharmed(simulation)
    assert len(simulation.grid.datacentre.gone) == 6


def test_lookups_that_fail_once_do_not_hold_the_list_of_servers_back_for_ever() -> None:
    """Six servers vanish at once, and the first questions for three of them are not answered."""
    simulation = played(
        Mishap(kind=Kind.SERVER_VANISHES, at=BUSY),
        faults=(CallFault(call=Call.LOOKUP, start=BUSY, times=3),),
        run=replace(TOLD.run, seconds=6 * 3600),
    )
    assert simulation.records[-1].snapshot.sources["servers"].error == ""
    assert simulation.grid.killed_jobs() == ()
    assert all(not schedd.jobs for schedd in simulation.grid.schedds.values())
