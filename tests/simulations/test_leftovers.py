"""Processes that jobs leave behind, and jobs that use no CPU: what the whole controller makes of them, tick by tick."""

from dataclasses import replace

from elastic.core.model import OddCounts, WorkerGroup
from elastic.core.uses import Excuse
from elastic_simulations.draws import Constant
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.scenario import Burst, Run, Scenario
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import GroupModel, JobSpec
from tests.simulations.pools import SMALL

CORE = 1000
"""Thousandths of a cpu."""


def simulation(
    efficiency: float = 1.0, run_seconds: float = 600.0, *faults: CallFault, mishaps: tuple[Mishap, ...] = ()
) -> Simulation:
    """One job, for which one worker is booted."""
    job = JobSpec(run=Constant(run_seconds), cpu_efficiency=efficiency)
    return Simulation(
        Scenario(
            run=Run(seconds=36_000.0),
            groups={"small": replace(SMALL, policy="backlog")},
            models={"small": GroupModel()},
            bursts=(Burst(at=0.0, job=job, count=1),),
            faults=faults,
            mishaps=mishaps,
        )
    )


def group(story: Simulation) -> WorkerGroup:
    return story.records[-1].snapshot.groups["small"]


def until(story: Simulation, seconds: float) -> None:
    for _ in story.ticks(story.scenario.run.epoch + seconds):
        pass


def kinds(story: Simulation) -> list[str]:
    return [event.kind for record in story.records for event in record.events]


def left_behind(story: Simulation) -> None:
    """The job's worker, shortly after the job has ended, with a process on it that goes on."""
    until(story, 1000)
    (startd,) = story.grid.startds.values()
    assert not startd.claims
    startd.use(CORE)


def test_a_leftover_process_keeps_its_worker_until_it_ends() -> None:
    story = simulation()
    left_behind(story)
    until(story, 6000)
    assert (group(story).odd, group(story).counted, len(story.grid.datacentre.servers)) == (
        OddCounts(leftover=1, overdue=1),
        0,
        1,
    )
    assert [kind for kind in kinds(story) if kind.startswith("leftover")] == ["leftover", "leftover_overdue"]
    (startd,) = story.grid.startds.values()
    startd.use(-CORE)
    until(story, 7000)
    assert (len(story.grid.datacentre.servers), kinds(story).count("leftover_over")) == (0, 1)


def test_a_scenario_can_leave_a_process_behind() -> None:
    story = simulation(1.0, 600.0, mishaps=(Mishap(kind=Kind.LEFTOVER_PROCESS, at=1000.0, seconds=4000.0),))
    until(story, 4000)
    assert (group(story).odd.leftover, len(story.grid.datacentre.servers)) == (1, 1)
    until(story, 7000)
    assert (len(story.grid.datacentre.servers), kinds(story).count("leftover_over")) == (0, 1)


def test_without_it_the_worker_would_have_gone() -> None:
    story = simulation()
    until(story, 6000)
    assert len(story.grid.datacentre.servers) == 0
    assert not [kind for kind in kinds(story) if kind.startswith("leftover")]


def test_ignored_by_an_operator_it_keeps_nobody() -> None:
    story = simulation()
    left_behind(story)
    until(story, 3000)
    assert group(story).odd.leftover == 1
    memory = story.ledger.memory()
    (name,) = memory.workers
    now = story.records[-1].now
    story.ledger.excuse(name, Excuse(author="ann", reason="mine", at=now))
    until(story, 3600)
    assert len(story.grid.datacentre.servers) == 0


def test_jobs_that_use_no_cpu_are_reported_as_stalled_and_never_touched() -> None:
    story = simulation(efficiency=0.0, run_seconds=9000.0)
    until(story, 8000)
    assert (group(story).odd, group(story).busy) == (OddCounts(waiting=1, stalled=1), 1)
    assert kinds(story).count("stalled") == 1
    until(story, 9800)
    assert kinds(story).count("stalled_over") == 1
    assert story.grid.killed_jobs() == ()


def test_metering_that_ceases_lets_a_leftover_be_kept_and_learns_nothing_new() -> None:
    story = simulation(1.0, 600.0, CallFault(call=Call.LOAD, start=2000.0))
    left_behind(story)
    until(story, 1900)
    assert group(story).odd.leftover == 1
    until(story, 6000)
    assert not story.records[-1].snapshot.sources["load"].ok
    assert (group(story).odd.leftover, group(story).load, len(story.grid.datacentre.servers)) == (1, None, 1)
