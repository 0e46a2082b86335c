"""What a worker, a cloud and its metering can be told to be: each an option of a scenario file."""

import pytest

from elastic.core.observation import ServerStatus
from elastic.ports import Transient
from elastic_simulations.draws import Constant, Exponential
from elastic_simulations.jobs import JobEvent
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.scenario import parse
from elastic_simulations.simulation import Simulation
from elastic_simulations.specs import CloudSpec, GroupModel
from elastic_simulations.striking import schedule
from elastic_simulations.telemetry import SimulatedTelemetry, TelemetrySpec
from tests.simulations.pools import SMALL, cloud, grid, job, story, worker


def test_a_groups_workers_have_its_speed_and_warm_up_once() -> None:
    world = grid(model=GroupModel(boot=Constant(50), join=Constant(5), speed=2.0, cold_start_seconds=30))
    cloud(world).create(SMALL, [worker("w1")])
    world.run_for(58)
    world.submit(job(100), 3)
    world.run_for(1000)
    ends = [story(world, f"1.{number}")[-1][0] for number in range(3)]
    assert ends == [140.0, 110.0, 160.0], "two at once, the first of them on a cold machine"


@pytest.mark.parametrize(("goodbye", "events"), [(False, ["disconnect", "evict"]), (True, ["evict"])])
def test_spot_loss_evicts_the_job_at_once_if_the_server_says_goodbye_and_it_starts_again(
    goodbye: bool,  # noqa: FBT001 - drawn
    events: list[str],
) -> None:
    model = GroupModel(boot=Constant(5), join=Constant(5), life=Constant(200), says_goodbye=goodbye)
    world = grid(model=model)
    cloud(world).create(SMALL, [worker("w1")])
    world.run_for(20)
    world.submit(job(500))
    world.run_for(300)
    cloud(world).create(SMALL, [worker("w2")])
    world.run_for(2400)
    told = [event for _, event in story(world, "1.0")]
    assert told[:2] == ["submit", "execute"]
    assert told[2 : 2 + len(events)] == events
    assert world.killed_jobs() == (), "nobody's scale-down did it"
    assert ("execute" in told[3:]) is goodbye, "the other one's lease is not over yet"


def test_a_slow_cloud_boots_and_deletes_later() -> None:
    world = grid(cloud=CloudSpec(latency=Constant(20)), model=GroupModel(boot=Constant(50), teardown=Constant(5)))
    (made,) = cloud(world).create(SMALL, [worker("w1")])
    world.run_for(69)
    before = cloud(world).servers().servers[0].status
    world.run_for(1)
    after = cloud(world).servers().servers[0].status
    cloud(world).delete(SMALL, [worker("w1", made.server_id)])
    world.run_for(19)
    still = cloud(world).servers().servers[0].status
    world.run_for(6)
    assert (before, after, still) == (ServerStatus.BUILDING, ServerStatus.ACTIVE, ServerStatus.ACTIVE)
    assert cloud(world).servers().servers == ()


def test_a_call_that_takes_too_long_is_given_up_and_has_its_effect_all_the_same() -> None:
    world = grid(cloud=CloudSpec(latency=Constant(61)))
    (made,) = cloud(world).create(SMALL, [worker("w1")])
    assert isinstance(made.error, Transient)
    assert [server.name for server in cloud(world).servers().servers] == ["w1"]


def test_a_group_that_cannot_be_told_which_server_deletes_its_oldest() -> None:
    world = grid(model=GroupModel(deletes_oldest=True, teardown=Constant(0)))
    servers = cloud(world)
    servers.create(SMALL, [worker("w1")])
    world.run_for(10)
    (made,) = servers.create(SMALL, [worker("w2")])
    servers.delete(SMALL, [worker("w2", made.server_id)])
    world.run_for(1)
    assert [server.name for server in servers.servers().servers] == ["w2"]


def test_correlated_outages_come_again_and_hit_other_workers_each_time() -> None:
    def losses(seed: int) -> list[tuple[float, frozenset[str]]]:
        told = {
            "run": {"seed": seed, "seconds": 2000},
            "group": [{"name": "small", "maximum": 0, "model": {"boot": 1, "join": 1}}],
        }
        world = parse(told).build(0.0)
        mishap = Mishap(kind=Kind.SERVER_VANISHES, at=100.0, every=Exponential(300), times=3, share=0.25, random=True)
        schedule(world, mishap)
        cloud(world).create(SMALL, [worker(f"w{number}") for number in range(12)])
        world.run_for(5000)
        gone: dict[float, set[str]] = {}
        for server in world.datacentre.gone:
            gone.setdefault((server.gone_us or 0) / 1e6, set()).add(server.name)
        return [(at, frozenset(names)) for at, names in gone.items()]

    first = losses(1)
    assert [len(names) for _, names in first] == [3, 2, 2]
    assert first[0][0] == 100.0
    assert first == losses(1)
    assert first != losses(2)
    assert first[0][1] != {"w0", "w1", "w10"}, "not by name"


