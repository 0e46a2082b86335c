"""What an engine leaves behind: the tables of jobs and workers, and what the event loop integrated on its way."""

from array import array
from collections import defaultdict
from dataclasses import dataclass, field

from elastic_simulations.traces.trace import UNKNOWN, Column


@dataclass(slots=True)
class Integrals:
    """Integrals over time, exact in whole microseconds, kept by the event loop from 0 to the end of the last job.

    `queue` is in jobs x us, the others in cores x us; `under` and `over` are the parts of d - s above and below 0, the
    `_us` fields the time during which it was so. d = running + queued cores, s = ready cores. `under_by` is `under` by
    the d, `over_by` is `over` by the s at which it came about: whole numbers, however the time is cut into spans.
    """

    queue: int = 0
    ready: int = 0
    under: int = 0
    over: int = 0
    under_us: int = 0
    over_us: int = 0
    peak_demand: int = 0
    under_by: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    over_by: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def scaled(self, unit: int) -> "Integrals":
        """The same from units of time to microseconds, levels in order."""
        return Integrals(
            queue=self.queue * unit,
            ready=self.ready * unit,
            under=self.under * unit,
            over=self.over * unit,
            under_us=self.under_us * unit,
            over_us=self.over_us * unit,
            peak_demand=self.peak_demand,
            under_by={level: self.under_by[level] * unit for level in sorted(self.under_by) if self.under_by[level]},
            over_by={level: self.over_by[level] * unit for level in sorted(self.over_by) if self.over_by[level]},
        )

    def times(self, cores: int) -> "Integrals":
        """The same from slots of so many cores to cores."""
        return Integrals(
            queue=self.queue,
            ready=self.ready * cores,
            under=self.under * cores,
            over=self.over * cores,
            under_us=self.under_us,
            over_us=self.over_us,
            peak_demand=self.peak_demand * cores,
            under_by={level * cores: part * cores for level, part in self.under_by.items()},
            over_by={level * cores: part * cores for level, part in self.over_by.items()},
        )


@dataclass(slots=True)
class Samples:
    """Signs of the changes of supply and demand between ticks, as the instability metrics count them."""

    ticks: int = 0
    supply_without_demand: int = 0
    demand_without_supply: int = 0


@dataclass(slots=True, kw_only=True)
class WorkerTable:
    """One entry a worker, in launch order; us, UNKNOWN where it never happened.

    Every worker has `cores`; where they differ, `cores` is 1 and `sizes` has those of each.
    """

    cores: int
    sizes: Column | None = None
    requested: Column = field(default_factory=lambda: array("q"))
    ready: Column = field(default_factory=lambda: array("q"))
    drained: Column = field(default_factory=lambda: array("q"))
    deleted: Column = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Jobs that waited for others, as they came: their places in the trace, and when. Who never came, comes last."""

    order: Column
    submit_us: Column


@dataclass(slots=True, kw_only=True)
class Outcome:
    """One run. `start_us`, `end_us` and `worker` are by job in trace order, UNKNOWN for jobs never started.

    Where jobs waited for others to end they are in the order in which they came, which `arrivals` has.

    `ended_us` is the end of the last job (of the run, when jobs are unserved); `stopped_us` is when the run stopped
    looking at its workers. `launches` counts the workers that were asked for during the run. `busy` and `wasted` (cores
    x us) are what executions held that ended, and that did not; None = each job was executed once, for its run time.
    """

    start_us: Column
    end_us: Column
    worker: Column
    workers: WorkerTable
    integrals: Integrals
    samples: Samples = field(default_factory=Samples)
    ended_us: int = 0
    stopped_us: int = 0
    launches: int = 0
    events: int = 0
    decisions: int = 0
    evictions: int = 0
    busy: int | None = None
    wasted: int = 0
    arrivals: Arrivals | None = None

    @property
    def unserved(self) -> int:
        """Jobs that never started."""
        return self.start_us.count(UNKNOWN)
