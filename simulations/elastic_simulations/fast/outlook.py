"""The work that is thought to be left in a pool of the fast engines: what the full world's schedds would say."""

from elastic_simulations.draws import Draws
from elastic_simulations.estimates import LEARNED, Asked, History, guess, users_of
from elastic_simulations.fast.demand import SCHEDD
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace


class Outlook:
    """Follows the jobs from tick to tick; times in microseconds."""

    def __init__(self, trace: Trace, spec: ElasticSpec, pool: Pool, unit: int) -> None:
        """No job has come."""
        self._trace, self._pool, self._unit = trace, pool, unit
        self._history = History()
        self._users = users_of(trace)
        learns = spec.estimates == LEARNED
        self._guess = None if learns else guess(spec.estimates, spec.estimate_noise, Draws(spec.seed))
        self._seen = 0
        self._waiting: list[int] = []
        self._running: dict[int, int] = {}
        self._guesses: dict[int, int | None] = {}

    def core_seconds(self) -> float | None:
        """What is left for jobs that wait and run now; None where nobody can tell."""
        self._follow()
        now_us = self._pool.now * self._unit
        total = 0
        for job in self._waiting:
            whole_us = self._of(job)
            if whole_us is None:
                return None
            total += self._cores(job) * whole_us
        for job, start_us in self._running.items():
            whole_us = self._of(job)
            if whole_us is None:
                return None
            total += self._cores(job) * max(0, whole_us - (now_us - start_us))
        return total / MICROSECONDS

    def _follow(self) -> None:
        """Who has come, started and ended since the last look."""
        pool, unit = self._pool, self._unit
        waiting = [*self._waiting, *range(self._seen, pool.arrived)]
        self._seen = pool.arrived
        begun = {job for job in waiting if job < len(pool.start) and pool.start[job] != UNKNOWN}
        self._waiting = [job for job in waiting if job not in begun]
        self._running |= {job: pool.start[job] * unit for job in sorted(begun)}
        over = [(pool.start[job] + pool.run[job], job) for job in self._running]
        for _, job in sorted(end for end in over if end[0] <= pool.now):
            del self._running[job]
            self._guesses.pop(job, None)
            if self._guess is None:
                self._history.learn(self._users(pool.place(job)), pool.run[job] * unit)

    def _of(self, job: int) -> int | None:
        place = self._pool.place(job)
        if self._guess is None:
            return self._history.of(self._users(place))
        if job not in self._guesses:
            asked = self._trace.optional.get("estimate_us")
            said = None if asked is None or asked[place] == UNKNOWN else asked[place]
            self._guesses[job] = self._guess(Asked(self._trace.run_us[place], said, f"{SCHEDD}/{job + 1}.0"))
        return self._guesses[job]

    def _cores(self, job: int) -> int:
        return max(1, self._pool.wants[job])
