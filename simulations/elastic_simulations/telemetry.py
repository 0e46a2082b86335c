"""The simulated CPU metering behind the port `Telemetry`: polled, averaged, told later, with gaps."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from elastic.core.observation import Load
from elastic_simulations.faults import Call
from elastic_simulations.grid import Grid
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, micros

Sample = tuple[int, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySpec:
    """How the metering works.

    A worker is polled every `interval_seconds`; what is told is the mean of the polls of `granularity_seconds` (0 = of
    one interval), `delay_seconds` after their end; `gaps` is the share of polls that is lost.
    """

    interval_seconds: float = 60.0
    granularity_seconds: float = 0.0
    delay_seconds: float = 0.0
    gaps: float = 0.0


class SimulatedTelemetry:
    """Sees how busy jobs keep the cpus of our workers."""

    def __init__(self, grid: Grid, spec: TelemetrySpec | None = None) -> None:
        """Poll for the first time one interval from now."""
        self._grid, self._spec = grid, spec or TelemetrySpec()
        self._interval_us, self._delay_us = micros(self._spec.interval_seconds), micros(self._spec.delay_seconds)
        self._together = max(1, round(self._spec.granularity_seconds / self._spec.interval_seconds))
        self._polls = 0
        self._used: dict[str, int] = {}
        self._cpus: dict[str, int] = {}
        self._gathered: dict[str, list[float]] = {}
        self._samples: deque[Sample] = deque()
        grid.timeline.after(self._interval_us, Rank.METERING, self._poll)

    def load(self, workers: Mapping[str, str]) -> Load:
        with self._grid.calling(Call.LOAD):
            readable_us = self._grid.timeline.now_us - self._delay_us
            while len(self._samples) > 1 and self._samples[1][0] <= readable_us:
                self._samples.popleft()
            if not self._samples or self._samples[0][0] > readable_us:
                return Load(by_worker={})
            at_us, loads = self._samples[0]
            shares = {worker: loads[worker] for worker in workers if worker in loads}
            return Load(
                by_worker=shares,
                cores={worker: share * self._cpus[worker] for worker, share in shares.items()},
                age_seconds=(self._grid.timeline.now_us - at_us) / 1e6,
                span_seconds=self._interval_us * self._together / 1e6,
            )

    def _poll(self) -> None:
        self._grid.timeline.after(self._interval_us, Rank.METERING, self._poll)
        self._polls += 1
        running = [s for s in self._grid.startds.values() if s.worker is not None and s.running and s.power]
        for startd in running:
            name = startd.worker or ""
            self._cpus[name] = max(1, startd.spec.total.cpus)
            if not self._grid.draws.happens(self._spec.gaps, "telemetry gap", f"{name}/{self._polls}"):
                self._gathered.setdefault(name, []).append(self._mean(startd))
        self._used = {startd.name: startd.cpu_us() for startd in running}
        if self._polls % self._together == 0:
            means = {name: sum(values) / len(values) for name, values in self._gathered.items()}
            self._samples.append((self._grid.timeline.now_us, means))
            self._gathered = {}

    def _mean(self, startd: Startd) -> float:
        used_us = startd.cpu_us() - self._used.get(startd.name, 0)
        return min(1.0, used_us / (self._interval_us * max(1, startd.spec.total.cpus)))
