"""The simulated CPU metering behind the port `Telemetry`: means over polling intervals, told later."""

from collections import deque
from collections.abc import Sequence

from elastic.core.observation import Load
from elastic_simulations.faults import Call
from elastic_simulations.grid import Grid
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, micros

Sample = tuple[int, dict[str, float]]


class SimulatedTelemetry:
    """Polls every `interval_seconds`, readable after `delay_seconds`; jobs use `efficiency` of their cpus."""

    def __init__(
        self,
        grid: Grid,
        *,
        interval_seconds: float = 60.0,
        delay_seconds: float = 0.0,
        efficiency: float = 1.0,
    ) -> None:
        """Poll for the first time one interval from now."""
        self._grid, self._efficiency = grid, efficiency
        self._interval_us, self._delay_us = micros(interval_seconds), micros(delay_seconds)
        self._used: dict[str, int] = {}
        self._samples: deque[Sample] = deque()
        grid.timeline.after(self._interval_us, Rank.CHANGE, self._poll)

    def load(self, workers: Sequence[str]) -> Load:
        with self._grid.calling(Call.LOAD):
            readable_us = self._grid.timeline.now_us - self._delay_us
            while len(self._samples) > 1 and self._samples[1][0] <= readable_us:
                self._samples.popleft()
            if not self._samples or self._samples[0][0] > readable_us:
                return Load(by_worker={})
            at_us, loads = self._samples[0]
            seen = {worker: loads[worker] for worker in workers if worker in loads}
            return Load(by_worker=seen, age_seconds=(self._grid.timeline.now_us - at_us) / 1e6)

    def _poll(self) -> None:
        self._grid.timeline.after(self._interval_us, Rank.CHANGE, self._poll)
        running = [s for s in self._grid.startds.values() if s.worker is not None and s.running and s.power]
        loads = {startd.worker: self._mean(startd) for startd in running if startd.worker is not None}
        self._used = {startd.name: startd.cpu_us() for startd in running}
        self._samples.append((self._grid.timeline.now_us, loads))

    def _mean(self, startd: Startd) -> float:
        used_us = startd.cpu_us() - self._used.get(startd.name, 0)
        return min(1.0, self._efficiency * used_us / (self._interval_us * max(1, startd.spec.total.cpus)))
