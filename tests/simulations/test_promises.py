"""The promises, kept by the whole controller in simulated worlds where whatever can go wrong does, by chance."""

from collections import Counter
from dataclasses import replace

import pytest

from elastic.core.actions import Delete, Proof
from elastic.core.model import SiteSpec
from elastic_simulations.draws import Constant, Exponential, Uniform
from elastic_simulations.jobs import JobEvent
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.scenario import Burst, Run, Scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import GroupModel, JobSpec, PoolSpec
from tests.simulations.trouble import GROUP, HARMFUL, HARMLESS, MAXIMUM, MODEL, TROUBLE_SECONDS, scenario


def played(told: Scenario) -> Simulation:
    """The scenario to its end, watched at every tick."""
    simulation = Simulation(told)
    for record in simulation.ticks(told.run.epoch + told.run.seconds):
        assert len(simulation.grid.datacentre.servers) <= MAXIMUM, f"more servers than allowed at tick {record.tick}"
        assert all(result.action.reason for result in record.results)
        assert all(refusal.reason for refusal in record.plan.refusals)
    return simulation


def check(simulation: Simulation) -> None:
    """What holds at the end, whatever happened on the way."""
    grid = simulation.grid
    names = Counter(server.name for server in (*grid.datacentre.gone, *grid.datacentre.servers.values()))
    assert grid.killed_jobs() == ()
    assert max(names.values(), default=0) <= 1, "more than one server for one intent"
    assert [job.id_in_pool for schedd in grid.schedds.values() for job in schedd.jobs.values()] == [], "jobs left over"
    assert sorted(simulation.ledger.memory().workers) == sorted(s.name for s in grid.datacentre.servers.values())
    assert len(grid.datacentre.servers) == 0, "not back at the minimum"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_no_job_is_killed_and_the_pool_comes_back_to_its_minimum(seed: int) -> None:
    check(played(scenario(seed, [*HARMLESS, *HARMFUL])))


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_whatever_happens_two_thousand_times() -> None:
    for seed in range(12, 2012):
        check(played(scenario(seed, [*HARMLESS, *HARMFUL])))


@pytest.mark.parametrize("seed", range(1000, 1008))
def test_what_kills_no_worker_costs_no_job_a_second_start(seed: int) -> None:
    simulation = played(scenario(seed, HARMLESS))
    check(simulation)
    assert simulation.grid.log.count(JobEvent.EVICT) == 0
    assert simulation.grid.lost_jobs() == ()


@pytest.mark.parametrize("seed", range(2000, 2003))
def test_the_same_scenario_gives_the_same_records(seed: int) -> None:
    told = scenario(seed, [*HARMLESS, *HARMFUL])
    told = replace(told, run=replace(told.run, seconds=TROUBLE_SECONDS))
    assert Simulation(told).run() == Simulation(told).run()


def test_every_deletion_had_one_of_the_proofs() -> None:
    told = Scenario(
        run=Run(seconds=20000),
        groups={"small": GROUP},
        models={"small": MODEL},
        bursts=(Burst(count=30, job=JobSpec(run=Exponential(300))),),
        mishaps=(Mishap(kind=Kind.SERVER_ERROR, at=900, count=1),),
    )
    results = [result for record in played(told).records for result in record.results]
    proofs = Counter(result.action.proof for result in results if isinstance(result.action, Delete))
    assert set(proofs) == {Proof.DRAINED, Proof.GONE}


def test_the_control_deletes_what_the_collector_calls_idle_and_kills_jobs() -> None:
    """Shows that `killed_jobs` finds what the tests above look for, under the same stream of short jobs."""
    told = replace(STREAM, groups={"small": replace(GROUP, minimum=3)})
    simulation = Simulation(told)
    for _ in simulation.ticks(told.run.epoch + told.run.seconds):
        ads = {m.server_id: m for m in simulation.grid.collector.machines()}
        for server in list(simulation.grid.datacentre.servers.values()):
            ad = ads.get(server.id)
            if ad is not None and not ad.claimed:
                simulation.grid.datacentre.delete(server)
    assert len(simulation.grid.killed_jobs()) > 3


def test_under_the_same_stream_the_controller_kills_none_while_it_removes_workers() -> None:
    simulation = Simulation(STREAM)
    simulation.run()
    assert simulation.grid.killed_jobs() == simulation.grid.lost_jobs() == ()
    assert len(simulation.grid.datacentre.gone) > 10


STREAM = Scenario(
    run=Run(seconds=6000, seed=5),
    pool=PoolSpec(negotiation_seconds=5, update_seconds=30),
    groups={"small": replace(GROUP, idle_seconds=5, validation_seconds=1, scale_down_window_seconds=0)},
    models={"small": GroupModel(boot=Uniform(5, 10), join=Constant(1), teardown=Constant(1))},
    site=SiteSpec(tick_seconds=5),
    bursts=(
        Burst(every=45, times=120, count=10, job=JobSpec(run=Uniform(1, 12))),
        Burst(every=7, times=800, count=1, job=JobSpec(run=Uniform(1, 6))),
    ),
)
"""Jobs of some seconds with gaps: a worker that was idle a moment ago is claimed now."""
