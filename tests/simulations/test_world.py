"""The simulated world as the daemon finds it, by its entry point."""

import threading
from pathlib import Path

import pytest

from elastic import plugins
from elastic.core.model import GroupSpec
from elastic.core.observation import ServerStatus
from elastic.core.resources import Resources
from elastic.ports import Transient, World, WorldSpec
from elastic_simulations.world import SimulatedWorld
from tests.simulations.pools import SMALL, worker

SCENARIO = """
[pool]
negotiation_seconds = 20
[[group]]
name = "small"
maximum = 1
model = { boot = 30, join = 5, boot_failure = 0.0 }
[[jobs]]
count = 3
run = 40
request = { cpus = 1, memory_mb = 512, disk_mb = 512 }
[[fault]]
call = "servers"
times = 1
"""


def spec(folder: Path, **options: object) -> WorldSpec:
    (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return WorldSpec(pool="p", ledger="l", folder=folder, groups={"small": SMALL}, options=options)


def test_the_daemon_finds_it_by_its_name(tmp_path: Path) -> None:
    made: World = plugins.world("simulated")(spec(tmp_path))
    assert made.cloud.servers().servers == ()
    assert all(finding.ok for finding in made.check())
    made.close()


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"sped": 3}, "simulated.sped: unknown; known: remember"),
        ({"speed": 0}, "simulated.speed: 0.0 must be more than 0"),
        ({"speed": "fast"}, "simulated.speed: 'fast' is no float"),
        ({"scenario": "nowhere.toml"}, "nowhere.toml: "),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, object], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        SimulatedWorld(spec(tmp_path, **options))


def test_the_htcondor_section_is_not_its_business(tmp_path: Path) -> None:
    assert SimulatedWorld(spec(tmp_path, htcondor={"collector": "x"})).speed == 1.0


def test_the_demonstration_comes_with_it(tmp_path: Path) -> None:
    world = SimulatedWorld(spec(tmp_path, scenario="demo", step=True))
    world.arrive(world.clock.now() + 30)
    assert sum(s.idle for q in world.batch.queue({}).schedds for s in q.shapes) == 40


def test_it_follows_the_wall_clock_when_it_is_asked(tmp_path: Path) -> None:
    world = SimulatedWorld(spec(tmp_path, speed=2_000.0))
    world.cloud.create(SMALL, [worker("w1")])
    while world.cloud.servers().servers[0].status is ServerStatus.BUILDING:
        pass
    assert world.clock.now() >= world.grid.now - 0.001
    world.close()
    stopped = world.grid.now
    world.cloud.servers()
    assert world.grid.now == stopped, "a closed world stands still"


def test_many_threads_may_call_it_at_once(tmp_path: Path) -> None:
    world = SimulatedWorld(spec(tmp_path, speed=300.0, scenario="demo"))
    failures: list[BaseException] = []

    def use(number: int) -> None:
        try:
            for turn in range(30):
                world.cloud.create(SMALL, [worker(f"w{number}-{turn}")])
                world.batch.machines()
                world.batch.queue({})
                world.cloud.servers()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(world.cloud.servers().servers) == 240
    world.close()


def test_groups_may_change_while_it_runs(tmp_path: Path) -> None:
    world = SimulatedWorld(spec(tmp_path))
    big = GroupSpec(name="big", maximum=3, shape=Resources(8, 16384, 40960))
    world.reconfigure({"big": big})
    assert list(world.cloud.quotas()) == ["big"]
    assert world.cloud.create(big, [worker("w1")])[0].error is None


def test_a_world_that_remembers_goes_on_where_the_last_process_left_it(tmp_path: Path) -> None:
    options = {"scenario": str(tmp_path / "scenario.toml"), "step": True, "remember": True}
    first = SimulatedWorld(spec(tmp_path, **options))
    start = first.clock.now()
    first.cloud.create(SMALL, [worker("w1"), worker("w2")])
    first.arrive(start + 70)
    first.batch.machines()
    with pytest.raises(Transient):
        first.cloud.servers()
    doomed = next(server for server in first.cloud.servers().servers if server.name == "w2")
    first.cloud.delete(SMALL, [worker("w2", doomed.id)])
    second = SimulatedWorld(spec(tmp_path, **options, resume_at=100.0))
    first.arrive(start + 100)
    assert second.clock.now() == start + 100
    assert second.cloud.servers() == first.cloud.servers()
    assert second.batch.machines() == first.batch.machines()
    assert second.batch.queue({}) == first.batch.queue({})
    assert list(second.grid.log) == list(first.grid.log)


def test_a_world_that_does_not_remember_starts_anew(tmp_path: Path) -> None:
    first = SimulatedWorld(spec(tmp_path, step=True))
    first.cloud.create(SMALL, [worker("w1")])
    assert SimulatedWorld(spec(tmp_path, step=True)).cloud.servers().servers == ()
