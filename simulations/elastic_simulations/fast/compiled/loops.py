"""Time passes in a pool: job ends, workers ready, submits, starts, as in `fast.pool`; and what is done to workers."""

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.fast.compiled.heaps import pop, push
from elastic_simulations.fast.compiled.jit import jit
from elastic_simulations.fast.compiled.layout import (
    AFTER,
    ARRIVED,
    BOOTING,
    BOOTS,
    BUSY,
    CORES,
    DELETED,
    DEMAND,
    DRAINED,
    FINISHED,
    FIRST,
    FOLLOWING,
    FREE,
    GONE,
    HEAD,
    JOINED,
    JOINED_AT,
    NEVER,
    NEWS,
    NONE,
    NOW,
    OVER_TIME,
    PEAK,
    QUEUE_HIGH,
    READY,
    REQUESTED,
    RUN,
    RUNNING,
    SHAPE_OF,
    SINCE,
    SLOTS,
    START,
    STARTED,
    SUBMIT,
    UNDER_HIGH,
    UNDER_TIME,
    USED,
    WAITING,
    WANTS,
    WORKER,
    WORKERS,
)
from elastic_simulations.fast.compiled.lines import enter, fitting, leave
from elastic_simulations.fast.compiled.sums import add

Array = NDArray[np.int64]


@jit
def advance(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - one loop over arrays
    state: Array,
    jobs: Array,
    links: Array,
    shapes: Array,
    workers: Array,
    rooms: Array,
    ends: Array,
    boots: Array,
    until: int,
) -> int:
    """Everything that happens up to and including `until`; when something happens next by itself."""
    submit, run, wants, start, worker = jobs[SUBMIT], jobs[RUN], jobs[WANTS], jobs[START], jobs[WORKER]
    last = len(run)
    slots = state[SLOTS]
    now, arrived, demand = state[NOW], state[ARRIVED], state[DEMAND]
    next_submit = submit[arrived] if arrived < last else NEVER
    while state[FINISHED] == NONE:
        next_end = ends[0, 0] if state[RUNNING] else NEVER
        next_boot = boots[0, 0] if state[BOOTS] else NEVER
        at = min(next_end, next_submit, next_boot, until)
        span = at - now
        if span:
            if arrived > state[STARTED]:
                add(state, QUEUE_HIGH, arrived - state[STARTED], span)
            supply = state[READY] * slots
            if demand > supply:
                add(state, UNDER_HIGH, demand - supply, span)
                state[UNDER_TIME] += span
            elif demand < supply:
                state[OVER_TIME] += span
            now = at
        while state[RUNNING] and ends[0, 0] == at:
            job = pop(ends, state[RUNNING])
            state[RUNNING] -= 1
            number, cores = worker[job], wants[job]
            demand -= cores
            state[USED] -= cores
            if workers[FREE, number]:
                leave(state, workers, rooms, number)
            workers[FREE, number] += cores
            if workers[FREE, number] == slots:
                state[BUSY] -= 1
                workers[SINCE, number] = at
            enter(state, workers, rooms, number)
        while state[BOOTS] and boots[0, 0] == at:
            joined(state, workers, rooms, boots, at)
        while next_submit == at:
            shape = links[SHAPE_OF, arrived] if len(links) else 0
            shapes[WAITING, shape] += 1
            demand += wants[arrived]
            arrived += 1
            next_submit = submit[arrived] if arrived < last else NEVER
        state[PEAK] = max(state[PEAK], demand)
        if state[STARTED] < arrived:
            dispatch(state, run, links, shapes, start, worker, workers, rooms, ends, at)
        elif state[RUNNING] == 0 and next_submit == NEVER:
            state[FINISHED] = at
        if at == until:
            break
    state[ARRIVED], state[DEMAND] = arrived, demand
    if state[FINISHED] != NONE:
        # When there is no job left, boots still end.
        while state[BOOTS] and boots[0, 0] <= until:
            joined(state, workers, rooms, boots, boots[0, 0])
    state[NOW] = until
    following = min(ends[0, 0] if state[RUNNING] else NEVER, boots[0, 0] if state[BOOTS] else NEVER)
    return int(min(following, submit[arrived] if arrived < last else NEVER))


