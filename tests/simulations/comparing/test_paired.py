import math
from itertools import product
from random import Random
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.comparing.paired import Difference, difference, draws, holm


def test_the_interval_and_the_p_value_are_those_of_the_definition() -> None:
    values = [3.0, -1.0, 4.0, 1.0, 5.0, 9.0]
    m, s = mean(values), stdev(values) / math.sqrt(6)
    resampled = draws(6, 99)
    t = []
    for places in resampled:
        again = [values[place] for place in places]
        t.append(abs(mean(again) - m) / (stdev(again) / math.sqrt(6)))
    q = sorted(t)[90 - 1]
    found = difference(values, resampled, 0.9)
    assert found.low == pytest.approx(m - q * s)
    assert found.high == pytest.approx(m + q * s)
    assert found.p == (1 + sum(one >= m / s for one in t)) / 100


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=12), st.sampled_from([0.8, 0.9, 0.95]))
def test_zero_is_outside_the_interval_exactly_where_the_p_value_is_small(
    values: list[float], confidence: float
) -> None:
    found = difference(values, draws(len(values), 199), confidence)
    if found.low is None or found.high is None or found.low == found.high:
        return
    assert not (found.low > 0 or found.high < 0) or found.p <= round(1 - confidence, 9) + 1e-12
    assert found.low <= 0 <= found.high or found.p <= round(1 - confidence, 9) + 1e-12


def test_nineteen_of_twenty_intervals_contain_the_truth() -> None:
    random = Random(7)  # noqa: S311 - no secret
    resampled = draws(12, 399)
    samples = [[random.expovariate(1.0) for _ in range(12)] for _ in range(300)]
    found = [difference(values, resampled, 0.95) for values in samples]
    inside = sum(one.low is not None and one.high is not None and one.low <= 1.0 <= one.high for one in found)
    # Of 1,500 such intervals 94 % hold it; of Student's t 92 %.
    assert 0.90 <= inside / 300 <= 0.98


def test_what_leaves_nothing_to_estimate_has_no_interval_or_a_point() -> None:
    assert difference([2.0], draws(1, 99), 0.95) == Difference(mean=2.0, low=None, high=None, p=1.0)
    assert difference([0.0] * 5, draws(5, 99), 0.95) == Difference(mean=0.0, low=0.0, high=0.0, p=1.0)
    assert difference([0.1] * 5, draws(5, 99), 0.95) == Difference(mean=0.1, low=0.1, high=0.1, p=1 / 16)
    two = difference([1.0, 2.0], draws(2, 99), 0.95)
    assert (two.low, two.high) == (None, None)


def test_holm_steps_down_from_the_smallest() -> None:
    # By hand: 0.01 x 4, then 0.013 x 3 (not below), 0.03 x 2, and 0.5 x 1.
    assert holm([0.03, 0.01, 0.5, 0.013]) == pytest.approx([0.06, 0.04, 0.5, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_rejects_what_the_step_down_test_rejects(p: list[float]) -> None:
    """The other way to say it: in rising order, stop at the first p above alpha / (how many are left)."""
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, place in enumerate(sorted(range(len(p)), key=lambda place: (p[place], place))):
            if p[place] * (len(p) - rank) > alpha:
                break
            rejected.add(place)
        assert {place for place, adjusted in enumerate(holm(p)) if adjusted <= alpha} == rejected


def test_resamples_are_always_the_same_and_of_all_places() -> None:
    assert draws(3, 50) == draws(3, 50)
    assert {tuple(row) for row in draws(2, 200)} == set(product(range(2), repeat=2))
