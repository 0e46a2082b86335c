"""Slow engines that are plainly right, to compare the fast ones with; and generated traces."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from elastic_simulations.traces.made import made
from elastic_simulations.traces.trace import MICROSECONDS, Trace


@dataclass(frozen=True)
class Job:
    submit: int
    run: int
    cores: int = 1


def trace_of(jobs: Sequence[Job]) -> Trace:
    """In whole seconds."""
    return made(
        [job.submit * MICROSECONDS for job in jobs],
        [job.run * MICROSECONDS for job in jobs],
        [job.cores for job in jobs],
        source="test",
    )


def jobs(most_cores: int = 1, most: int = 40) -> st.SearchStrategy[list[Job]]:
    one = st.builds(Job, st.integers(0, 600), st.integers(1, 400), st.integers(1, most_cores))
    return st.lists(one, min_size=1, max_size=most).map(lambda found: sorted(found, key=lambda job: job.submit))


def fifo_starts(jobs: Sequence[Job], cores: int) -> list[int]:
    """Strict head-of-line FIFO, second by second of the moments at which anything can change."""
    starts: list[int] = []
    ends: list[tuple[int, int]] = []
    now = 0
    for job in jobs:
        now = max(now, job.submit)
        while True:
            busy = sum(held for end, held in ends if end > now)
            if busy + job.cores <= cores:
                break
            now = min(end for end, _ in ends if end > now)
        starts.append(now)
        ends.append((now + job.run, job.cores))
    return starts


@dataclass
class Machine:
    requested: int
    ready: int
    slots: int
    jobs: list[tuple[int, int]] = field(default_factory=list)
    idle_since: int = 0
    gone: int | None = None

    def free(self, now: int) -> int:
        return self.slots - sum(cores for end, cores in self.jobs if end > now)


@dataclass
class OnDemand:
    """As many one-core machines as jobs run or wait; one that has been idle for `idle` seconds goes at a tick."""

    boot: int
    tick: int
    idle: int
    machines: list[Machine] = field(default_factory=list)

    def run(self, jobs: Sequence[Job]) -> list[int]:
        """Second by second."""
        starts: list[int] = []
        waiting: list[Job] = []
        now, following = 0, 0
        while len(starts) < len(jobs):
            ended = [m for m in self.machines if any(end == now for end, _ in m.jobs)]
            for machine in ended:
                machine.jobs.clear()
                machine.idle_since = now
            for machine in self.machines:
                if machine.ready == now:
                    machine.idle_since = now
            while following < len(jobs) and jobs[following].submit == now:
                waiting.append(jobs[following])
                following += 1
            self._dispatch(waiting, starts, now)
            if now % self.tick == 0:
                self._decide(waiting, now)
            now += 1
        return starts

    def _ready(self, now: int) -> list[Machine]:
        return [m for m in self.machines if m.ready <= now and m.gone is None]

    def _dispatch(self, waiting: list[Job], starts: list[int], now: int) -> None:
        while waiting:
            idle = [m for m in self._ready(now) if not m.jobs]
            if not idle:
                return
            best = min(idle, key=lambda m: (-m.idle_since, self.machines.index(m)))
            best.jobs.append((now + waiting.pop(0).run, 1))
            starts.append(now)

    def _decide(self, waiting: list[Job], now: int) -> None:
        alive = [m for m in self.machines if m.gone is None]
        wanted = sum(1 for m in alive if m.jobs) + len(waiting)
        for _ in range(wanted - len(alive)):
            self.machines.append(Machine(requested=now, ready=now + self.boot, slots=1))
        idle = sorted((m for m in self._ready(now) if not m.jobs), key=lambda m: m.idle_since)
        for machine in [m for m in idle if now - m.idle_since >= self.idle][: max(0, len(alive) - wanted)]:
            machine.gone = now
