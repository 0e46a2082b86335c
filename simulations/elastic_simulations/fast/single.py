"""The pool when every worker holds one job at a time, the most recently idle first: the common case in half the time.

The idle workers are then one list, sorted by the time since which they have been idle: jobs take from its end, workers
grow old at its beginning. Everything else is as in `pool`, and gives the same (tested).
"""

from bisect import bisect_left, insort
from heapq import heappop, heappush

from elastic_simulations.fast.orders import WORKER_BITS, WORKER_MASK, Order
from elastic_simulations.fast.pool import NEVER, Pool
from elastic_simulations.traces.trace import UNKNOWN


class SinglePool(Pool):
    """Workers whose cores are those of every job.

    `_line` holds the idle ones as idle since << 26 | (mask - number), ascending: at equal times the lowest number is
    nearer to the end. `start` and `worker` grow as jobs start, in their order; `_ends` holds end << 26 | number.
    """

    def __init__(self, submit: list[int], run: list[int], wants: list[int], slots: int, order: Order) -> None:
        """Begin at time 0 with no worker."""
        super().__init__(submit, run, wants, slots, order)
        self.start = []
        self.worker = []
        self._line: list[int] = []
        self._ends: list[int] = []

    @property
    def busy_cores(self) -> int:
        """Cores on which jobs run."""
        return len(self._ends) * self.slots

    @property
    def waiting(self) -> int:
        """Jobs in the queue: those after the last that started."""
        return self.arrived - len(self.start)

    @property
    def running(self) -> int:
        """Jobs that run, each on a worker of its own."""
        return len(self._ends)

    def waiting_by_shape(self) -> dict[int, int]:
        """Jobs in the queue by the cores that they ask for."""
        return {self.slots: self.waiting} if self.waiting else {}

    def head(self, shape: int) -> int:
        """The first waiting job."""
        return len(self.start)

    def next_event(self) -> int:
        """When something happens next by itself; NEVER when nothing will."""
        end = self._ends[0] >> WORKER_BITS if self._ends else NEVER
        boot = self._boots[0] >> WORKER_BITS if self._boots else NEVER
        return min(end, boot, self.submit[self.arrived])

    def old(self, limit: int) -> list[int]:
        """Idle workers that have been so since `limit` or before, idle longest first."""
        self._limit = limit
        old = self._line[: bisect_left(self._line, (limit + 1) << WORKER_BITS)]
        for key in old:
            self.since[WORKER_MASK - (key & WORKER_MASK)] = key >> WORKER_BITS
        return [WORKER_MASK - (key & WORKER_MASK) for key in old]

    def next_old(self) -> int:
        """Since when that idle worker has been idle which will be old next; NEVER when there is none."""
        place = bisect_left(self._line, (self._limit + 1) << WORKER_BITS)
        return self._line[place] >> WORKER_BITS if place < len(self._line) else NEVER

    def idle_since(self) -> dict[int, int]:
        """Every idle worker, and since when."""
        return {WORKER_MASK - (key & WORKER_MASK): key >> WORKER_BITS for key in self._line}

    def drain(self, number: int) -> None:
        """An idle worker takes no more jobs."""
        del self._line[bisect_left(self._line, self._place(number))]
        super().drain(number)

    def _open(self, number: int) -> None:
        insort(self._line, self._place(number))

    def _place(self, number: int) -> int:
        return self.since[number] << WORKER_BITS | (WORKER_MASK - number)

    def close(self) -> None:
        """Jobs that never started have neither start nor worker; levels become cores."""
        slots, totals = self.slots, self.totals
        totals.under_by = {level * slots: part * slots for level, part in totals.under_by.items()}
        totals.over_by = {level * slots: part * slots for level, part in totals.over_by.items()}
        missing = len(self.run) - len(self.start)
        self.start.extend([UNKNOWN] * missing)
        self.worker.extend([UNKNOWN] * missing)

    def _work(self, until: int) -> None:  # noqa: C901, PLR0912, PLR0915 - a call per event would double its time
        submit, run, start, worker, ends, line, boots = (
            self.submit, self.run, self.start, self.worker, self._ends, self._line, self._boots
        )  # fmt: skip
        bits, mask = WORKER_BITS, WORKER_MASK
        arrived, now, head = self.arrived, self.now, len(start)
        queue = waited = slack = spare = 0
        most, under_by, over_by = self._most, self.totals.under_by, self.totals.over_by
        next_submit = submit[arrived]
        next_end = ends[0] >> bits if ends else NEVER
        next_boot = boots[0] >> bits if boots else NEVER
        while True:
            at = next_end if next_end < next_submit else next_submit  # noqa: FURB136 - no call here
            if next_boot < at:  # noqa: PLR1730 - as above
                at = next_boot
            if until < at:  # noqa: PLR1730 - as above
                at = until
            # Whoever waits has no idle worker, and with an idle worker nobody waits.
            if head < arrived:
                span = at - now
                lacking = (arrived - head) * span
                queue += lacking
                under_by[arrived - head + len(ends)] += lacking
                waited += span
            elif line:
                span = at - now
                spare += len(line) * span
                slack += span
            now = at
            if next_end == at:
                while next_end == at:
                    place = at << bits | (mask - (heappop(ends) & mask))
                    if line and place < line[-1]:
                        insort(line, place)
                    else:
                        line.append(place)
                    next_end = ends[0] >> bits if ends else NEVER
            while next_boot == at:
                over_by[self.ready] += spare
                spare = 0
                self._ready(at)
                next_boot = boots[0] >> bits if boots else NEVER
            if next_submit == at:
                while next_submit == at:
                    arrived += 1
                    next_submit = submit[arrived]
                there = arrived - head + len(ends)
                if there > most:  # noqa: PLR1730 - as above
                    most = there
            if head < arrived:
                while line and head < arrived:
                    number = mask - (line.pop() & mask)
                    start.append(at)
                    worker.append(number)
                    heappush(ends, (at + run[head]) << bits | number)
                    head += 1
                if ends:
                    next_end = ends[0] >> bits
            elif not ends and next_submit == NEVER:
                self.finished = at
                break
            if at == until:
                break
        self.arrived, self.started, self.now, self._most = arrived, head, now, most
        self.busy = len(ends)
        self.demand = (arrived - head + len(ends)) * self.slots
        over_by[self.ready] += spare
        totals = self.totals
        totals.queue += queue
        totals.under += queue * self.slots
        totals.under_us += waited
        totals.over_us += slack
        totals.peak_demand = most * self.slots
