from statistics import fmean, median

import pytest

from elastic_simulations.draws import Constant, Distribution, Draws, Empirical, Exponential, Lognormal, Uniform

GOLDEN = 0.957388510993411
NAMES = [f"entity {number}" for number in range(4000)]


def test_a_draw_depends_on_its_names_alone() -> None:
    first = [Draws(1).uniform("boot", name) for name in NAMES]
    second = [Draws(1).uniform("boot", name) for name in reversed(NAMES)]
    assert first == second[::-1]


def test_another_seed_stream_or_entity_gives_another_number() -> None:
    draws = {
        Draws(1).uniform("boot", "w1"),
        Draws(2).uniform("boot", "w1"),
        Draws(1).uniform("join", "w1"),
        Draws(1).uniform("boot", "w2"),
    }
    assert len(draws) == 4


def test_a_draw_is_the_same_on_every_machine() -> None:
    assert Draws(7).uniform("boot", "w1") == GOLDEN


@pytest.mark.parametrize(
    ("distribution", "mean", "middle"),
    [
        (Constant(60), 60, 60),
        (Uniform(10, 30), 20, 20),
        (Exponential(100), 100, 69.3),
        (Lognormal(60, 0.3), 62.8, 60),
        (Empirical([1, 2, 3]), 2, 2),
    ],
)
def test_draws_have_their_distributions_mean_and_median(distribution: Distribution, mean: float, middle: float) -> None:
    values = [distribution.at(Draws(3).uniform("any", name)) for name in NAMES]
    assert fmean(values) == pytest.approx(mean, rel=0.05)
    assert median(values) == pytest.approx(middle, rel=0.05)
