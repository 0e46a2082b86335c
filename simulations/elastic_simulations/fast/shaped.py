"""Jobs and workers between two decisions where jobs ask for more than cores, or there are several worker groups.

Slower than `pool`, and the same where both can be asked (tested).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from elastic.core.resources import Resources
from elastic_simulations.fast.division import Columns, Division
from elastic_simulations.fast.orders import WORKER_BITS, WORKER_MASK, Order
from elastic_simulations.fast.outcome import Integrals
from elastic_simulations.fast.pool import NEVER, Pool
from elastic_simulations.traces.trace import UNKNOWN


class ShapedPool(Pool):
    """All groups together. `kinds` are the jobs' shapes, as places in `requests`; `free` is by worker."""

    def __init__(
        self, submit: list[int], run: list[int], kinds: list[int], requests: Sequence[Resources], order: Order
    ) -> None:
        """Begin at time 0 with no group; `submit` is sorted."""
        self.submit = [*submit, NEVER]
        self.run = run
        self.kinds = kinds
        self.requests = requests
        self.wants = [requests[kind].cpus for kind in kinds]
        self.shapes = list(range(len(requests)))
        self.now = 0
        self.finished: int | None = None
        self.totals = Integrals()
        self.start = [UNKNOWN] * len(run)
        self.worker = [UNKNOWN] * len(run)
        self.arrived = self.started = self.demand = 0
        self.parts: list[Division] = []
        # All workers, by launch number; `ready` are cores here.
        self.requested, self.ready_at, self.drained, self.deleted, self.since = [], [], [], [], []
        self.ready = 0
        self.held: dict[int, None] = {}
        self.alive: dict[int, None] = {}
        self._part_of: list[int] = []
        self._free: list[Resources | None] = []
        self._key_of: list[int] = []
        self._order = order
        self._lines: dict[Resources, list[int]] = {}
        self._running: list[int] = []
        self._bits = len(run).bit_length()
        self._waiting: list[deque[int]] = [deque() for _ in requests]
        self._boots: list[int] = []
        self._resumed = False

    def add_group(self, offers: Resources) -> Division:
        """One more group; each of its workers offers so much."""
        columns = Columns(self.requested, self.ready_at, self.drained, self.deleted, self.since)
        self.parts.append(Division(columns, offers))
        return self.parts[-1]

    def group_of(self, number: int) -> int:
        """The place of the group that this worker belongs to."""
        return self._part_of[number]

    def old(self, limit: int) -> list[int]:
        """Idle workers of all groups that have been so since `limit` or before."""
        return [number for part in self.parts for number in part.old(limit)]

    def cores_of(self, number: int) -> int:
        """Of this worker."""
        return self.parts[self._part_of[number]].slots

    def came(self) -> Iterable[int]:
        """Shapes in the order in which they first come."""
        return dict.fromkeys(self.kinds)

    def waiting_by_shape(self) -> dict[int, int]:
        """Jobs in the queue by shape."""
        return {shape: len(queue) for shape, queue in enumerate(self._waiting) if queue}

    def head(self, shape: int) -> int:
        """The first of the waiting jobs of this shape."""
        return self._waiting[shape][0]

    def request(self, shape: int) -> Resources:
        """What each job of this shape asks for."""
        return self.requests[shape]

    def launch_all(self, ready_at: list[int]) -> None:
        """Ask for as many workers of the first group as there are times at which they will be ready."""
        for at in ready_at:
            self.launch_in(0, at)

    def launch_in(self, group: int, ready_at: int) -> None:
        """Ask for a worker of this group now that will be ready then."""
        part, number = self.parts[group], len(self.requested)
        for column, value in (
            (self.requested, self.now),
            (self.ready_at, UNKNOWN),
            (self.drained, UNKNOWN),
            (self.deleted, UNKNOWN),
            (self.since, UNKNOWN),
            (self._key_of, 0),
            (self._part_of, group),
        ):
            column.append(value)
        self._free.append(None)
        part.booting += 1
        part.alive[number] = self.alive[number] = None
        heappush(self._boots, ready_at << WORKER_BITS | number)

    def drain(self, number: int) -> None:
        """An idle worker takes no more jobs."""
        part = self.parts[self._part_of[number]]
        part.ready -= 1
        self.ready -= part.slots
        self._free[number] = None
        del part.idlers[number]
        self.drained[number] = self.now
        part.held[number] = self.held[number] = None

    def resume(self, number: int) -> None:
        """A drained worker takes jobs again, idle for as long as it has been."""
        part = self.parts[self._part_of[number]]
        del part.held[number], self.held[number]
        part.ready += 1
        self.ready += part.slots
        self.drained[number] = UNKNOWN
        self._idle(number, self.since[number])
        self._resumed = True

    def delete(self, number: int) -> None:
        """A drained worker, or one that is still booting, is gone."""
        part = self.parts[self._part_of[number]]
        if number in part.held:
            del part.held[number], self.held[number]
        else:
            part.booting -= 1
        self.deleted[number] = self.now
        del part.alive[number], self.alive[number]

    def advance(self, until: int) -> None:
        """Everything that happens up to and including `until`."""
        if self._resumed:
            # Who was taken back takes a waiting job at once, not with the next event; whoever is ready now, first.
            self._resumed = False
            self._happen(self.now)
        while (at := min(self.next_event(), until)) < until or at > self.now or self._due(at):
            self._integrate(at)
            self._happen(at)
        for part in self.parts:
            part.now = self.now

    def _due(self, at: int) -> bool:
        return self.next_event() <= at or (self.finished is None and self._over())

    def _over(self) -> bool:
        return not self.waiting and not self._running and self.submit[self.arrived] == NEVER

    def _integrate(self, at: int) -> None:
        span, self.now = at - self.now, at
        if self.finished is not None or not span:
            return
        totals = self.totals
        totals.queue += self.waiting * span
        if self.demand > self.ready:
            lacking = (self.demand - self.ready) * span
            totals.under += lacking
            totals.under_by[self.demand] += lacking
            totals.under_us += span
        elif self.demand < self.ready:
            totals.over_by[self.ready] += (self.ready - self.demand) * span
            totals.over_us += span

    def _happen(self, at: int) -> None:
        """Job ends, workers ready, submits, starts."""
        while self._running and self._running[0] >> self._bits == at:
            self._end(heappop(self._running) & ((1 << self._bits) - 1), at)
        while self._boots and self._boots[0] >> WORKER_BITS == at:
            self._join(heappop(self._boots) & WORKER_MASK, at)
        while self.submit[self.arrived] == at:
            self._arrive()
        self.totals.peak_demand = max(self.totals.peak_demand, self.demand)
        self._dispatch_now()
        if self.finished is None and self._over():
            self.finished = at

    def _arrive(self) -> None:
        """The next job stands in the queue."""
        self._waiting[self.kinds[self.arrived]].append(self.arrived)
        self.demand += self.wants[self.arrived]
        self.arrived += 1

    def _join(self, number: int, at: int) -> None:
        if self.deleted[number] != UNKNOWN:
            return
        part = self.parts[self._part_of[number]]
        part.booting -= 1
        part.ready += 1
        self.ready += part.slots
        self.ready_at[number] = at
        part.joined.append(number)
        self._idle(number, at)

    def _idle(self, number: int, since: int) -> None:
        part = self.parts[self._part_of[number]]
        self.since[number] = part.idlers[number] = since
        self._key_of[number] = self._order.key(since, number)
        self._stand(number, part.offers)

    def _stand(self, number: int, free: Resources) -> None:
        """In line for jobs, with so much free."""
        self._free[number] = free
        heappush(self._lines.setdefault(free, []), self._key_of[number])

    def _end(self, job: int, at: int) -> None:
        number, request = self.worker[job], self.requests[self.kinds[job]]
        part = self.parts[self._part_of[number]]
        part.jobs -= 1
        part.used -= request.cpus
        self.demand -= request.cpus
        free = (self._free[number] or Resources()).plus(request)
        if free == part.offers:
            part.busy -= 1
            self._idle(number, at)
        else:
            self._stand(number, free)

    def _dispatch_now(self) -> None:
        """First come first served; a shape that fits nowhere holds up nobody else: negotiators go on, too."""
        waiting = self._waiting
        shapes = [shape for shape, queue in enumerate(waiting) if queue]
        while shapes:
            shape = min(shapes, key=lambda one: waiting[one][0])
            number = self._with_room(self.requests[shape])
            if number == UNKNOWN:
                shapes.remove(shape)
                continue
            self._begin(waiting[shape].popleft(), number)
            if not waiting[shape]:
                shapes.remove(shape)

    def _begin(self, job: int, number: int) -> None:
        request = self.requests[self.kinds[job]]
        part = self.parts[self._part_of[number]]
        part.busy += part.idlers.pop(number, None) is not None
        part.jobs += 1
        part.used += request.cpus
        self._stand(number, (self._free[number] or Resources()).less(request))
        self.start[job], self.worker[job] = self.now, number
        self.started += 1
        heappush(self._running, self.now + self.run[job] << self._bits | job)

    def _with_room(self, request: Resources) -> int:
        """The worker that gets the next job that asks for this; UNKNOWN when none has room."""
        sign = 1 if self._order.fullest_first else -1
        best: tuple[int, int] | None = None
        for free, line in self._lines.items():
            if not line or not request.fits_in(free) or (best is not None and sign * free.cpus > best[0]):
                continue
            while line and not self._stands(line[0], free):
                heappop(line)
            if line and (best is None or (sign * free.cpus, line[0]) < best):
                best = (sign * free.cpus, line[0])
        return UNKNOWN if best is None else best[1] & WORKER_MASK

    def _stands(self, key: int, free: Resources) -> bool:
        """Whether the worker with this key still stands where so much is free."""
        number = key & WORKER_MASK
        return self._free[number] == free and self._key_of[number] == key
