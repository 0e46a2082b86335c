"""Demand that cannot start, or hides: what the whole controller makes of it in the simulated pool."""

from dataclasses import replace

import pytest

from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic_simulations.draws import Constant
from elastic_simulations.scenario import Burst, Machine, Run, Scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import GroupModel, JobSpec, MachineSpec, PoolSpec

MINIMUM = 1
GROUP = GroupSpec(
    name="small",
    minimum=MINIMUM,
    maximum=20,
    shape=Resources(2, 8192, 40960),
    idle_seconds=120.0,
    scale_down_window_seconds=60.0,
    drain_fraction=1.0,
    policy="backlog",
)
TOLD = Scenario(
    run=Run(seconds=4 * 3600),
    pool=PoolSpec(update_seconds=60.0, limits={"licence": 2.0}, group_quotas={"physics": 2.0}),
    groups={"small": GROUP},
    models={"small": GroupModel(boot=Constant(60), join=Constant(10))},
)


def played(*bursts: Burst, told: Scenario = TOLD) -> Simulation:
    simulation = Simulation(replace(told, bursts=bursts))
    simulation.run()
    return simulation


def most(simulation: Simulation) -> int:
    """The most servers that there were at any tick."""
    return max(record.snapshot.groups["small"].existing for record in simulation.records)


def unserved(simulation: Simulation) -> str:
    """Every reason that was given for jobs that no worker was asked for."""
    told = {u.reason for record in simulation.records for u in record.snapshot.demand.unserved}
    return "; ".join(sorted(told))


LONG = Constant(3600.0)


@pytest.mark.parametrize(
    ("job", "needed", "word"),
    [
        (JobSpec(run=LONG, limits=(("licence", 1.0),)), 1, "licence"),
        (JobSpec(run=LONG, accounting_group="physics"), 1, "physics"),
        (JobSpec(run=LONG, requires=frozenset({"unobtainium"})), 0, "unobtainium"),
        (JobSpec(run=LONG, request=Resources(1, 8192, 1024)), 0, "memory"),
    ],
    ids=["a concurrency limit of 2", "a group quota of 2 without surplus", "impossible requirements", "8 GB on 8 GB"],
)
def test_jobs_that_cannot_start_cost_at_most_one_worker_too_many(job: JobSpec, needed: int, word: str) -> None:
    simulation = played(Burst(at=600, count=50, job=job))
    assert most(simulation) <= max(MINIMUM, needed + 1)
    assert simulation.records[-1].snapshot.groups["small"].existing <= max(MINIMUM, needed)
    assert word in unserved(simulation)


def test_a_limit_that_nobody_tells_of_costs_at_most_one_worker_too_many() -> None:
    """MAX_JOBS_RUNNING cannot be read: what is seen not to start is no demand."""
    told = replace(TOLD, pool=replace(TOLD.pool, max_jobs_running=2))
    simulation = played(Burst(at=600, count=3, job=JobSpec(run=Constant(7200.0))), told=told)
    assert most(simulation) <= 2
    assert simulation.records[-1].snapshot.groups["small"].existing == 1


def test_five_workflow_managers_with_nothing_to_do_cost_nothing() -> None:
    simulation = played(Burst(at=600, count=5, job=JobSpec(run=LONG, universe="scheduler")))
    assert most(simulation) == MINIMUM
    assert {"scheduler": 5} in [dict(record.snapshot.demand.other_universes) for record in simulation.records]


def test_held_jobs_cost_nothing() -> None:
    simulation = played(Burst(at=600, count=30, job=JobSpec(held=True)))
    assert most(simulation) == MINIMUM


def test_a_factory_that_shows_five_of_a_hundred_jobs_grows_the_pool_in_one_jump() -> None:
    simulation = played(Burst(at=600, count=100, max_idle=5, job=JobSpec(run=Constant(300.0))))
    wanted = [record.proposal["small"].workers for record in simulation.records]
    jump = next(workers for workers in wanted if workers > MINIMUM)
    assert jump == GROUP.maximum, "not five jobs' worth, and then five more, and five more"
    assert most(simulation) == GROUP.maximum
    assert simulation.grid.lost_jobs() == ()
    assert not any(schedd.jobs for schedd in simulation.grid.schedds.values())


def test_jobs_that_fit_on_a_machine_that_is_not_ours_cost_nothing() -> None:
    static = Machine(name="static", spec=MachineSpec(total=Resources(64, 262144, 999999)))
    simulation = played(Burst(at=600, count=60, job=JobSpec(run=LONG)), told=replace(TOLD, machines=(static,)))
    assert most(simulation) == MINIMUM


def test_a_job_that_fits_two_groups_is_answered_once_by_the_cheaper() -> None:
    cheap = replace(GROUP, name="cheap", cost_per_hour=0.5, minimum=0)
    dear = replace(GROUP, name="dear", cost_per_hour=2.0, minimum=0)
    models = {"cheap": TOLD.models["small"], "dear": TOLD.models["small"]}
    told = replace(TOLD, groups={"cheap": cheap, "dear": dear}, models=models)
    simulation = played(Burst(at=600, count=10, job=JobSpec(run=Constant(300.0))), told=told)
    launched = [server.group for server in simulation.grid.datacentre.gone]
    assert launched == ["cheap"] * 5
