"""Sums that need more than 64 bits, exact: kept as high and low parts, put together in Python."""

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.layout import LOW_BITS

Array = NDArray[np.int64]

MASK = (1 << LOW_BITS) - 1


@jit
def add(state: Array, high: int, count: int, span: int) -> None:
    """`count` x `span` onto the sum at `high` and the place after it.

    No part overflows: count < 2^30 and all spans together < 2^56, so that the high part stays below 2^62; the low
    product stays below 2^54.
    """
    state[high] += count * (span >> LOW_BITS)
    low = state[high + 1] + count * (span & MASK)
    state[high] += low >> LOW_BITS
    state[high + 1] = low & MASK


def whole(high: int, low: int) -> int:
    """The sum as one number."""
    return (int(high) << LOW_BITS) + int(low)


def total(column: Array) -> int:
    """The exact sum of any 64-bit numbers: each half of the bits is summed apart."""
    high = int(np.sum(column >> 32))
    return (high << 32) + int(np.sum(column & 0xFFFFFFFF))
