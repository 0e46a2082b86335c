"""Workers with room, by what they have free: exact orders in which each can be taken out wherever it stands.

Idle workers are also a list by the time since which they are idle; at equal times the highest number comes first, so
that the last of the list is the most recently idle with the lowest number.
"""

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.layout import (
    ABOVE,
    AFTER,
    BEFORE,
    FREE,
    FULLEST,
    HEAD,
    LAUNCH,
    LEFT,
    NONE,
    ORDER,
    RECENT,
    RIGHT,
    SINCE,
    SLOTS,
    TAIL,
    TIE,
)

Array = NDArray[np.int64]


@jit
def idle(state: Array, workers: Array, number: int) -> None:
    """The worker is idle, since its SINCE: into the list."""
    since = workers[SINCE, number]
    tie, after = state[TIE], NONE
    if tie != NONE and workers[SINCE, tie] == since and tie < number:
        # Of many that become idle at once each goes before the last one: not past all of them.
        before, after = workers[BEFORE, tie], tie
        state[TIE] = number
    else:
        before = state[TAIL]
        if before == NONE or workers[SINCE, before] < since:
            state[TIE] = number
        while before != NONE and (
            workers[SINCE, before] > since or (workers[SINCE, before] == since and before < number)
        ):
            after = before
            before = workers[BEFORE, before]
    workers[BEFORE, number] = before
    workers[AFTER, number] = after
    if before == NONE:
        state[HEAD] = number
    else:
        workers[AFTER, before] = number
    if after == NONE:
        state[TAIL] = number
    else:
        workers[BEFORE, after] = number


@jit
def not_idle(state: Array, workers: Array, number: int) -> None:
    """Out of the list."""
    before, after = workers[BEFORE, number], workers[AFTER, number]
    if state[TIE] == number:
        state[TIE] = after
    if before == NONE:
        state[HEAD] = after
    else:
        workers[AFTER, before] = after
    if after == NONE:
        state[TAIL] = before
    else:
        workers[BEFORE, after] = before


@jit
def sooner(workers: Array, order: int, one: int, other: int) -> bool:
    """Whether `one` gets the next job before `other`, both having equal room."""
    if order != LAUNCH:
        mine, its = workers[SINCE, one], workers[SINCE, other]
        if mine != its:
            return bool(mine > its) if order == RECENT else bool(mine < its)
    return one < other


@jit
def merged(workers: Array, order: int, one: int, other: int) -> int:
    """Two skew heaps as one; its root."""
    if one == NONE:
        return other
    if other == NONE:
        return one
    if sooner(workers, order, other, one):
        one, other = other, one
    root = one
    while True:
        right = workers[RIGHT, one]
        workers[RIGHT, one] = workers[LEFT, one]
        if right == NONE:
            workers[LEFT, one] = other
            workers[ABOVE, other] = one
            return root
        if sooner(workers, order, other, right):
            below, rest = other, right
        else:
            below, rest = right, other
        workers[LEFT, one] = below
        workers[ABOVE, below] = one
        one, other = below, rest


@jit
def in_list_only(state: Array, room: int) -> bool:
    """Whether workers with so much room stand in the list of idle ones alone."""
    return bool(room == state[SLOTS] and state[ORDER] == RECENT)


@jit
def enter(state: Array, workers: Array, rooms: Array, number: int) -> None:
    """The worker, with what it has free, stands in line for jobs."""
    room = workers[FREE, number]
    if room == state[SLOTS]:
        idle(state, workers, number)
    if in_list_only(state, room):
        return
    workers[LEFT, number] = workers[RIGHT, number] = workers[ABOVE, number] = NONE
    root = merged(workers, state[ORDER], rooms[room], number)
    workers[ABOVE, root] = NONE
    rooms[room] = root


@jit
def leave(state: Array, workers: Array, rooms: Array, number: int) -> None:
    """The worker, with what it has free, stands in line no more."""
    room = workers[FREE, number]
    if room == state[SLOTS]:
        not_idle(state, workers, number)
    if in_list_only(state, room):
        return
    above = workers[ABOVE, number]
    below = merged(workers, state[ORDER], workers[LEFT, number], workers[RIGHT, number])
    if below != NONE:
        workers[ABOVE, below] = above
    if above == NONE:
        rooms[room] = below
    elif workers[LEFT, above] == number:
        workers[LEFT, above] = below
    else:
        workers[RIGHT, above] = below


@jit
def fitting(state: Array, rooms: Array, cores: int) -> int:
    """The worker that gets the next job that asks for `cores`; NONE when none has room."""
    slots = state[SLOTS]
    for step in range(slots - cores + 1):
        room = cores + step if state[FULLEST] else slots - step
        number = state[TAIL] if in_list_only(state, room) else rooms[room]
        if number != NONE:
            return int(number)
    return NONE
