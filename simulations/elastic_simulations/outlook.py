"""The work that simulated schedds think is left, by the estimates of a pool: core-seconds of all their vanilla jobs."""

from elastic_simulations.estimates import LEARNED, Asked, History, guess
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import Job, JobEvent, JobStatus
from elastic_simulations.schedd import Schedd
from elastic_simulations.timeline import micros


class Outlook:
    """One daemon's: what it has learned of run times dies with it."""

    def __init__(self, grid: Grid) -> None:
        """Nothing learned yet; the pool's spec says what is known of jobs."""
        self._grid, self._history = grid, History()
        self._kind = grid.spec.estimates
        self._read = self._seen = 0
        self._places: dict[str, int] = {}
        self._of = None if self._kind in {"", LEARNED} else guess(self._kind, grid.spec.estimate_noise, grid.draws)

    def core_seconds(self, schedd: Schedd) -> float | None:
        """What is left for this schedd's jobs, waiting and running; None where a job's run time is anybody's guess."""
        if not self._kind:
            return None
        if self._kind == LEARNED:
            self._learn()
        total, now_us = 0, self._grid.timeline.now_us
        for job in schedd.jobs.values():
            if job.cluster.kind.universe != "vanilla" or job.status is JobStatus.HELD:
                continue
            whole_us = self._guess(job)
            if whole_us is None:
                return None
            ran_us = now_us - (job.started_us or 0) if job.begun else 0
            total += max(1, job.spec.request.cpus) * max(0, whole_us - ran_us)
        return total / 1e6

    def _guess(self, job: Job) -> int | None:
        if self._of is None:
            return self._history.of(_user(job))
        asked = job.spec.estimate_seconds
        return self._of(Asked(job.run_us, None if asked is None else micros(asked), f"{job.cluster.schedd}/{job.id}"))

    def _learn(self) -> None:
        """From jobs that have ended since the last look: by the time of their end, then as they were submitted."""
        log = self._grid.log
        self._places |= {job.id_in_pool: place for place, job in enumerate(log.jobs[self._seen :], self._seen)}
        self._seen = len(log.jobs)
        ends = [line for line in log.lines[self._read :] if line.event is JobEvent.TERMINATE]
        self._read = len(log.lines)
        for at_us, place in sorted((line.at_us, self._places[line.job]) for line in ends):
            job = log.jobs[place]
            self._history.learn(_user(job), at_us - (job.started_us or 0))


def _user(job: Job) -> str:
    return job.spec.learns_from or job.spec.owner
