from elastic.ports import BatchSystem
from elastic_simulations.mishaps import Kind
from elastic_simulations.specs import PoolSpec
from elastic_simulations.striking import strike
from tests.simulations.pools import batch, grid, job, machine, starts


def seen(view: BatchSystem) -> list[str]:
    return [machine.name for machine in view.machines().machines]


def test_a_restarted_collector_knows_nobody_until_the_next_update() -> None:
    world = grid(PoolSpec(update_seconds=300))
    machine(world)
    view = batch(world)
    strike(world, Kind.COLLECTOR_RESTART)
    at_once = (seen(view), view.machines().collector_age_seconds)
    world.run_for(290)
    later = seen(view)
    world.run_for(20)
    assert (at_once, later, seen(view)) == (([], 0.0), [], ["m1"])


def test_a_machine_that_changes_is_heard_before_its_next_update() -> None:
    world = grid(PoolSpec(update_seconds=300))
    machine(world)
    world.submit(job(100))
    world.run_for(50)
    strike(world, Kind.COLLECTOR_RESTART)
    strike(world, Kind.STARTD_CLOSED, seconds=5)
    world.run_for(2)
    assert seen(batch(world)) == ["m1"]


def test_nothing_is_matched_to_a_machine_that_the_collector_does_not_know() -> None:
    world = grid(PoolSpec(update_seconds=300))
    machine(world)
    strike(world, Kind.ADS_VANISH, seconds=100)
    world.submit(job(10))
    world.run_for(200)
    assert starts(world) == {"1.0": [120.0]}


def test_the_ad_of_a_dead_machine_stays_for_its_lifetime() -> None:
    world = grid(PoolSpec(update_seconds=300, ad_lifetime_seconds=900))
    startd = machine(world)
    startd.power = False
    world.run_for(880)
    still = seen(batch(world))
    world.run_for(40)
    assert (still, seen(batch(world))) == (["m1"], [])


def test_an_expired_token_shows_only_once_the_collector_restarts() -> None:
    world = grid(PoolSpec(update_seconds=60))
    machine(world)
    strike(world, Kind.TOKENS_EXPIRE)
    world.run_for(1000)
    before = seen(batch(world))
    strike(world, Kind.COLLECTOR_RESTART)
    world.run_for(1000)
    assert (before, seen(batch(world))) == (["m1"], [])


def test_an_ad_says_how_old_it_is() -> None:
    world = grid(PoolSpec(update_seconds=300))
    machine(world)
    world.run_for(100)
    (ad,) = batch(world).machines().machines
    assert (ad.ad_age_seconds, ad.idle_seconds) == (101.0, 1.0)
