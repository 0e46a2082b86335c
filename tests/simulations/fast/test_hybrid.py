"""The policy that reads queue and load sees the same in both worlds, tick by tick; and quiet ticks may be left out."""

from dataclasses import replace
from functools import cache

import pytest

from elastic.core.policy import Target
from elastic_policies.hybrid import Hybrid
from elastic_simulations.fast.elastic import run_elastic
from tests.simulations.fast.test_equality import difference
from tests.simulations.fast.worlds import Example, Seen, fast, full, generated

SEEDS = range(12)


@cache
def example(seed: int) -> Example:
    """One of jobs in waves, under a policy that load moves often."""
    policy = Hybrid(headroom=seed % 2, high=0.4, low=0.2, cooldown_seconds=(60.0, 100.0)[seed % 3 == 0])
    drawn = generated(seed)
    return Example(drawn.trace, replace(drawn.spec, policy=policy))


@cache
def seen(seed: int) -> Seen:
    return fast(example(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_fast_and_full_give_the_same_under_hybrid(seed: int) -> None:
    assert difference(seen(seed), full(example(seed), len(seen(seed).records))) == ""


def test_load_has_moved_some_of_them() -> None:
    def extra(target: Target) -> int:
        return int(target.memory.split()[1])

    most = [max(extra(t) for record in seen(seed).records for t in record.proposal.values()) for seed in SEEDS]
    assert max(most) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_quiet_ticks_may_be_left_out_under_hybrid(seed: int) -> None:
    one = example(seed)
    whole, skipping = (run_elastic(one.trace, replace(one.spec, skips_quiet=skips)) for skips in (False, True))
    assert replace(whole, decisions=0, stopped_us=0) == replace(skipping, decisions=0, stopped_us=0)
