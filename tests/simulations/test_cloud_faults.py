"""The simulated cloud's own faults, which the contract suite cannot ask of a real one."""

from dataclasses import replace

import pytest

from elastic.core.observation import ServerStatus
from elastic.ports import NoCapacity, PortError, QuotaExceeded, Throttled, Transient
from elastic_simulations.draws import Constant, Uniform
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.grid import Grid
from elastic_simulations.mishaps import Kind
from elastic_simulations.specs import CloudSpec, GroupModel
from elastic_simulations.striking import strike
from tests.simulations.pools import SMALL, batch, cloud, grid, worker


def create(world: Grid, *names: str) -> list[PortError | None]:
    return [made.error for made in cloud(world).create(SMALL, [worker(name) for name in names])]


def listed(world: Grid) -> dict[str, ServerStatus]:
    return {server.name: server.status for server in cloud(world).servers().servers}


def kinds(errors: list[PortError | None]) -> list[type | None]:
    return [None if error is None else type(error) for error in errors]


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (CloudSpec(servers=2), "quota of servers"),
        (CloudSpec(cpus=5), "quota of cpus"),
        (CloudSpec(memory_mb=9000), "quota of memory"),
    ],
)
def test_the_quota_refuses_what_is_too_much_and_says_so_beforehand(spec: CloudSpec, named: str) -> None:
    world = grid(cloud=spec)
    before = cloud(world).quotas()["small"]
    errors = create(world, "w1", "w2", "w3")
    assert (before.workers_left, before.reason) == (2, named)
    assert kinds(errors) == [None, None, QuotaExceeded]
    assert str(errors[2]) == named


def test_a_group_without_room_for_more_servers_has_no_capacity() -> None:
    world = grid(model=GroupModel(capacity=1))
    assert kinds(create(world, "w1", "w2")) == [None, NoCapacity]


def test_a_boot_that_fails_leaves_a_server_in_error() -> None:
    world = grid(model=GroupModel(boot_failure=1.0))
    create(world, "w1")
    before = listed(world)
    world.run_for(100)
    assert (before, listed(world)) == ({"w1": ServerStatus.BUILDING}, {"w1": ServerStatus.ERROR})
    assert batch(world).machines().machines == ()


def test_a_server_that_never_joins_is_active_without_a_machine() -> None:
    world = grid(model=GroupModel(never_joins=1.0))
    create(world, "w1")
    world.run_for(1000)
    assert (listed(world), batch(world).machines().machines) == ({"w1": ServerStatus.ACTIVE}, ())
    (server,) = cloud(world).servers().servers
    assert "cannot reach the collector" in cloud(world).console(worker("w1", server.id), 5)


def test_slow_boots_take_as_much_longer_as_the_mishap_says() -> None:
    world = grid()
    strike(world, Kind.BOOTS_SLOW, value=10.0)
    create(world, "w1")
    world.run_for(599)
    before = listed(world)
    world.run_for(2)
    assert (before["w1"], listed(world)["w1"]) == (ServerStatus.BUILDING, ServerStatus.ACTIVE)


def test_a_create_whose_answer_is_lost_before_it_acted_makes_no_server() -> None:
    world = grid()
    world.faults.add(CallFault(call=Call.CREATE, times=1))
    assert (kinds(create(world, "w1")), listed(world)) == ([Transient], {})


def test_a_create_whose_answer_is_lost_after_it_acted_makes_one_server_however_often_it_is_repeated() -> None:
    world = grid()
    world.faults.add(CallFault(call=Call.CREATE, acted=True, times=1))
    assert kinds(create(world, "w1")) == [Transient]
    assert listed(world) == {"w1": ServerStatus.BUILDING}
    assert kinds(create(world, "w1")) == [None]
    assert listed(world) == {"w1": ServerStatus.BUILDING}


def test_a_delete_that_fails_leaves_the_server_and_says_which() -> None:
    world = grid()
    create(world, "w1", "w2")
    world.faults.add(CallFault(call=Call.DELETE, target="w1", error="throttled"))
    doomed = [worker(server.name, server.id) for server in cloud(world).servers().servers]
    errors = cloud(world).delete(SMALL, doomed)
    world.run_for(30)
    assert (kinds(list(errors.values())), list(errors), list(listed(world))) == ([Throttled], ["w1"], ["w1"])


def test_a_fault_strikes_in_its_time_only() -> None:
    world = grid()
    world.faults.add(CallFault(call=Call.SERVERS, start=world.now + 10, end=world.now + 20, error="unauthorized"))
    outcomes = []
    for _ in range(4):
        try:
            cloud(world).servers()
            outcomes.append("answer")
        except PortError as error:
            outcomes.append(type(error).__name__)
        world.run_for(8)
    assert outcomes == ["answer", "answer", "Unauthorized", "answer"]


def test_a_fault_by_chance_strikes_the_same_calls_in_every_run() -> None:
    def run() -> list[bool]:
        world = grid()
        world.faults.add(CallFault(call=Call.CREATE, probability=0.3))
        return [create(world, f"w{number}")[0] is not None for number in range(200)]

    first, second = run(), run()
    assert first == second
    assert 30 < sum(first) < 90


def test_an_error_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no error named 'oops'; known: conflict, malformed"):
        grid().faults.add(CallFault(call=Call.CREATE, error="oops"))


def test_an_unlisted_server_is_found_by_its_id() -> None:
    world = grid()
    create(world, "w1", "w2")
    strike(world, Kind.SERVERS_UNLISTED, target="w1", seconds=60)
    missing = {server.id for server in world.datacentre.servers.values()} - {
        s.id for s in cloud(world).servers().servers
    }
    (server_id,) = missing
    assert cloud(world).lookup(server_id).name == "w1"
    world.run_for(61)
    assert set(listed(world)) == {"w1", "w2"}


def test_a_paused_server_is_silent_and_comes_back() -> None:
    world = grid()
    create(world, "w1")
    world.run_for(100)
    (ad,) = batch(world).machines().machines
    record = replace(worker("w1"), machine=ad.name, address=ad.address)
    strike(world, Kind.SERVER_PAUSED, seconds=50)
    paused = (listed(world)["w1"], batch(world).inspect(record).silent)
    world.run_for(60)
    assert paused == (ServerStatus.OTHER, True)
    assert (listed(world)["w1"], batch(world).inspect(record).silent) == (ServerStatus.ACTIVE, False)


def test_boot_times_do_not_depend_on_what_else_is_booting() -> None:
    def active_after(*names: str) -> float:
        world = grid(model=GroupModel(boot=Uniform(10, 100), join=Constant(0)))
        create(world, *names)
        world.run_for(200)
        (active,) = [s.active_us for s in world.datacentre.servers.values() if s.name == "w7" and s.active_us]
        return active / 1e6

    assert active_after("w7") == active_after("w1", "w2", "w7", "w9")
