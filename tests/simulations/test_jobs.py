"""Where and when jobs run in the simulated pool."""

import pytest

from elastic.core.resources import Resources
from elastic_simulations.mishaps import Kind
from elastic_simulations.specs import PoolSpec
from elastic_simulations.striking import strike
from tests.simulations.pools import grid, job, machine, starts, story


def test_a_job_waits_for_the_next_negotiation_cycle() -> None:
    world = grid()
    machine(world)
    world.submit(job(100))
    world.run_to(world.timeline.epoch_us / 1e6 + 500)
    assert story(world, "1.0") == [(2.0, "submit"), (60.0, "execute"), (160.0, "terminate")]


def test_a_claim_takes_the_next_job_without_a_cycle_until_it_is_too_old() -> None:
    world = grid(PoolSpec(claim_seconds=250))
    machine(world, slots=1)
    world.submit(job(100), 4)
    world.run_for(1000)
    assert starts(world) == {"1.0": [60.0], "1.1": [160.0], "1.2": [260.0], "1.3": [360.0]}, "the last after a cycle"


def test_a_claim_that_is_too_old_waits_for_a_cycle() -> None:
    world = grid(PoolSpec(claim_seconds=50))
    machine(world, slots=1)
    world.submit(job(70), 2)
    world.run_for(1000)
    assert starts(world) == {"1.0": [60.0], "1.1": [180.0]}


def test_a_claim_is_not_reused_for_another_owner() -> None:
    world = grid()
    machine(world, slots=1)
    world.submit(job(70, owner="alice"))
    world.submit(job(70, owner="bob"))
    world.run_for(1000)
    assert starts(world) == {"1.0": [60.0], "2.0": [180.0]}


def test_a_claim_takes_a_smaller_job_of_its_owner_and_stays_as_large_as_it_is() -> None:
    """As real schedds do: seen when a job of four cores had ended and small ones waited."""
    world = grid()
    machine(world)
    world.submit(job(70, request=Resources(2, 2048, 2048)))
    world.submit(job(100), 2)
    world.submit(job(100, owner="bob"))
    world.run_for(600)
    assert starts(world) == {"1.0": [60.0], "2.0": [130.0], "2.1": [230.0], "3.0": [360.0]}


def test_a_claimed_but_idle_slot_takes_a_job_at_once_and_is_given_back_in_the_end() -> None:
    world = grid(PoolSpec(claim_idle_seconds=30))
    startd = machine(world)
    world.submit(job(10))
    world.run_for(75)
    assert (len(startd.claims), startd.free().cpus) == (1, 1), "claimed, but idle"
    world.submit(job(10))
    world.run_for(15)
    assert starts(world)["2.0"] == [77.0]
    world.run_for(40)
    assert (len(startd.claims), startd.free().cpus) == (0, 2)


def test_each_job_costs_its_overhead_and_the_first_on_a_machine_its_cold_start() -> None:
    world = grid(PoolSpec(job_overhead_seconds=5))
    machine(world, slots=1, cold_start_seconds=20)
    world.submit(job(100), 2)
    world.run_for(1000)
    assert story(world, "1.0")[-1] == (185.0, "terminate")
    assert story(world, "1.1")[-1] == (290.0, "terminate")


def test_a_new_claim_takes_its_time_before_its_first_job_and_not_before_the_next() -> None:
    world = grid(PoolSpec(start_seconds=3))
    machine(world, slots=1)
    world.submit(job(100), 2)
    world.run_for(1000)
    assert starts(world) == {"1.0": [63.0], "1.1": [163.0]}


def test_a_worker_that_dies_before_its_first_job_began_has_lost_that_job_all_the_same() -> None:
    world = grid(PoolSpec(start_seconds=3, job_lease_seconds=50, startd_restart_seconds=200))
    machine(world, slots=1)
    world.submit(job(100))
    world.run_for(59)
    strike(world, Kind.STARTD_RESTART)
    world.run_for(1000)
    assert [event for _, event in story(world, "1.0")] == ["submit", "disconnect", "evict", "execute", "terminate"]
    assert world.startds["m1"].cpu_us() == 100_000_000


def test_a_machine_twice_as_fast_needs_half_the_time() -> None:
    world = grid()
    machine(world, speed=2.0)
    world.submit(job(100))
    world.run_for(500)
    assert story(world, "1.0")[-1] == (110.0, "terminate")


def test_jobs_start_in_the_order_of_submission_and_small_ones_pass_one_that_does_not_fit() -> None:
    world = grid()
    machine(world)
    world.submit(job(100))
    world.submit(job(100, request=Resources(2, 512, 512)))
    world.submit(job(300))
    world.run_for(1000)
    assert starts(world) == {"1.0": [60.0], "3.0": [60.0], "2.0": [360.0]}