def loads(spec: TelemetrySpec, seconds: float, efficiency: float = 1.0) -> list[float | None]:
    """What is told of one worker with one of its two cpus held by a job, at the end of each minute."""
    world = grid(model=GroupModel(boot=Constant(0), join=Constant(0)))
    telemetry = SimulatedTelemetry(world, spec)
    cloud(world).create(SMALL, [worker("w1")])
    world.run_for(2)
    world.submit(job(10_000, cpu_efficiency=efficiency))
    told = []
    for _ in range(int(seconds // 60)):
        world.run_for(60)
        told.append(telemetry.load({"w1": "s1"}).by_worker.get("w1"))
    return told


def test_telemetry_sees_how_busy_a_job_keeps_its_cpus() -> None:
    assert loads(TelemetrySpec(), 240)[-1] == 0.5
    assert loads(TelemetrySpec(), 240, efficiency=0.6)[-1] == pytest.approx(0.3)


def test_telemetry_is_told_late_in_means_over_its_granularity() -> None:
    assert loads(TelemetrySpec(delay_seconds=90), 240)[:2] == [None, None]
    # The job starts with the second cycle, after a minute: none of the first poll, all of the other four.
    coarse = loads(TelemetrySpec(granularity_seconds=300), 360)
    assert coarse[:4] == [None, None, None, None]
    assert coarse[4] == pytest.approx(0.4)


def test_telemetry_has_gaps() -> None:
    told = loads(TelemetrySpec(gaps=0.5), 3600)
    assert 15 < told.count(None) < 45


def test_the_load_of_lazy_jobs_keeps_the_thesis_policy_from_growing() -> None:
    def most(efficiency: float) -> int:
        simulation = Simulation(
            parse(
                {
                    "run": {"seconds": 3600},
                    "policy": {"name": "thesis"},
                    "site": {"tick_seconds": 60},
                    "group": [
                        {
                            "name": "small",
                            "minimum": 1,
                            "maximum": 4,
                            "shape": {"cpus": 1, "memory_mb": 1024, "disk_mb": 1024},
                            "reserve": {},
                            "model": {"boot": 60, "join": 5},
                        }
                    ],
                    "jobs": [
                        {
                            "at": 300,
                            "count": 20,
                            "run": 600,
                            "cpu_efficiency": efficiency,
                            "request": {"cpus": 1, "memory_mb": 512, "disk_mb": 512},
                        }
                    ],
                }
            )
        )
        return max(record.snapshot.groups["small"].existing for record in simulation.run())

    assert (most(1.0), most(0.4)) == (4, 1)


def test_a_busy_worker_that_is_to_be_closed_finishes_its_job_and_takes_no_other() -> None:
    told = parse(
        {
            "run": {"seconds": 4000},
            "pool": {"negotiation_seconds": 30},
            "group": [
                {
                    "name": "small",
                    "maximum": 1,
                    "shape": {"cpus": 2, "memory_mb": 4096, "disk_mb": 8192},
                    "model": {"boot": 60, "join": 5, "teardown": 5},
                }
            ],
            "jobs": [{"run": 1500}, {"run": 300}, {"at": 1000, "run": 100}],
            "wish": [{"at": 600, "worker": "small-*", "kind": "drain_busy"}],
        }
    )
    simulation = Simulation(told)
    simulation.run()
    closed = simulation.grid.datacentre.gone[0]
    ran = {line.job: (line.machine, line.at_us / 1e6) for line in simulation.grid.log if line.event is JobEvent.EXECUTE}
    ended = {line.job: line.at_us for line in simulation.grid.log if line.event is JobEvent.TERMINATE}
    assert (closed.drained_us or 0) < ended["schedd#1.0"] <= (closed.deleting_us or 0)
    assert ran["schedd#3.0"][0] != f"{closed.name}.simulated", "the job that came later had to wait for another worker"
    assert ran["schedd#3.0"][1] > ended["schedd#1.0"] / 1e6
    assert simulation.grid.lost_jobs() == ()


def test_workers_that_fail_by_their_mtbf_are_replaced_and_every_job_ends() -> None:
    told = parse(
        {
            "run": {"seconds": 40000, "seed": 3},
            "pool": {"negotiation_seconds": 30, "job_lease_seconds": 300},
            "group": [
                {
                    "name": "small",
                    "maximum": 4,
                    "lost_seconds": 600,
                    "job_lease_seconds": 300,
                    "shape": {"cpus": 1, "memory_mb": 2048, "disk_mb": 8192},
                    "reserve": {},
                    "model": {"boot": {"lognormal": [60, 0.5]}, "join": 5, "life": {"exponential": 3000}},
                }
            ],
            "jobs": [{"count": 40, "run": 600, "request": {"cpus": 1, "memory_mb": 512, "disk_mb": 512}}],
        }
    )
    simulation = Simulation(told)
    simulation.run()
    assert simulation.grid.log.count(JobEvent.TERMINATE) == 40
    assert simulation.grid.log.count(JobEvent.EVICT) > 0
    assert simulation.grid.killed_jobs() == ()
