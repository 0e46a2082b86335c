"""What nobody asked for, clocks that jump, policies and ledgers that fail: a scenario switches them on, all is kept."""

from collections.abc import Mapping

import pytest

from elastic.core.actions import Delete, DrainWorker
from elastic.core.record import TickRecord
from elastic_simulations.full.scenario import run_scenario
from elastic_simulations.jobs import JobEvent
from elastic_simulations.reading import ScenarioError
from elastic_simulations.scenario import Scenario, parse
from elastic_simulations.simulation import Simulation


def scenario(**more: object) -> Scenario:
    """Twelve jobs of ten minutes at once, and twelve more an hour later, on up to four workers."""
    tables: dict[str, object] = {
        "run": {"seconds": 9000, "seed": 3},
        "pool": {"negotiation_seconds": 20, "update_seconds": 60},
        "group": [{"name": "g", "maximum": 4, "idle_seconds": 300, "model": {"boot": 40, "join": 5}}],
        "jobs": [{"at": 60, "every": 3600, "times": 2, "count": 12, "run": 600, "request": {"cpus": 1}}],
        **more,
    }
    return parse(tables)


def done(simulation: Simulation) -> None:
    """Every job has ended, none was started twice."""
    assert simulation.grid.log.count(JobEvent.TERMINATE) == 24
    assert simulation.grid.lost_jobs() == ()


def touched(records: list[TickRecord]) -> set[str]:
    return {action.worker for record in records for action in record.plan.actions if isinstance(action, Delete)}


STRAY: Mapping[str, object] = {"at": 500, "target": "g", "count": 2}


@pytest.mark.parametrize(("kind", "named"), [("server_unknown", "orphans"), ("server_of_others", "strangers")])
def test_servers_that_nobody_asked_for_are_named_and_never_touched(kind: str, named: str) -> None:
    simulation = Simulation(scenario(mishap=[{"kind": kind, **STRAY}]))
    records = simulation.run()
    found = {server.name for record in records for server in getattr(record.snapshot, named)}
    assert found == {"stray-1", "stray-2"}
    assert {server.name for server in simulation.grid.datacentre.servers.values()} >= found
    assert not touched(records) & found
    # Where another daemon may be at work nothing shrinks at all.
    assert bool(touched(records)) is (named == "orphans")
    done(simulation)


def test_a_machine_that_calls_itself_a_worker_and_has_no_server_is_no_worker() -> None:
    simulation = Simulation(scenario(mishap=[{"kind": "machine_unknown", "at": 0, "target": "g", "count": 1}]))
    records = simulation.run()
    actions = [action for record in records for action in record.plan.actions]
    assert {action.worker for action in actions if isinstance(action, DrainWorker | Delete)}.isdisjoint({"stray-1"})
    assert "stray-1" not in simulation.ledger.memory().workers
    assert "stray-1.simulated" in simulation.grid.startds
    done(simulation)


def test_what_nobody_asked_for_may_go_again() -> None:
    mishaps = [
        {"kind": "server_unknown", "seconds": 1000, **STRAY},
        {"kind": "machine_unknown", "seconds": 1000, **STRAY},
    ]
    simulation = Simulation(scenario(mishap=mishaps))
    records = simulation.run()
    assert records[-1].snapshot.orphans == ()
    assert sum(bool(record.snapshot.orphans) for record in records) > 3
    done(simulation)


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_clock_that_jumps_and_comes_back_loses_nothing(seconds: float) -> None:
    jump = {"kind": "clock_jump", "at": 1000, "seconds": 1500, "value": seconds}
    simulation = Simulation(scenario(mishap=[jump]))
    records = simulation.run()
    assert sum("clock" in record.snapshot.trust.act for record in records) >= 2
    assert simulation.ticked == sorted(simulation.ticked)
    assert simulation.ticked[-1] > simulation.scenario.run.epoch + 8900
    done(simulation)


@pytest.mark.parametrize(
    ("mishap", "problem"),
    [
        ({"kind": "clock_jump", "value": 1e9}, "is a jump of more than three years"),
        ({"kind": "clock_jump", "value": float("nan")}, "nan must be finite"),
        ({"kind": "boots_slow", "value": -2.0}, r"mishap\[0\].value: -2.0 is below 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_told(mishap: dict[str, object], problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        scenario(mishap=[{"at": 5, **mishap}])


def test_a_policy_that_raises_holds_its_groups_until_it_does_not() -> None:
    simulation = Simulation(scenario(fault=[{"call": "policy", "start": 0, "end": 600}]))
    records = simulation.run()
    early = [record for record in records if record.now < simulation.scenario.run.epoch + 600]
    assert {record.targets["g"].reason for record in early} == {
        "held: policy backlog failed: Transient: simulated: policy failed (transient)"
    }
    assert not any(record.plan.actions for record in early)
    done(simulation)


@pytest.mark.parametrize("acted", [False, True])
def test_a_ledger_that_cannot_be_written_stops_ticks_and_loses_nothing(acted: bool) -> None:  # noqa: FBT001 - drawn
    fault = {"call": "ledger", "start": 30, "end": 5000, "probability": 0.3, "acted": acted}
    simulation = Simulation(scenario(fault=[fault]))
    simulation.run()
    assert simulation.failed_ticks > 5
    centre = simulation.grid.datacentre
    names = [server.name for server in (*centre.gone, *centre.servers.values())]
    assert len(names) == len(set(names)), "no server was made twice"
    done(simulation)


def test_a_ledger_that_never_can_ends_the_run_with_its_jobs_unserved() -> None:
    result = run_scenario(scenario(fault=[{"call": "ledger", "start": 0}]))
    assert result.waiting.unserved == 24
    assert result.more["failed_ticks"] == 301
