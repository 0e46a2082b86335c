"""Where the five requirements are shown: how a site is made there, and the counts in which they are shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.lab import rounds
from tests.lab.night import oldest_first
from tests.lab.rounds import Round
from tests.lab.site import Site, group


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How large each requirement is shown; what is not said otherwise is what the thesis asks for."""

    squares: int = 1000
    """1: so many jobs, on up to `square_workers` of `square_cpus`."""
    square_workers: int = 4
    square_cpus: int = 8
    rounds: int = 3
    """2: so often is a grid made and torn down."""
    jobs: int = 72
    """3: so many jobs of so many seconds on 1 to `workers`, at most `short_of_bound` short of the bound."""
    job_seconds: float = 30.0
    workers: int = 7
    short_of_bound: float = 0.03
    most: int = 7
    """4: one call asks for so many, for so long, and for `least` for as long as it takes."""
    pin_seconds: float = 15.0
    least: int = 3
    hours: int = 10
    """5: so many hours of so many seconds, in each so many short jobs, on up to `maximum` workers."""
    hour_seconds: float = 40.0
    short_jobs: int = 6
    short_share: float = 1 / 3
    """Twenty minutes, of an hour."""
    quiet_hours: float = 1.0
    """So long is the pool watched after the last job."""
    maximum: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One kind of cloud.

    `site(root, prefix, groups=..., boot_seconds=...)` makes a site, `group(**changes)` the settings of a worker group;
    `attempt(home, prefix, number)` makes a grid, runs ten jobs and removes everything. `counts` are for every day,
    `full` for the marker of that name.
    """

    name: str
    site: Callable[..., Site]
    group: Callable[..., Any]
    attempt: Callable[[Path, Path, int], Round]
    counts: Counts = field(default_factory=Counts)
    full: Counts = field(default_factory=partial(Counts, rounds=20, jobs=144, hour_seconds=120.0))
    control: Callable[[Path, Path], object] | None = None
    """What removes workers as it should not be done; None where a test of its own shows that."""


LOCAL = Ground(
    name="servers of this machine",
    site=Site,
    group=group,
    attempt=lambda home, _, number: rounds.attempt(home, number),
    control=oldest_first,
)
