"""Fair share as HTCondor's negotiator has it: who has used more of late comes later, and gets less."""

import pytest

from elastic.core.resources import Resources
from elastic_simulations.priorities import Priorities
from elastic_simulations.specs import MachineSpec, PoolSpec
from tests.simulations.pools import grid, job, starts

DAY_US = 86_400_000_000
FAIR = PoolSpec(order="fair_share", negotiation_seconds=60)


def test_a_real_priority_goes_halfway_to_the_cores_in_use_in_each_halflife() -> None:
    priorities = Priorities(86_400.0, {})
    priorities.used("alice", 100, 0)
    assert [round(priorities.real("alice", DAY_US * day), 3) for day in (0, 1, 2)] == [0.5, 50.25, 75.125]
    priorities.used("alice", -100, 2 * DAY_US)
    assert [round(priorities.real("alice", DAY_US * day), 3) for day in (3, 4, 30)] == [37.562, 18.781, 0.5]


def test_how_often_a_priority_is_asked_for_changes_nothing() -> None:
    seldom, often = Priorities(86_400.0, {}), Priorities(86_400.0, {})
    for priorities in (seldom, often):
        priorities.used("alice", 10, 0)
    for hour in range(48):
        often.real("alice", hour * 3_600_000_000)
    assert often.real("alice", 2 * DAY_US) == pytest.approx(seldom.real("alice", 2 * DAY_US), rel=1e-12)


def test_shares_are_in_inverse_proportion_to_effective_priorities() -> None:
    priorities = Priorities(86_400.0, {"alice": 1000.0, "bob": 3000.0})
    assert priorities.shares(["bob", "alice"], 0) == {"alice": 0.75, "bob": 0.25}


def held(world_order: PoolSpec) -> list[str]:
    """Alice has had the whole pool for an hour, then she and Bob want all of it at once; who gets it."""
    world = grid(world_order)
    world.add_machine("big", MachineSpec(total=Resources(8, 8192, 8192)))
    world.submit(job(3600, owner="alice"), 8)
    world.run_for(3000)
    world.submit(job(600, owner="alice"), 20)
    world.submit(job(600, owner="bob"), 20)
    world.run_for(900)
    later = [name for name, times in starts(world).items() if times[0] > 3000]
    return sorted("alice" if name.startswith("2.") else "bob" for name in later)


def test_whoever_has_used_the_pool_leaves_most_of_it_to_others() -> None:
    fair = held(PoolSpec(order="fair_share", claim_seconds=0))
    fifo = held(PoolSpec(order="fifo", claim_seconds=0))
    # An hour of eight cores makes a real priority of 0.71, against the 0.5 of who has used nothing: 59 % for Bob.
    assert (fair.count("bob"), fifo.count("bob")) == (5, 0)


def test_users_of_equal_priority_share_and_what_one_does_not_want_goes_to_the_other() -> None:
    world = grid(FAIR)
    world.add_machine("big", MachineSpec(total=Resources(8, 8192, 8192)))
    world.submit(job(100, owner="alice"), 20)
    world.submit(job(100, owner="bob"), 20)
    world.submit(job(100, owner="carol"), 1)
    world.run_for(70)
    begun = [name.split(".")[0] for name in starts(world)]
    assert (begun.count("1"), begun.count("2"), begun.count("3")) == (4, 3, 1)


def test_users_of_an_accounting_group_are_submitters_of_their_own() -> None:
    world = grid(PoolSpec(order="fair_share", priority_factors={"physics.alice": 3000.0}))
    world.add_machine("big", MachineSpec(total=Resources(8, 8192, 8192)))
    world.submit(job(100, owner="alice", accounting_group="physics"), 20)
    world.submit(job(100, owner="alice"), 20)
    world.run_for(70)
    begun = [name.split(".")[0] for name in starts(world)]
    assert (begun.count("1"), begun.count("2")) == (2, 6)
