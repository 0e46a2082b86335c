"""Jobs in the order in which they come: each at its time, or once all that go before it have ended and it has thought.

A trace whose jobs wait for none comes as it lies there, and needs none of this.
"""

from array import array
from collections import Counter, defaultdict
from dataclasses import replace
from heapq import heapify, heappop, heappush

from elastic_simulations.fast.outcome import Arrivals
from elastic_simulations.traces.following import check_ends, links, numbers, renumbered
from elastic_simulations.traces.trace import Trace, reordered

NEVER = 1 << 60


class Arriving:
    """What is still to come of a trace, and what has: `order` are places in the trace, `submit` their times.

    Jobs that come at the same time come in the order of the file. Times are in units of so many microseconds.
    """

    def __init__(self, trace: Trace, unit: int) -> None:
        """Nothing has come; TraceError where jobs wait for each other in a ring."""
        check_ends(trace)
        self.order: list[int] = []
        self.submit: list[int] = []
        self._first = [at // unit for at in trace.submit_us]
        thinks = trace.optional.get("think_us")
        self._think = [0] * len(trace) if thinks is None else [max(0, think) // unit for think in thinks]
        self._left: Counter[int] = Counter()
        self._followers: dict[int, list[int]] = defaultdict(list)
        for job, before in links(trace):
            self._left[job] += 1
            self._followers[before].append(job)
        self._coming = [(at, job) for job, at in enumerate(self._first) if not self._left[job]]
        heapify(self._coming)

    @property
    def next(self) -> int:
        """When the next job comes by itself; NEVER when none will unless one ends."""
        return self._coming[0][0] if self._coming else NEVER

    def come(self) -> int:
        """The next job comes; its place in the trace."""
        at, place = heappop(self._coming)
        self.order.append(place)
        self.submit.append(at)
        return place

    def ended(self, number: int, at: int) -> None:
        """The job that came as this one (from 0) has ended: who waited for it as the last one is on the way."""
        for follower in self._followers.pop(self.order[number], ()):
            self._left[follower] -= 1
            if not self._left[follower]:
                heappush(self._coming, (max(self._first[follower], at + self._think[follower]), follower))

    def close(self, ended: int) -> None:
        """The run is over: who has never come, comes last, in the order of the file."""
        come = set(self.order)
        for place in range(len(self._first)):
            if place not in come:
                self.order.append(place)
                self.submit.append(ended)

    def scaled(self, unit: int) -> Arrivals:
        """Of a run that is over, in microseconds."""
        return Arrivals(order=array("q", self.order), submit_us=array("q", [at * unit for at in self.submit]))


def as_they_came(trace: Trace, arrivals: Arrivals) -> Trace:
    """The trace in this order, each job submitted when it came and called as it was before."""
    columns = {**trace.optional, "job": numbers(trace)}
    order = arrivals.order.tolist()
    after, others = renumbered(columns, trace.also_after, order)
    moved = {name: reordered(column, order) for name, column in columns.items()}
    if after is not None:
        moved["after"] = reordered(after, order)
    return replace(
        trace,
        submit_us=arrivals.submit_us,
        run_us=reordered(trace.run_us, order),
        cores=reordered(trace.cores, order),
        line=reordered(trace.line, order),
        optional=moved,
        also_after=others,
    )
