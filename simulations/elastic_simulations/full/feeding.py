"""The jobs of a trace come into a simulated pool, each at its time, or when all those before it have ended."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush

from elastic.core.resources import Resources
from elastic_simulations.draws import Constant
from elastic_simulations.estimates import users_of
from elastic_simulations.fast.requests import requests_of
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import JobEvent, LogLine
from elastic_simulations.specs import JobSpec
from elastic_simulations.timeline import Rank
from elastic_simulations.traces.following import check_ends, links
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

Describe = Callable[[int], JobSpec]


def cores_only(trace: Trace) -> Describe:
    """Jobs that ask for cores and nothing else, all of one owner: what the fast engine sees of a trace."""
    nothing, known = Resources(), _times(trace)

    def describe(place: int) -> JobSpec:
        return known(JobSpec(request=nothing._replace(cpus=trace.cores[place])), place)

    return describe


def shaped(trace: Trace) -> Describe:
    """Jobs that ask for memory, disk and gpus too, where the trace says so."""
    requests, known = requests_of(trace, shaped=True), _times(trace)

    def describe(place: int) -> JobSpec:
        return known(JobSpec(request=requests[place]), place)

    return describe


def _times(trace: Trace) -> Callable[[JobSpec, int], JobSpec]:
    """How long the job at a place runs, and what tells of it before."""
    asked, user = trace.optional.get("estimate_us"), users_of(trace)

    def known(job: JobSpec, place: int) -> JobSpec:
        said = None if asked is None or asked[place] == UNKNOWN else asked[place] / MICROSECONDS
        run = Constant(trace.run_us[place] / MICROSECONDS)
        return replace(job, run=run, estimate_seconds=said, learns_from=user(place))

    return known


def feed(grid: Grid, trace: Trace, describe: Describe, *, begin_us: int = 0, schedd: str = "") -> list[int]:
    """Submit every job of the trace at its time after `begin_us`, in the order of the file.

    A job that others go before comes only once all have ended, and its think time is over. The list that is given back
    has the places of jobs in the order in which they have come so far. TraceError where jobs wait for each other in a
    ring.
    """
    check_ends(trace)
    feed = _Feed(grid, trace, describe, begin_us, schedd)
    for place, before in links(trace):
        feed.followers[before].append(place)
        feed.waits[place] += 1
    if feed.followers:
        grid.held_back += len(feed.waits)
        grid.log.listeners.append(feed.hear)
    feed.go([place for place in range(len(trace)) if place not in feed.waits] if feed.followers else range(len(trace)))
    return feed.order


class _Feed:
    """What is still to come of one trace.

    `followers` by the place of the job that must end first, `waits` by follower how many have not ended yet. Of jobs
    that come at the same time the first in the file is submitted first, whatever it waited for.
    """

    def __init__(self, grid: Grid, trace: Trace, describe: Describe, begin_us: int, schedd: str) -> None:
        self.followers: dict[int, list[int]] = defaultdict(list)
        self.waits: Counter[int] = Counter()
        self._grid, self._trace, self._describe = grid, trace, describe
        self._begin_us, self._schedd = begin_us, schedd
        self._places: dict[str, int] = {}
        self._coming: list[tuple[int, int]] = []
        self.order: list[int] = []

    def go(self, places: "range | list[int]") -> None:
        """Let these come, which are sorted by their times; one event at a time."""
        trace, number = self._trace, 0

        def come(at_us: int) -> None:
            nonlocal number
            self._submit_until(at_us)
            if number < len(places):
                following_us = trace.submit_us[places[number]]
                while number < len(places) and trace.submit_us[places[number]] == following_us:
                    heappush(self._coming, (following_us, places[number]))
                    number += 1
                self._at(following_us, lambda: come(following_us))

        come(UNKNOWN)

    def hear(self, line: LogLine) -> None:
        """Who waited for this job as the last one comes now, or after thinking."""
        place = self._places.get(line.job) if line.event is JobEvent.TERMINATE else None
        if place is None:
            return
        thinks = self._trace.optional.get("think_us")
        for follower in self.followers.pop(place, ()):
            self.waits[follower] -= 1
            if self.waits[follower]:
                continue
            self._grid.held_back -= 1
            think_us = max(0, thinks[follower]) if thinks is not None else 0
            at_us = max(self._trace.submit_us[follower], line.at_us - self._begin_us + think_us)
            heappush(self._coming, (at_us, follower))
            self._at(at_us, lambda at_us=at_us: self._submit_until(at_us))  # type: ignore[misc]

    def _at(self, at_us: int, act: Callable[[], None]) -> None:
        self._grid.timeline.at(self._begin_us + at_us, Rank.SUBMIT, act)

    def _submit_until(self, at_us: int) -> None:
        while self._coming and self._coming[0][0] <= at_us:
            self._submit(heappop(self._coming)[1])

    def _submit(self, place: int) -> None:
        cluster = self._grid.submit(self._describe(place), schedd=self._schedd)
        self._places[f"{cluster.schedd}#{cluster.id}.0"] = place
        self.order.append(place)
