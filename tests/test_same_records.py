"""One scenario twice: by `elastic run` on its scheduler, real time passing, and by the simulator; the records agree."""

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import zip_longest
from pathlib import Path

import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.adapters.recorder import read_lines
from elastic.core.model import GroupSpec
from elastic.core.record import to_json
from elastic.local.daemon import to_toml
from elastic.settings import load
from elastic_simulations.ledger import MemoryLedger
from elastic_simulations.scenario import Restart, Scenario, read_scenario
from elastic_simulations.simulation import Simulation
from tests.daemon_rig import DaemonProcess, eventually

# A minute's tick is then 0.3 s away; how late the scheduler is makes no difference.
SPEED = 200.0
RESTART_AT = 900.0

SCENARIO = """
[run]
name = "both"
seconds = 1500
seed = 7

[pool]
name = "both"
negotiation_seconds = 20
update_seconds = 20

[site]
tick_seconds = 60
machine_update_seconds = 30

[[group]]
name = "small"
maximum = 4
shape = { cpus = 2, memory_mb = 4096, disk_mb = 20480 }
idle_seconds = 60
scale_down_window_seconds = 30
validation_seconds = 20
drain_fraction = 1.0
model = { boot = { lognormal = [60, 0.3] }, join = 10, teardown = 5 }

[[jobs]]
at = 50
count = 10
run = { uniform = [60, 200] }
request = { cpus = 1, memory_mb = 1024, disk_mb = 1024 }

# The fault: the queue cannot be asked for two minutes, while the pool is busy.
[[fault]]
call = "queue"
start = 250
end = 370

# The override: kept at two workers, at a time when there is nothing to do.
[[override]]
at = 700
group = "small"
kind = "floor"
workers = 2
seconds = 400
"""


CARELESS = """
from elastic_simulations.clock import StepClock
arrive = StepClock.arrive
def arrive_and_look(clock, when):
    arrive(clock, when)
    clock.now()
StepClock.arrive = arrive_and_look
from elastic.cli import main
main()
"""
"""The command line, with one reading of the clock more in each tick than there should be."""

CAREFUL = "from elastic.cli import main\nmain()"
"""The same without it, so that nothing but the reading can make the difference."""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """The scenario above, from its file."""
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return read_scenario(path)


def test_the_daemon_on_its_scheduler_and_the_simulator_give_equal_records(tmp_path: Path, scenario: Scenario) -> None:
    identity = new_ledger(tmp_path, scenario)
    played, restarted = play(tmp_path, scenario)
    simulated = simulate(replace(scenario, restarts=(Restart(at=restarted),)), identity)
    assert len(simulated) > 25
    for mine, theirs in zip_longest(played, simulated):
        assert mine == theirs
    seen = "\n".join(map(json.dumps, simulated))
    for happening in (
        '"Launch"',
        '"DrainWorker"',
        '"Delete"',
        "floor 2 by operator",
        '"error_type": "Transient"',
        "validat",
    ):
        assert happening in seen, f"{happening}: the scenario no longer shows it"


@pytest.mark.parametrize(("code", "equal"), [(CARELESS, False), (CAREFUL, True)], ids=["read twice", "read once"])
def test_a_second_reading_of_the_clock_in_a_tick_would_be_found(
    tmp_path: Path, scenario: Scenario, code: str, *, equal: bool
) -> None:
    identity = new_ledger(tmp_path, scenario)
    with DaemonProcess(settings(tmp_path, scenario), code=code) as daemon:
        wait_for(daemon, scenario.run.epoch + 120)
        daemon.kill()
    played = records(tmp_path)
    assert len(played) >= 2
    assert (played == simulate(scenario, identity)[: len(played)]) is equal


def new_ledger(folder: Path, scenario: Scenario) -> str:
    """A ledger with the scenario's overrides, in force from their time on; its identity."""
    (folder / "state").mkdir()
    ledger = SqlLedger.open(folder / "state" / "ledger.sqlite", pool=scenario.pool.name)
    for override in scenario.imposed():
        ledger.put_override(override)
    ledger.close()
    return ledger.identity


def simulate(scenario: Scenario, identity: str) -> Sequence[Mapping[str, object]]:
    """The simulator's records, with a ledger of that identity."""
    simulation = Simulation(scenario)
    simulation.ledger = MemoryLedger(identity, pool=scenario.pool.name)
    for override in scenario.imposed():
        simulation.ledger.put_override(override)
    simulation.restart()
    return [comparable(to_json(record)) for record in simulation.run()]


def play(folder: Path, scenario: Scenario) -> tuple[Sequence[Mapping[str, object]], float]:
    """The daemon's records, and when the second process began: the first was told to end after RESTART_AT."""
    epoch = scenario.run.epoch
    with DaemonProcess(settings(folder, scenario)) as daemon:
        wait_for(daemon, epoch + RESTART_AT)
        daemon.tell(signal.SIGTERM)
        assert daemon.ended(10) == 0
    last = max(float(str(record["now"])) for record in records(folder))
    restarted = last - epoch + 1.0
    with DaemonProcess(settings(folder, scenario, resume_at=restarted)) as daemon:
        wait_for(daemon, epoch + scenario.run.seconds)
        daemon.tell(signal.SIGTERM)
        assert daemon.ended(10) == 0
    played = records(folder)
    return [record for record in played if float(str(record["now"])) <= epoch + scenario.run.seconds], restarted


def records(folder: Path) -> Sequence[Mapping[str, object]]:
    """What the daemons of this folder have recorded, comparable."""
    return [comparable(line) for line in read_lines(folder / "state" / "records")]


def wait_for(daemon: DaemonProcess, when: float) -> None:
    """Return between two ticks, once the next one would be after `when`."""

    def passed() -> bool | None:
        ticks = daemon.get("/v1/ticks?limit=1").json()["ticks"]
        return True if ticks and ticks[0]["plan"]["next_wake"] > when else None

    eventually(passed, f"no tick near {when}", 60)


def comparable(line: str) -> Mapping[str, object]:
    """A record without what depends on how fast this machine is."""
    record: dict[str, object] = json.loads(line)
    del record["durations"]
    return record


def settings(folder: Path, scenario: Scenario, **options: object) -> Path:
    """Settings that say what the scenario says; `options` are further ones of the simulated world."""
    world = {"scenario": str(folder / "scenario.toml"), "step": True, "speed": SPEED, "remember": True, **options}
    tree = {
        "pool": scenario.pool.name,
        "mode": "act",
        "folder": str(folder / "state"),
        "tick_seconds": scenario.site.tick_seconds,
        "tick_jitter_seconds": 0,
        "htcondor": {"machine_update_seconds": scenario.site.machine_update_seconds},
        "logging": {"format": "json"},
        "api": {"port": 0},
        "groups": [table(spec) for spec in scenario.groups.values()],
        "cloud": {"kind": "simulated", "options": world},
    }
    path = folder / "elastic.toml"
    path.write_text(to_toml(tree), encoding="utf-8")
    made = load(path, {})
    assert made.group_specs() == scenario.groups
    assert made.site_spec() == scenario.site
    return path


def table(spec: GroupSpec) -> Mapping[str, object]:
    """A group as the settings have it."""
    fields = {name: value for name, value in asdict(spec).items() if name != "ad_lifetime_seconds"}
    return {**fields, "shape": spec.shape._asdict(), "reserve": spec.reserve._asdict()}
