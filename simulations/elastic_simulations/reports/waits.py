"""How many jobs waited how long, in steps that people count in; every job is counted once."""

from dataclasses import dataclass

import numpy as np

from elastic_simulations.reports.series import Whole
from elastic_simulations.traces.trace import MICROSECONDS

STEPS: tuple[tuple[int, str], ...] = (
    (0, "at once"),
    (1, "1 s"),
    (5, "5 s"),
    (15, "15 s"),
    (30, "30 s"),
    (60, "1 min"),
    (120, "2 min"),
    (300, "5 min"),
    (600, "10 min"),
    (1800, "30 min"),
    (3600, "1 h"),
    (7200, "2 h"),
    (14400, "4 h"),
    (28800, "8 h"),
    (86400, "1 d"),
    (172_800, "2 d"),
    (604_800, "1 wk"),
    (2_592_000, "30 d"),
    (10**11, "longer"),
)
"""Seconds, each with its name: a job counts at the first that its wait does not exceed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Of the jobs that started: how many waited longer than the step before `names[i]` and at most `names[i]`."""

    names: tuple[str, ...]
    jobs: tuple[int, ...]

    @property
    def shares(self) -> list[float]:
        """Of all jobs, in percent."""
        total = sum(self.jobs)
        return [100 * jobs / total if total else 0.0 for jobs in self.jobs]

    @property
    def cumulated(self) -> list[float]:
        """Jobs that waited at most so long, in percent of all."""
        total, below, shares = sum(self.jobs), 0, []
        for jobs in self.jobs:
            below += jobs
            shares.append(100 * below / total if total else 0.0)
        return shares


def counted(wait_us: Whole) -> Waits:
    """Every wait at its step; steps beyond the longest wait are left out."""
    bounds = np.array([seconds * MICROSECONDS for seconds, _ in STEPS], dtype=np.int64)
    places = np.searchsorted(bounds, wait_us, side="left")
    jobs = np.bincount(places, minlength=len(STEPS))
    last = int(places.max()) + 1 if len(places) else 1
    return Waits(names=tuple(name for _, name in STEPS[:last]), jobs=tuple(int(n) for n in jobs[:last]))
