"""What a replay comes to: by group how much was wanted and how often that changed, and where the two differ."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from elastic_simulations.replaying.replay import Compared

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Of one side: worker-hours (each target held until the next tick), extremes, workers asked for more or fewer."""

    worker_h: float
    least: int
    most: int
    up: int
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSum:
    """One group over all ticks; `ticks_that_differ` of `ticks`, and by how many workers at most."""

    ticks: int
    ticks_that_differ: int
    largest_difference: int
    recorded: Wanted
    other: Wanted


@dataclass(slots=True)
class Sums:
    """Takes every comparison as it comes and keeps those that differ."""

    differing: list[Compared] = field(default_factory=list)
    _series: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)

    def add(self, compared: Iterable[Compared]) -> None:
        """Count them."""
        for each in compared:
            series = self._series.setdefault(each.group, [])
            series.append((each.now, each.recorded.workers, each.other.workers))
            if each.differs:
                self.differing.append(each)

    def groups(self) -> Mapping[str, GroupSum]:
        """By group, sorted."""
        return {group: _sum(series) for group, series in sorted(self._series.items())}


def _sum(series: list[tuple[float, int, int]]) -> GroupSum:
    gaps = [abs(recorded - other) for _, recorded, other in series]
    times = [now for now, _, _ in series]
    return GroupSum(
        ticks=len(series),
        ticks_that_differ=len(gaps) - gaps.count(0),
        largest_difference=max(gaps),
        recorded=_wanted(times, [recorded for _, recorded, _ in series]),
        other=_wanted(times, [other for _, _, other in series]),
    )


def _wanted(times: list[float], workers: list[int]) -> Wanted:
    steps = [after - before for before, after in pairwise(workers)]
    held = sum(
        count * max(0.0, after - before) for count, (before, after) in zip(workers, pairwise(times), strict=False)
    )
    return Wanted(
        worker_h=held / HOUR,
        least=min(workers),
        most=max(workers),
        up=sum(step for step in steps if step > 0),
        down=-sum(step for step in steps if step < 0),
    )
