"""CPU metering of workers: the mean load of each over the last minute, polled once a minute, as telemetry tells it."""

from elastic.core.model import SourceHealth
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.units import Scale
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN

INTERVAL_SECONDS = 60.0


class Meter:
    """Polls one pool: `due` is the next time, `loads` (0..1 by launch number) are what the last poll found."""

    def __init__(self, pool: Pool, scale: Scale) -> None:
        """Poll for the first time one interval from the start."""
        self.loads: dict[int, float] = {}
        self._pool = pool
        self._scale = scale
        self._every = round(INTERVAL_SECONDS * MICROSECONDS) // scale.unit
        self.due = self._every
        self._last = 0
        self._seen = 0
        self._active: list[int] = []
        self._unstarted: list[int] = []

    @property
    def still(self) -> bool:
        """Whether the last poll found nobody at work, and nobody works now."""
        return not any(self.loads.values()) and not self._pool.running

    def health(self, now: int) -> SourceHealth:
        """How old what the last poll found is at `now`, in units."""
        age = self._scale.span(now - self._last) if self._last else 0.0
        return SourceHealth(source="load", ok=True, age_seconds=age)

    def poll(self) -> None:
        """The pool has moved to `due`, everything of that moment has happened."""
        pool = self._pool
        used: dict[int, int] = {}
        self._take_in()
        for job in self._active:
            start, worker = pool.start[job], pool.worker[job]
            ran = min(start + pool.run[job], self.due) - max(start, self._last)
            used[worker] = used.get(worker, 0) + ran * pool.wants[job]
        self._active = [job for job in self._active if pool.start[job] + pool.run[job] > self.due]
        self.loads = {
            number: min(1.0, used.get(number, 0) / (self._every * max(1, pool.cores_of(number))))
            for number in pool.alive
            if pool.ready_at[number] != UNKNOWN
        }
        self._last, self.due = self.due, self.due + self._every

    def _take_in(self) -> None:
        """Jobs that have started since the last poll become active."""
        pool = self._pool
        waiting = [*self._unstarted, *range(self._seen, pool.arrived)]
        self._seen = pool.arrived
        begun = {job: job < len(pool.start) and pool.start[job] != UNKNOWN for job in waiting}
        self._unstarted = [job for job in waiting if not begun[job]]
        self._active += [job for job in waiting if begun[job]]
