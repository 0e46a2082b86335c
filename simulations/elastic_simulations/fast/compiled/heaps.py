"""Heaps of (time, number) in two rows of an array: when jobs end and when workers are ready."""

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit

Array = NDArray[np.int64]


@jit
def push(heap: Array, size: int, time: int, number: int) -> None:
    """Put one more into a heap that holds `size`; at equal times the lowest number comes first."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        there = heap[0, above]
        if there < time or (there == time and heap[1, above] < number):
            break
        heap[0, place] = there
        heap[1, place] = heap[1, above]
        place = above
    heap[0, place] = time
    heap[1, place] = number


@jit
def pop(heap: Array, size: int) -> int:
    """Take the first out of a heap that holds `size`; its number."""
    first = heap[1, 0]
    last = size - 1
    time, number = heap[0, last], heap[1, last]
    place, child = 0, 1
    while child < last:
        beside = child + 1
        if beside < last and (
            heap[0, beside] < heap[0, child] or (heap[0, beside] == heap[0, child] and heap[1, beside] < heap[1, child])
        ):
            child = beside
        if time < heap[0, child] or (time == heap[0, child] and number < heap[1, child]):
            break
        heap[0, place] = heap[0, child]
        heap[1, place] = heap[1, child]
        place = child
        child = 2 * place + 1
    heap[0, place] = time
    heap[1, place] = number
    return int(first)
