"""Jobs and workers between two decisions, as columns: submits, starts, ends, boots, and what is integrated meanwhile.

Time is counted in units (see `units`). At equal times: job ends, workers ready, submits, starts; the caller's tick.
"""

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from elastic.core.resources import Resources
from elastic_simulations.fast.orders import WORKER_BITS, WORKER_MASK, Order
from elastic_simulations.fast.outcome import Integrals
from elastic_simulations.traces.trace import UNKNOWN

NEVER = 1 << 60

GONE = -1
"""The free cores of a worker that takes no jobs: not ready yet, drained, or deleted."""


class Pool:
    """The mechanics of one group of workers, each with `slots` cores; nothing is decided here."""

    def __init__(self, submit: list[int], run: list[int], wants: list[int], slots: int, order: Order) -> None:
        """Begin at time 0 with no worker; `submit` is sorted."""
        self.submit = [*submit, NEVER]
        self.run = run
        self.wants = wants
        self.slots = slots
        self.shapes = sorted(set(wants))
        self.now = 0
        self.finished: int | None = None
        self.totals = Integrals()
        # Jobs, by number.
        self.start = [UNKNOWN] * len(run)
        self.worker = [UNKNOWN] * len(run)
        self.arrived = 0
        self.started = 0
        self.demand = 0
        self._running: list[int] = []
        self._bits = len(run).bit_length()
        self._queues: dict[int, deque[int]] = {cores: deque() for cores in self.shapes}
        # Workers, by launch number.
        self.requested: list[int] = []
        self.ready_at: list[int] = []
        self.drained: list[int] = []
        self.deleted: list[int] = []
        self.free: list[int] = []
        self.since: list[int] = []
        self.booting = 0
        self.ready = 0
        self.busy = 0
        self.held: dict[int, None] = {}
        self.alive: dict[int, None] = {}
        self.joined: list[int] = []
        self._boots: list[int] = []
        self._key_of: list[int] = []
        self._key = order.key
        self._rooms: list[list[int]] = [[] for _ in range(slots + 1)]
        levels = range(self.shapes[0] if self.shapes else 1, slots + 1)
        self._levels = tuple(levels if order.fullest_first else reversed(levels))
        self._idled: deque[int] = deque()
        self._old: dict[int, None] = {}
        self._most = 0
        self._resumed = False
        self._limit = UNKNOWN

    @property
    def idle(self) -> int:
        """Ready workers without a job."""
        return self.ready - self.busy

    @property
    def busy_cores(self) -> int:
        """Cores on which jobs run."""
        return self.demand - sum(cores * len(queue) for cores, queue in self._queues.items())

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return self.arrived - self.started

    @property
    def running(self) -> int:
        """Jobs that run."""
        return len(self._running)

    def waiting_by_shape(self) -> dict[int, int]:
        """Jobs in the queue by shape (here: the cores that they ask for)."""
        return {cores: len(queue) for cores, queue in self._queues.items() if queue}

    def head(self, shape: int) -> int:
        """The first of the waiting jobs of this shape."""
        return self._queues[shape][0]

    def request(self, shape: int) -> Resources:
        """What each job of this shape asks for."""
        return Resources(shape)

    def cores_of(self, _number: int) -> int:
        """Of this worker."""
        return self.slots

    def place(self, number: int) -> int:
        """In the trace, of the job that came as this one (from 0)."""
        return number

    def group_of(self, _number: int) -> int:
        """The place of the group that this worker belongs to."""
        return 0

    def came(self) -> Iterable[int]:
        """Shapes in the order in which they first come."""
        return self.shapes if len(self.shapes) == 1 else dict.fromkeys(self.wants)

    def next_event(self) -> int:
        """When something happens next by itself; NEVER when nothing will."""
        end = self._running[0] >> self._bits if self._running else NEVER
        boot = self._boots[0] >> WORKER_BITS if self._boots else NEVER
        return min(end, boot, self.submit[self.arrived])

    def launch(self, ready_at: int) -> int:
        """Ask for a worker now that will be ready then; its launch number."""
        self.launch_all([ready_at])
        return len(self.requested) - 1

    def launch_all(self, ready_at: list[int]) -> None:
        """Ask for as many workers as there are times at which they will be ready."""
        first, count = len(self.requested), len(ready_at)
        for column, value in (
            (self.requested, self.now),
            (self.ready_at, UNKNOWN),
            (self.drained, UNKNOWN),
            (self.deleted, UNKNOWN),
            (self.free, GONE),
            (self.since, UNKNOWN),
            (self._key_of, 0),
        ):
            column.extend([value] * count)
        self.booting += count
        numbers = range(first, first + count)
        self.alive.update(dict.fromkeys(numbers))
        for at, number in zip(ready_at, numbers, strict=True):
            heappush(self._boots, at << WORKER_BITS | number)

    def launch_alike(self, count: int, ready_at: int) -> None:
        """Ask for so many workers that will all be ready then."""
        self.launch_all([ready_at] * count)

    def drain(self, number: int) -> None:
        """An idle worker takes no more jobs."""
        self.ready -= 1
        self.free[number] = GONE
        self.drained[number] = self.now
        self.held[number] = None

    def resume(self, number: int) -> None:
        """A drained worker takes jobs again, idle for as long as it has been."""
        del self.held[number]
        self.ready += 1
        self.drained[number] = UNKNOWN
        self._open(number)
        self._old[number] = None
        self._resumed = True

    def delete(self, number: int) -> None:
        """A drained worker, or one that is still booting, is gone."""
        if number in self.held:
            del self.held[number]
        else:
            self.booting -= 1
        self.deleted[number] = self.now
        del self.alive[number]

    def victims(self, limit: int, most: int) -> list[int]:
        """The first `most` of the workers that are old at `limit`, in the order in which the planner would drain them.

        Of equals the name decides, so that number 10 goes before number 9.
        """
        found = self.old(limit)
        if len(found) <= most:
            return found
        since = self.since
        return sorted(found, key=lambda number: (since[number], str(number + 1)))[:most]

    def retire(self, limit: int, most: int) -> int:
        """The first `most` of the workers that are old at `limit`, drained and gone at once; how many."""
        gone = self.victims(limit, most)
        self.remove(gone)
        return len(gone)

    def remove(self, numbers: list[int]) -> None:
        """Drained and gone at once; these are the last victims, or the first of them."""
        for number in numbers:
            self.drain(number)
            self.delete(number)

    def _open(self, number: int) -> None:
        """The worker, all of it free, stands in line for jobs."""
        self.free[number] = self.slots
        key = self._key_of[number] = self._key(self.since[number], number)
        heappush(self._rooms[self.slots], key)

    def old(self, limit: int) -> list[int]:
        """Idle workers that have been so since `limit` or before, in no particular order."""
        idled, since, free, slots, old = self._idled, self.since, self.free, self.slots, self._old
        while idled and idled[0] >> WORKER_BITS <= limit:
            old[idled.popleft() & WORKER_MASK] = None
        for number in [number for number in old if free[number] != slots]:
            del old[number]
        # A limit may go back; whoever is not old any more will be again.
        self._limit = limit
        return [number for number in old if since[number] <= limit]

    def idle_since(self) -> dict[int, int]:
        """Every idle worker, and since when."""
        return {number: self.since[number] for number in self.alive if self.free[number] == self.slots}

    def close(self) -> None:
        """The run is over: `start` and `worker` are whole tables."""

    def next_old(self) -> int:
        """Since when that idle worker has been idle which will be old next; NEVER when there is none."""
        idled, since, free, slots = self._idled, self.since, self.free, self.slots
        again = min(
            (since[number] for number in self._old if free[number] == slots and since[number] > self._limit),
            default=NEVER,
        )
        while idled:
            at, number = idled[0] >> WORKER_BITS, idled[0] & WORKER_MASK
            if free[number] == slots and since[number] == at:
                return min(at, again)
            idled.popleft()
        return again

    def advance(self, until: int) -> None:
        """Everything that happens up to and including `until`."""
        if self.finished is None and self._resumed:
            # Who was taken back takes a waiting job at once, not with the next event.
            self._work(self.now)
            self._resumed = False
        if self.finished is None:
            self._work(until)
        if self.finished is not None:
            self._boot(until)
        self.now = until

    def _boot(self, until: int) -> None:
        """When there is no job left, boots still end."""
        while self._boots and self._boots[0] >> WORKER_BITS <= until:
            self._ready(self._boots[0] >> WORKER_BITS)

    def _ready(self, at: int) -> None:
        number = heappop(self._boots) & WORKER_MASK
        if self.deleted[number] != UNKNOWN:
            return
        self.booting -= 1
        self.ready += 1
        self.ready_at[number] = self.since[number] = at
        self.joined.append(number)
        self._open(number)
        self._idled.append(at << WORKER_BITS | number)

    def _work(self, until: int) -> None:  # noqa: C901, PLR0912, PLR0915 - a call per event would double its time
        submit, wants, worker, running = self.submit, self.wants, self.worker, self._running
        free, since, key_of, rooms, idled = self.free, self.since, self._key_of, self._rooms, self._idled
        boots, queues, slots, bits, key_for = self._boots, self._queues, self.slots, self._bits, self._key
        mask = (1 << bits) - 1
        arrived, started, demand, busy, now = self.arrived, self.started, self.demand, self.busy, self.now
        supply = self.ready * slots
        queue = under = under_us = over_us = spare = 0
        peak, under_by, over_by = self.totals.peak_demand, self.totals.under_by, self.totals.over_by
        next_submit = submit[arrived]
        next_end = running[0] >> bits if running else NEVER
        next_boot = boots[0] >> WORKER_BITS if boots else NEVER
        while True:
            at = next_end if next_end < next_submit else next_submit  # noqa: FURB136 - no call here
            if next_boot < at:  # noqa: PLR1730 - as above
                at = next_boot
            if until < at:  # noqa: PLR1730 - as above
                at = until
            if span := at - now:
                queue += (arrived - started) * span
                if demand > supply:
                    lacking = (demand - supply) * span
                    under += lacking
                    under_by[demand] += lacking
                    under_us += span
                elif demand < supply:
                    spare += (supply - demand) * span
                    over_us += span
                now = at
            while next_end == at:
                job = heappop(running) & mask
                number = worker[job]
                cores = wants[job]
                demand -= cores
                room = free[number] = free[number] + cores
                if room == slots:
                    busy -= 1
                    since[number] = at
                    key_of[number] = key_for(at, number)
                    idled.append(at << WORKER_BITS | number)
                heappush(rooms[room], key_of[number])
                next_end = running[0] >> bits if running else NEVER
            while next_boot == at:
                over_by[supply] += spare
                spare = 0
                self._ready(at)
                supply = self.ready * slots
                next_boot = boots[0] >> WORKER_BITS if boots else NEVER
            while next_submit == at:
                cores = wants[arrived]
                queues[cores].append(arrived)
                demand += cores
                arrived += 1
                next_submit = submit[arrived]
            if demand > peak:  # noqa: PLR1730 - as above
                peak = demand
            if started < arrived:
                started, busy = self._dispatch(at, started, busy)
                if running:
                    next_end = running[0] >> bits
            elif not running and next_submit == NEVER:
                self.finished = at
                break
            if at == until:
                break
        self.arrived, self.started, self.demand, self.busy, self.now = arrived, started, demand, busy, now
        over_by[supply] += spare
        totals = self.totals
        totals.queue += queue
        totals.under += under
        totals.under_us += under_us
        totals.over_us += over_us
        totals.peak_demand = peak

    def _dispatch(self, at: int, started: int, busy: int) -> tuple[int, int]:
        """Start what can start, first come first served; a job that fits nowhere holds up only those of its shape.

        Negotiators go on to the next shape too. Returns the numbers of jobs started and workers busy after it.
        """
        queues, free, rooms = self._queues, self.free, self._rooms
        open_shapes = [cores for cores in self.shapes if queues[cores]]
        while open_shapes:
            cores = open_shapes[0] if len(open_shapes) == 1 else min(open_shapes, key=lambda c: queues[c][0])
            number = self._fitting(cores)
            if number == UNKNOWN:
                open_shapes = [smaller for smaller in open_shapes if smaller < cores]
                continue
            queue = queues[cores]
            job = queue.popleft()
            if not queue:
                open_shapes.remove(cores)
            room = free[number]
            if room == self.slots:
                busy += 1
            free[number] = room - cores
            if room > cores:
                heappush(rooms[room - cores], self._key_of[number])
            self.start[job] = at
            self.worker[job] = number
            heappush(self._running, at + self.run[job] << self._bits | job)
            started += 1
        return started, busy

    def _fitting(self, cores: int) -> int:
        """The worker that gets the next job of this shape, taken out of its line; UNKNOWN when none has room."""
        free, key_of, rooms = self.free, self._key_of, self._rooms
        for level in self._levels:
            line = rooms[level]
            if level < cores or not line:
                continue
            while line:
                key = heappop(line)
                number = key & WORKER_MASK
                # Workers that got a job, gave one up or left since they stood in this line are in it no more.
                if free[number] == level and key_of[number] == key:
                    return number
        return UNKNOWN
