"""Exponential numbers and sums of waits, from arrays: the same, to the last bit, as in pure Python."""

import math
from random import Random

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.sums import total
from elastic_simulations.fast.compiled.tables import as_array
from elastic_simulations.traces.trace import Column

Array = NDArray[np.int64]


def exponentials(random: Random, mean: float, count: int) -> list[int]:
    """So many whole numbers of this mean, from the generator as it stands; it is not moved on."""
    state = random.getstate()[1]
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(state[:-1], np.uint32), state[-1], 0, 0.0))
    drawn: list[int] = _exponentials(twister.random_sample(count), mean).tolist()
    return drawn


def waited(start_us: Column, submit_us: Column) -> tuple[int, int]:
    """All waits together in us, and how many jobs waited at all."""
    waits = as_array(start_us) - as_array(submit_us)
    return total(waits), int(np.count_nonzero(waits))


@jit
def _exponentials(uniform: NDArray[np.float64], mean: float) -> Array:
    found = np.empty(len(uniform), np.int64)
    for place in range(len(uniform)):
        # The same function of the C library that math.log1p calls in Python: numpy's own may round otherwise.
        found[place] = int(np.rint(-mean * math.log1p(-uniform[place])))
    return found
