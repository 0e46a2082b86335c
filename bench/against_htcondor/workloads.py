"""What is run on the real pool and in the simulator: three workloads, and the site that both have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastic.local.daemon import Tree
from tests.lab.site import POOL_CONFIG, group

TICK_SECONDS = 2.0
MIN_WAKE_SECONDS = 1.0
MACHINE_UPDATE_SECONDS = 5.0
BOOT_SECONDS = (8.0, 8.0)
SETTINGS: Tree = {"tick_seconds": TICK_SECONDS}

NEGOTIATION = {"NEGOTIATOR_INTERVAL": "5", "NEGOTIATOR_MIN_INTERVAL": "5", "NEGOTIATOR_CYCLE_DELAY": "5"}
POOL: Mapping[str, str] = {**POOL_CONFIG, **NEGOTIATION}
"""A cycle every five seconds, however often a schedd asks for one: the model has cycles, so the pool must have some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """So many jobs of so many seconds and cores, submitted so many seconds after the first."""

    at: float
    count: int
    run_seconds: float
    cores: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`group` is the worker group's settings; the pool is empty at the beginning."""

    name: str
    group: Tree
    arrivals: Sequence[Arrival]

    @property
    def jobs(self) -> int:
        """How many there are."""
        return sum(arrival.count for arrival in self.arrivals)


def _trickle() -> tuple[Arrival, ...]:
    """Two or three jobs at a time, with gaps that let workers go; irregular, and the same each time."""
    counts = (2, 3, 1, 3, 2, 3, 2, 1, 3, 2, 3, 2, 3, 1, 2, 3)
    gaps = (0, 7, 11, 5, 13, 6, 9, 17, 4, 8, 12, 5, 9, 14, 6, 8)
    at = 0
    found: list[Arrival] = []
    for count, gap in zip(counts, gaps, strict=True):
        at += gap
        found.append(Arrival(at=float(at), count=count, run_seconds=15.0))
    return tuple(found)


ONE_SLOT = group(maximum=6, idle_seconds=10.0)
FOUR_SLOTS = group(
    maximum=3, idle_seconds=10.0, shape={"cpus": 4, "memory_mb": 2048, "disk_mb": 4096}, scale_down_window_seconds=5.0
)

WORKLOADS: Sequence[Workload] = (
    Workload(name="bag", group=ONE_SLOT, arrivals=(Arrival(at=0.0, count=60, run_seconds=15.0),)),
    Workload(name="trickle", group=group(maximum=3, idle_seconds=10.0), arrivals=_trickle()),
    Workload(
        name="four-slot workers with drain",
        group=FOUR_SLOTS,
        arrivals=(
            Arrival(at=0.0, count=24, run_seconds=20.0),
            # It takes a whole worker: which ones are left to drain does not hang on who ended a moment earlier.
            Arrival(at=1.0, count=1, run_seconds=90.0, cores=4),
            Arrival(at=130.0, count=30, run_seconds=20.0),
        ),
    ),
)