@jit
def joined(state: Array, workers: Array, rooms: Array, boots: Array, at: int) -> None:
    """The first boot ends; a worker that was deleted meanwhile stays so."""
    number = pop(boots, state[BOOTS])
    state[BOOTS] -= 1
    if workers[DELETED, number] != NONE:
        return
    state[BOOTING] -= 1
    state[READY] += 1
    workers[JOINED_AT, number] = workers[SINCE, number] = at
    workers[NEWS, state[JOINED]] = number
    state[JOINED] += 1
    workers[FREE, number] = state[SLOTS]
    enter(state, workers, rooms, number)


@jit
def dispatch(  # noqa: PLR0913, PLR0917 - as above
    state: Array,
    run: Array,
    links: Array,
    shapes: Array,
    start: Array,
    worker: Array,
    workers: Array,
    rooms: Array,
    ends: Array,
    at: int,
) -> None:
    """Start what can start; a job that fits nowhere holds up those that ask for as many cores or more."""
    open_shapes = shapes.shape[1]
    while True:
        best = NONE
        for shape in range(open_shapes):
            if shapes[WAITING, shape] and (best == NONE or shapes[FIRST, shape] < shapes[FIRST, best]):
                best = shape
        if best == NONE:
            return
        cores = shapes[CORES, best]
        number = fitting(state, rooms, cores)
        if number == NONE:
            open_shapes = best
            continue
        job = shapes[FIRST, best]
        shapes[FIRST, best] = links[FOLLOWING, job] if len(links) else job + 1
        shapes[WAITING, best] -= 1
        leave(state, workers, rooms, number)
        if workers[FREE, number] == state[SLOTS]:
            state[BUSY] += 1
        workers[FREE, number] -= cores
        if workers[FREE, number]:
            enter(state, workers, rooms, number)
        start[job], worker[job] = at, number
        push(ends, state[RUNNING], at + run[job], job)
        state[RUNNING] += 1
        state[STARTED] += 1
        state[USED] += cores


@jit
def launch(state: Array, workers: Array, boots: Array, ready_at: Array) -> None:
    """As many new workers as there are times at which they will be ready."""
    for at in ready_at:
        number = state[WORKERS]
        workers[REQUESTED, number] = state[NOW]
        workers[FREE, number] = GONE
        push(boots, state[BOOTS], at, number)
        state[BOOTS] += 1
        state[WORKERS] += 1
    state[BOOTING] += len(ready_at)


@jit
def launch_alike(state: Array, workers: Array, boots: Array, count: int, ready_at: int) -> None:
    """So many new workers that will all be ready then."""
    launch(state, workers, boots, np.full(count, ready_at, np.int64))


@jit
def drain(state: Array, workers: Array, rooms: Array, number: int) -> None:
    """An idle worker takes no more jobs."""
    leave(state, workers, rooms, number)
    state[READY] -= 1
    workers[FREE, number] = GONE
    workers[DRAINED, number] = state[NOW]


@jit
def remove(state: Array, workers: Array, rooms: Array, numbers: Array) -> None:
    """Drained and deleted at once."""
    for number in numbers:
        drain(state, workers, rooms, number)
        workers[DELETED, number] = state[NOW]


@jit
def retire(state: Array, workers: Array, rooms: Array, limit: int, most: int, found: Array) -> int:
    """Remove the oldest, unless they are more than `most`: then names decide, and nobody goes. How many were found."""
    count = oldest(state, workers, limit, most, found)
    if count <= most:
        remove(state, workers, rooms, found[:count])
    return count


@jit
def resume(state: Array, workers: Array, rooms: Array, number: int) -> None:
    """A drained worker takes jobs again, idle for as long as it has been."""
    state[READY] += 1
    workers[DRAINED, number] = NONE
    workers[FREE, number] = state[SLOTS]
    enter(state, workers, rooms, number)


@jit
def oldest(state: Array, workers: Array, limit: int, most: int, found: Array) -> int:
    """The first `most` that have been idle since `limit` or before, and all that are as old as the last of them."""
    count, number, last = 0, state[HEAD], NONE
    while number != NONE and workers[SINCE, number] <= limit:
        if count >= most and workers[SINCE, number] != last:
            break
        found[count] = number
        last = workers[SINCE, number]
        count += 1
        number = workers[AFTER, number]
    return count


@jit
def next_old(state: Array, workers: Array, limit: int) -> int:
    """Since when the first worker has been idle that is idle since after `limit`; NEVER when there is none."""
    number = state[HEAD]
    while number != NONE and workers[SINCE, number] <= limit:
        number = workers[AFTER, number]
    return NEVER if number == NONE else int(workers[SINCE, number])
