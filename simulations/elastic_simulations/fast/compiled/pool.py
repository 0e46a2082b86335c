"""`fast.pool.Pool` with its columns in arrays and its loops compiled; whoever looks at it sees whole Python numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.compiled import layout, loops
from elastic_simulations.fast.compiled.sums import whole
from elastic_simulations.fast.orders import Order
from elastic_simulations.fast.outcome import Integrals
from elastic_simulations.fast.pool import Pool
from elastic_simulations.traces.trace import UNKNOWN

Array = NDArray[np.int64]

FIRST_CAPACITY = 1024


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a trace by column; times in units."""

    submit: Array
    run: Array
    wants: Array


class CompiledPool(Pool):
    """The mechanics of one group of workers. `start` and `worker` are arrays, filled as jobs start."""

    def __init__(self, jobs: Jobs, slots: int, order: Order, kind: int) -> None:
        """Begin at time 0 with no worker; `kind` is RECENT, LONGEST or LAUNCH, as the order has it."""
        # In one array: a loop that is given few of them begins sooner.
        self._jobs = np.full((layout.JOB_ROWS, len(jobs.run)), UNKNOWN, np.int64)
        self._jobs[layout.SUBMIT], self._jobs[layout.RUN], self._jobs[layout.WANTS] = jobs.submit, jobs.run, jobs.wants
        self.jobs = jobs
        self.slots = slots
        shapes = np.unique(jobs.wants)
        self.shapes: list[int] = shapes.tolist()
        self.starts, self.workers_of = self._jobs[layout.START], self._jobs[layout.WORKER]
        # Seen as whole Python numbers, also while they change.
        seen = (jobs.submit, jobs.run, jobs.wants, self.starts, self.workers_of)
        self.submit, self.run, self.wants, self.start, self.worker = (memoryview(column) for column in seen)  # type: ignore[assignment, arg-type]
        self.held: dict[int, None] = {}
        self.joined: list[int] = []
        self._state = np.zeros(layout.STATE, np.int64)
        self._seen = memoryview(self._state)[: layout.SEEN]  # type: ignore[arg-type] # an array has a buffer
        for place in (layout.FINISHED, layout.HEAD, layout.TAIL, layout.TIE):
            self._state[place] = layout.NONE
        self._state[layout.SLOTS] = slots
        self._state[layout.ORDER] = kind
        self._state[layout.FULLEST] = order.fullest_first
        self._links, self._shapes = _queues(jobs.wants, shapes)
        self._lines = np.full(slots + 1, layout.NONE, np.int64)
        self._workers = np.full((layout.ROWS, FIRST_CAPACITY), UNKNOWN, np.int64)
        self._ends = np.zeros((2, FIRST_CAPACITY), np.int64)
        self._boot_heap = np.zeros((2, FIRST_CAPACITY), np.int64)
        self._found = np.zeros(FIRST_CAPACITY, np.int64)
        self._resumed = False
        self._limit = UNKNOWN
        self._event = int(jobs.submit[0])
        self._columns(len(self._workers[0]), 0)
        self._advance = self._bound()
        self._look()

    def _bound(self) -> Callable[[int], int]:
        """The loop with its arrays: until then, and when something happens next."""
        return partial(
            loops.advance,
            self._state,
            self._jobs,
            self._links,
            self._shapes,
            self._workers,
            self._lines,
            self._ends,
            self._boot_heap,
        )

    def _look(self) -> None:
        """Take over what the loops have changed."""
        (
            self.now, finished, self.arrived, self.started, self.demand, self._used, self._running_jobs,
            self.booting, self.ready, self.busy, joined,
        ) = self._seen.tolist()  # fmt: skip
        self.finished = None if finished == layout.NONE else finished
        if joined:
            self.joined += self._workers[layout.NEWS, :joined].tolist()
            self._state[layout.JOINED] = 0

    def _columns(self, count: int, launched: int) -> None:
        """Rows of so many workers as sequences of whole numbers; `requested` has those that there are, no more."""
        rows = [memoryview(self._workers[row])[:count] for row in range(layout.SINCE + 1)]
        self._requests, self.ready_at, self.drained, self.deleted, self.free, self.since = rows  # type: ignore[assignment] # not lists
        self.requested = self._requests[:launched]  # type: ignore[assignment] # as above

    @property
    def alive(self) -> dict[int, None]:  # type: ignore[override] # nobody but this pool writes it
        """Workers that are not gone, in the order in which they were asked for: looked up when somebody asks."""
        deleted = self._workers[layout.DELETED, : len(self.requested)]
        return dict.fromkeys(np.flatnonzero(deleted == UNKNOWN).tolist())

    @property
    def busy_cores(self) -> int:
        """Cores on which jobs run."""
        return self._used

    @property
    def running(self) -> int:
        """Jobs that run."""
        return self._running_jobs

    def waiting_by_shape(self) -> dict[int, int]:
        """Jobs in the queue by the cores that they ask for."""
        waiting = self._shapes[layout.WAITING].tolist()
        return {cores: jobs for cores, jobs in zip(self.shapes, waiting, strict=True) if jobs}

    def head(self, shape: int) -> int:
        """The first of the waiting jobs that ask for so many cores; of equals they start in their order."""
        if len(self.shapes) == 1:
            return self.started
        return int(self._shapes[layout.FIRST, self.shapes.index(shape)])

    def next_event(self) -> int:
        """When something happens next by itself; NEVER when nothing will."""
        return self._event

    def launch_all(self, ready_at: list[int]) -> None:
        """Ask for as many workers as there are times at which they will be ready."""
        count = len(ready_at)
        self._make_room(len(self.requested) + count)
        loops.launch(self._state, self._workers, self._boot_heap, np.array(ready_at, np.int64))
        self._launched(count, min(ready_at))

    def launch_alike(self, count: int, ready_at: int) -> None:
        """Ask for so many workers that will all be ready then."""
        self._make_room(len(self.requested) + count)
        loops.launch_alike(self._state, self._workers, self._boot_heap, count, ready_at)
        self._launched(count, ready_at)

    def _launched(self, count: int, first_ready: int) -> None:
        self.booting += count
        self._event = min(self._event, first_ready)
        self.requested = self._requests[: len(self.requested) + count]  # type: ignore[assignment] # as above

    def _make_room(self, workers: int) -> None:
        boots = int(self._state[layout.BOOTS]) + workers - len(self.requested)
        ends = min(len(self.jobs.run), workers * (self.slots // self.shapes[0]))
        if workers <= self._workers.shape[1] and boots <= len(self._boot_heap[0]) and ends <= len(self._ends[0]):
            return
        self._workers = _grown(self._workers, workers)
        self._found = np.zeros(self._workers.shape[1], np.int64)
        self._columns(len(self._workers[0]), len(self.requested))
        self._boot_heap = _grown(self._boot_heap, boots)
        self._ends = _grown(self._ends, ends)
        self._advance = self._bound()

    def drain(self, number: int) -> None:
        """An idle worker takes no more jobs."""
        loops.drain(self._state, self._workers, self._lines, number)
        self.ready -= 1
        self.held[number] = None

    def resume(self, number: int) -> None:
        """A drained worker takes jobs again, idle for as long as it has been."""
        del self.held[number]
        loops.resume(self._state, self._workers, self._lines, number)
        self.ready += 1
        self._resumed = True

    def delete(self, number: int) -> None:
        """A drained worker, or one that is still booting, is gone."""
        if number in self.held:
            del self.held[number]
        else:
            self.booting -= 1
            self._state[layout.BOOTING] -= 1
        self._workers[layout.DELETED, number] = self.now

    def victims(self, limit: int, most: int) -> list[int]:
        """The first `most` of the workers that are old at `limit`, in the order in which they would be drained."""
        found = self._oldest(limit, most)
        if len(found) <= most:
            return found
        since = self.since
        return sorted(found, key=lambda number: (since[number], str(number + 1)))[:most]

    def remove(self, numbers: list[int]) -> None:
        """Drained and gone at once."""
        if not numbers:
            return
        loops.remove(self._state, self._workers, self._lines, np.array(numbers, np.int64))
        self.ready -= len(numbers)

    def retire(self, limit: int, most: int) -> int:
        """The first `most` of the workers that are old at `limit`, drained and gone at once; how many."""
        count = loops.retire(self._state, self._workers, self._lines, limit, most, self._found)
        if count > most:
            return super().retire(limit, most)
        self._limit = limit
        self.ready -= count
        return count

    def old(self, limit: int) -> list[int]:
        """Idle workers that have been so since `limit` or before, idle longest first."""
        return self._oldest(limit, len(self._found))

    def _oldest(self, limit: int, most: int) -> list[int]:
        self._limit = limit
        count = loops.oldest(self._state, self._workers, limit, most, self._found)
        found: list[int] = self._found[:count].tolist()
        return found

    def next_old(self) -> int:
        """Since when that idle worker has been idle which will be old next; NEVER when there is none."""
        return loops.next_old(self._state, self._workers, self._limit)

    def idle_since(self) -> dict[int, int]:
        """Every idle worker, and since when."""
        count = loops.oldest(self._state, self._workers, layout.NEVER, len(self._found), self._found)
        return {number: self.since[number] for number in self._found[:count].tolist()}

    def advance(self, until: int) -> None:
        """Everything that happens up to and including `until`."""
        if until >= layout.LATEST:
            raise SimulationError("the run goes beyond a thousand years; use --engine python")
        if self._resumed:
            # Who was taken back takes a waiting job at once, not with the next event.
            self._resumed = False
            self._advance(self.now)
            self._look()
        self._event = self._advance(until)
        self._look()

    def close(self) -> None:
        """The run is over: what the loops integrated."""
        state = self._state.tolist()
        self._columns(state[layout.WORKERS], state[layout.WORKERS])
        self.totals = Integrals(
            queue=whole(*state[layout.QUEUE_HIGH : layout.QUEUE_LOW + 1]),
            under=whole(*state[layout.UNDER_HIGH : layout.UNDER_LOW + 1]),
            under_us=state[layout.UNDER_TIME],
            over_us=state[layout.OVER_TIME],
            peak_demand=state[layout.PEAK],
        )


def _queues(wants: Array, shapes: Array) -> tuple[Array, Array]:
    """Links of the jobs by shape (none where all are alike), and the shapes with nobody waiting yet."""
    rows = np.zeros((layout.SHAPE_ROWS, len(shapes)), np.int64)
    rows[layout.CORES] = shapes
    if len(shapes) == 1:
        return np.zeros((0, 0), np.int64), rows
    links = np.full((layout.LINK_ROWS, len(wants)), UNKNOWN, np.int64)
    links[layout.SHAPE_OF] = np.searchsorted(shapes, wants)
    for shape, cores in enumerate(shapes):
        (mine,) = np.nonzero(wants == cores)
        rows[layout.FIRST, shape] = mine[0]
        links[layout.FOLLOWING, mine[:-1]] = mine[1:]
    return links, rows


def _grown(rows: Array, least: int) -> Array:
    """The rows with room for at least so many: themselves, or twice as many as before or more."""
    if least <= rows.shape[1]:
        return rows
    room = np.full((rows.shape[0], max(least, 2 * rows.shape[1])), UNKNOWN, np.int64)
    room[:, : rows.shape[1]] = rows
    return room
