"""What becomes of jobs when their worker dies or falls silent: the damage that the daemon must never do."""

from dataclasses import replace

from elastic.core.observation import Attempt
from elastic_simulations.draws import Constant
from elastic_simulations.mishaps import Kind
from elastic_simulations.specs import GroupModel, PoolSpec
from elastic_simulations.striking import strike
from tests.simulations.pools import SMALL, batch, cloud, grid, job, machine, starts, story, worker

SHORT_LEASE = PoolSpec(job_lease_seconds=300)


def test_killing_a_busy_worker_restarts_its_job_once_the_lease_is_over() -> None:
    world = grid(SHORT_LEASE)
    servers = cloud(world)
    (created,) = servers.create(SMALL, [worker("w1")])
    machine(world, "other")
    world.submit(job(1000), 4)
    world.run_for(200)
    doomed = [line.job for line in world.log if line.machine == "w1.simulated"]
    servers.delete(SMALL, [worker("w1", created.server_id)])
    named = batch(world).jobs_on(["w1.simulated"])
    world.run_for(3000)
    assert len(doomed) == 2
    assert sorted(named.jobs["w1.simulated"]) == sorted(doomed), "the schedd names the dead worker all the while"
    assert world.lost_jobs() == tuple(sorted(doomed))


def test_killing_an_idle_worker_restarts_nothing() -> None:
    world = grid(SHORT_LEASE)
    servers = cloud(world)
    (created,) = servers.create(SMALL, [worker("w1")])
    machine(world, "other")
    world.submit(job(1000), 2)
    world.run_for(40)
    servers.delete(SMALL, [worker("w1", created.server_id)])
    world.run_for(3000)
    assert world.lost_jobs() == ()


def test_a_dead_workers_job_stays_disconnected_until_its_lease_is_over() -> None:
    world = grid(SHORT_LEASE)
    servers = cloud(world)
    servers.create(SMALL, [worker("w1")])
    world.run_for(80)
    world.submit(job(1000))
    world.run_for(100)
    strike(world, Kind.SERVER_VANISHES, target="w1")
    world.run_for(500)
    events = [event for _, event in story(world, "1.0")]
    assert events == ["submit", "execute", "disconnect", "evict"]
    assert world.schedds["schedd"].history == [Attempt(machine="w1.simulated", cluster="1", failed=False, evicted=True)]


def test_a_startd_that_starts_again_has_lost_its_job() -> None:
    world = grid()
    machine(world)
    world.submit(job(1000))
    world.run_for(100)
    strike(world, Kind.STARTD_RESTART)
    world.run_for(200)
    assert [event for _, event in story(world, "1.0")] == ["submit", "execute", "disconnect", "evict", "execute"]
    assert world.lost_jobs() == ("schedd#1.0",)


def test_a_worker_that_is_silent_for_less_than_the_lease_loses_nothing() -> None:
    world = grid(SHORT_LEASE)
    machine(world)
    world.submit(job(200))
    world.run_for(100)
    strike(world, Kind.STARTD_SILENT, seconds=250)
    world.run_for(1000)
    events = [event for _, event in story(world, "1.0")]
    assert events == ["submit", "execute", "disconnect", "reconnect", "terminate"]
    assert starts(world) == {"1.0": [60.0]}


def test_a_worker_that_is_silent_for_longer_than_the_lease_loses_its_job() -> None:
    world = grid(SHORT_LEASE)
    machine(world)
    machine(world, "m2")
    world.submit(job(200))
    world.run_for(100)
    strike(world, Kind.STARTD_SILENT, target="m1", seconds=1000)
    strike(world, Kind.STARTD_SILENT, target="m2", seconds=1000)
    world.run_for(3000)
    assert world.lost_jobs() == ("schedd#1.0",)


def test_switching_a_busy_startd_off_evicts_its_job_at_once() -> None:
    world = grid()
    startd = machine(world)
    world.submit(job(1000))
    world.run_for(100)
    world.switch_off(startd)
    assert [event for _, event in story(world, "1.0")] == ["submit", "execute", "evict"]


def test_spot_loss_takes_a_server_some_time_after_it_joined() -> None:
    world = grid(model=GroupModel(life=Constant(500)))
    servers = cloud(world)
    servers.create(SMALL, [worker("w1")])
    world.run_for(565)
    alive = len(servers.servers().servers)
    world.run_for(10)
    assert (alive, len(servers.servers().servers)) == (1, 0)


def test_a_startd_that_has_started_again_is_silent_at_its_old_address() -> None:
    world = grid()
    cloud(world).create(SMALL, [worker("w1")])
    world.run_for(80)
    (ad,) = batch(world).machines().machines
    record = replace(worker("w1"), machine=ad.name, address=ad.address)
    strike(world, Kind.STARTD_RESTART)
    world.run_for(30)
    (later,) = batch(world).machines().machines
    assert batch(world).inspect(record).silent
    assert batch(world).inspect(replace(record, address=later.address)).answered
