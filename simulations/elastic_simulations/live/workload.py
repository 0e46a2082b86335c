"""The jobs of a run that begins now: those that run, those that wait, and those that will come as others have."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from elastic_simulations.errors import SimulationError
from elastic_simulations.live.state import State
from elastic_simulations.traces.made import made
from elastic_simulations.traces.queued import Queued
from elastic_simulations.traces.shaping import DAY_US, bootstrapped
from elastic_simulations.traces.trace import MICROSECONDS, Trace


def workload(state: State, history: Trace, queue: Sequence[Queued], days: int | None, seed: int) -> Trace:
    """Running jobs first, then waiting ones, then arrivals, all from time 0 on; run times are drawn from the history.

    Where the queue itself is known (`elastic trace export`), its jobs have their own cores, and a running one runs for
    what is left of a run time longer than it has run; else jobs are as many as the state counts, of one core, and those
    that run are met somewhere in their run. Arrivals are those of the history's last day, or of `days` drawn from it.
    """
    draws = _Draws(history, seed)
    running = [job for job in queue if job.started is not None][: state.running]
    waiting = [job for job in queue if job.started is None]
    left = [draws.left(max(0.0, state.at - (job.started or state.at))) for job in running]
    left += [draws.residual() for _ in range(state.running - len(running))]
    count = len(waiting) if queue else state.waiting
    now = [*left, *(draws.run() for _ in range(count))]
    cores = [job.cores for job in running] + [1] * (state.running - len(running))
    cores += [job.cores for job in waiting] if queue else [1] * count
    later = bootstrapped(history, days, seed) if days is not None else _last_day(history)
    return made(
        [0] * len(now) + later.submit_us.tolist(),
        now + later.run_us.tolist(),
        cores + later.cores.tolist(),
        source=f"{history.source} from the state of {state.group}",
    )


def _last_day(history: Trace) -> Trace:
    """Jobs submitted within a day of the last one, from time 0 on."""
    first = max(history.submit_us[0], history.submit_us[-1] - DAY_US)
    begin = next(job for job, at in enumerate(history.submit_us) if at >= first)
    return replace(
        history,
        submit_us=array("q", (at - first for at in history.submit_us[begin:])),
        run_us=history.run_us[begin:],
        cores=history.cores[begin:],
    )


class _Draws:
    """Run times (us) as the history has them."""

    def __init__(self, history: Trace, seed: int) -> None:
        if not len(history):
            raise SimulationError(f"{history.source}: no job in it to draw run times from")
        self._runs = sorted(history.run_us)
        self._random = Random(f"{seed}/live")  # noqa: S311 - no secret
        self._work: list[int] = []
        total = 0
        for run in self._runs:
            total += run
            self._work.append(total)

    def run(self) -> int:
        """Of a job that has not begun."""
        return self._random.choice(self._runs)

    def left(self, seconds: float) -> int:
        """Of a job that has run for so long: what is left of a run that is longer; as long again where none is."""
        ran = round(seconds * MICROSECONDS)
        longer = bisect_right(self._runs, ran)
        if longer == len(self._runs):
            return max(1, ran)
        return self._runs[self._random.randrange(longer, len(self._runs))] - ran

    def residual(self) -> int:
        """Of a job met somewhere in its run: the longer a run, the more often it is met."""
        met = bisect_right(self._work, self._random.randrange(self._work[-1]))
        return max(1, round(self._runs[met] * self._random.random()))
