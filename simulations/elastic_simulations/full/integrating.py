"""What is integrated over a run of the full world: the queue as it moves, demand and supply from their changes."""

from collections.abc import Iterable
from itertools import chain

from elastic_simulations.fast.outcome import Integrals, Samples
from elastic_simulations.jobs import JobEvent, LogLine

Change = tuple[int, int]
"""When (us), and by how many cores."""


class QueueMeter:
    """Hears every job event as it happens, and integrates the jobs that wait for their first start, in jobs x us."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self.total = 0
        self._waiting: set[str] = set()
        self._last_us = 0

    def hear(self, line: LogLine) -> None:
        """A job comes, starts, or is taken out of the queue."""
        if line.event is JobEvent.SUBMIT:
            self.move_to(line.at_us)
            self._waiting.add(line.job)
        elif line.event in {JobEvent.EXECUTE, JobEvent.REMOVE} and line.job in self._waiting:
            self.move_to(line.at_us)
            self._waiting.remove(line.job)

    def move_to(self, at_us: int) -> None:
        """Time passes in which the queue stays as it is."""
        self.total += len(self._waiting) * (at_us - self._last_us)
        self._last_us = at_us


def integrals(demand: Iterable[Change], supply: Iterable[Change], ended_us: int) -> Integrals:
    """Of d - s from 0 to the end; the queue is the meter's to say."""
    totals = Integrals()
    d = s = last_us = 0
    both = sorted(chain(((at, by, 0) for at, by in demand), ((at, 0, by) for at, by in supply)))
    for at, more_d, more_s in [*both, (ended_us, 0, 0)]:
        span = min(at, ended_us) - last_us
        if span > 0:
            totals.ready += s * span
            totals.under += max(0, d - s) * span
            totals.under_by[d] += max(0, d - s) * span
            totals.over += max(0, s - d) * span
            totals.over_by[s] += max(0, s - d) * span
            totals.under_us += span if d > s else 0
            totals.over_us += span if s > d else 0
            totals.peak_demand = max(totals.peak_demand, d)
            last_us += span
        d, s = d + more_d, s + more_s
    return totals.scaled(1)


def samples(demand: Iterable[Change], supply: Iterable[Change], ticks_us: Iterable[int], ended_us: int) -> Samples:
    """What of demand and supply had moved from one tick to the next; what a tick does itself shows at the next one."""
    found = Samples()
    at_ticks = [at for at in ticks_us if at <= ended_us]
    sums = zip(_levels(demand, at_ticks), _levels(supply, at_ticks), strict=True)
    before_d = before_s = 0
    for d, s in sums:
        moved_d, moved_s = (d > before_d) - (d < before_d), (s > before_s) - (s < before_s)
        found.supply_without_demand += moved_s > moved_d
        found.demand_without_supply += moved_d > moved_s
        before_d, before_s = d, s
    found.ticks = len(at_ticks)
    return found


def _levels(changes: Iterable[Change], at_ticks: Iterable[int]) -> list[int]:
    """The level at each tick: with all that rose or ended until then."""
    ordered = sorted(changes)
    levels: list[int] = []
    level = place = 0
    for at in at_ticks:
        while place < len(ordered) and ordered[place][0] <= at:
            level += ordered[place][1]
            place += 1
        levels.append(level)
    return levels
