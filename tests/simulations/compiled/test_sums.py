"""Sums beyond 64 bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.fast.compiled.layout import LATEST, MOST_CORES
from elastic_simulations.fast.compiled.sums import add, total, whole


@given(st.lists(st.tuples(st.integers(0, MOST_CORES - 1), st.integers(0, LATEST // 8)), max_size=8))
def test_products_at_the_stated_bounds_are_summed_exactly(terms: list[tuple[int, int]]) -> None:
    state = np.zeros(2, np.int64)
    for count, span in terms:
        add(state, 0, count, span)
    assert whole(*state.tolist()) == sum(count * span for count, span in terms)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_columns_of_any_64_bit_numbers_are_summed_exactly(values: list[int]) -> None:
    assert total(np.array(values, np.int64)) == sum(values)