AT_ONCE = PoolSpec(negotiation_seconds=0, claim_seconds=0, ad_delay_seconds=0)


def test_without_negotiation_cycles_a_job_starts_in_the_moment_in_which_it_could() -> None:
    world = grid(AT_ONCE)
    world.submit(job(100), 3)
    world.run_for(7)
    machine(world)
    world.run_for(500)
    assert starts(world) == {"1.0": [7.0], "1.1": [7.0], "1.2": [107.0]}


@pytest.mark.parametrize("kind", [Kind.NEGOTIATOR_OUTAGE, Kind.SCHEDD_OUTAGE, Kind.COLLECTOR_OUTAGE])
def test_without_negotiation_cycles_jobs_go_on_once_an_outage_is_over(kind: Kind) -> None:
    world = grid(AT_ONCE)
    machine(world)
    strike(world, kind, seconds=50)
    world.submit(job(100))
    world.run_for(1000)
    (began,) = starts(world)["1.0"]
    # A collector that was restarted hears of its startds with their next update.
    assert began == (300.0 if kind is Kind.COLLECTOR_OUTAGE else 52.0)


def test_a_machine_with_jobs_left_counts_as_idle_since_it_was_last_empty() -> None:
    world = grid(AT_ONCE)
    for name in ("m1", "m2"):
        machine(world, name)
    world.submit(job(10))
    world.submit(job(100))
    world.submit(job(50), 2)
    world.run_for(70)
    assert [s.idle_since_us // 1_000_000 for s in world.startds.values()] == [54, 2]


@pytest.mark.parametrize(("packing", "machines"), [("fullest", {"m2": 2}), ("emptiest", {"m1": 1, "m2": 1})])
def test_jobs_are_packed_as_the_pool_says(packing: str, machines: dict[str, int]) -> None:
    world = grid(PoolSpec(packing=packing))
    machine(world, "m1")
    machine(world, "m2")
    world.submit(job(100), 2)
    world.run_for(100)
    assert {name: len(s.claims) for name, s in world.startds.items() if s.claims} == machines


def test_a_static_slot_is_taken_whole() -> None:
    world = grid()
    startd = machine(world, slots=2)
    world.submit(job(100, request=Resources(1, 10, 10)))
    world.run_for(70)
    assert startd.free() == Resources(1, 2048, 10240)


def test_a_group_quota_keeps_jobs_idle_beside_free_room() -> None:
    world = grid(PoolSpec(group_quotas={"physics": 1.0}))
    startd = machine(world)
    world.submit(job(100, accounting_group="physics"), 2)
    world.run_for(100)
    assert (len(startd.claims), list(starts(world))) == (1, ["1.0"])


def test_the_schedds_limit_of_running_jobs_holds() -> None:
    world = grid(PoolSpec(max_jobs_running=1))
    startd = machine(world)
    world.submit(job(100), 2)
    world.run_for(100)
    assert len(startd.claims) == 1


def test_a_machine_that_accepts_no_jobs_gets_none() -> None:
    world = grid()
    machine(world)
    strike(world, Kind.STARTD_CLOSED, target="m1")
    world.submit(job())
    world.run_for(200)
    assert starts(world) == {}


def test_on_a_black_hole_every_job_fails_at_once() -> None:
    world = grid()
    machine(world, black_hole=True)
    world.submit(job(100), 3)
    world.run_for(100)
    assert [attempt.failed for attempt in world.schedds["schedd"].history] == [True, True, True]
    assert story(world, "1.0")[-1] == (61.0, "terminate")


def test_no_job_starts_while_the_schedd_is_down_and_running_ones_go_on() -> None:
    world = grid()
    machine(world)
    world.submit(job(100))
    world.run_for(70)
    strike(world, Kind.SCHEDD_OUTAGE, seconds=200)
    world.submit(job(10))
    world.run_for(400)
    assert story(world, "1.0")[-1] == (160.0, "terminate")
    assert starts(world)["2.0"] == [300.0]


def test_two_schedds_number_alike_and_are_told_apart() -> None:
    world = grid(PoolSpec(schedds=("a", "b")))
    machine(world)
    world.submit(job(100), schedd="a")
    world.submit(job(100), schedd="b")
    world.run_for(300)
    assert sorted({line.job for line in world.log}) == ["a#1.0", "b#2.0"]
    assert world.lost_jobs() == ()


def test_a_removed_job_gives_its_slot_back() -> None:
    world = grid()
    startd = machine(world)
    world.submit(job(1000))
    world.run_for(100)
    world.execution.remove(world.schedds["schedd"].jobs["1.0"])
    assert (startd.free().cpus, story(world, "1.0")[-1][1], world.schedds["schedd"].jobs) == (2, "remove", {})
    world.run_for(2000)
    assert story(world, "1.0")[-1][1] == "remove"
