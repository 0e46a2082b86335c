"""Jobs on claims: start, end, claim reuse, what happens to a job when its worker dies or falls silent."""

from collections.abc import Mapping

from elastic.core.observation import Attempt
from elastic_simulations.jobs import Job, JobEvent, JobLog, JobStatus, LogLine
from elastic_simulations.priorities import Priorities
from elastic_simulations.schedd import Schedd
from elastic_simulations.specs import Kind, PoolSpec
from elastic_simulations.startd import Claim, Startd
from elastic_simulations.timeline import Rank, Timeline, micros

DELETED, FENCED = "server deleted", "startd switched off"
"""Why a job stopped, where somebody did it who should have looked first."""

BLACK_HOLE_SECONDS = 1.0
"""How long a job lasts on a machine that fails every job."""


class Execution:
    """Moves jobs between schedds and startds, and counts what limits and quotas count."""

    def __init__(self, spec: PoolSpec, timeline: Timeline, log: JobLog, schedds: Mapping[str, Schedd]) -> None:
        """Start with nothing running."""
        self.limit_use: dict[str, float] = {}
        self.group_use: dict[str, float] = {}
        self.priorities = Priorities(spec.priority_halflife_seconds, spec.priority_factors)
        self._spec, self._timeline, self._log, self._schedds = spec, timeline, log, schedds
        self._idle_claims: dict[tuple[str, Kind], list[tuple[Startd, Claim]]] = {}
        self._claims: dict[str, tuple[Startd, Claim]] = {}
        self._finished_unheard: dict[str, Job] = {}

    def start(self, job: Job, startd: Startd, claim: Claim) -> None:
        """Activate a claim with a job: at once, or on a new claim after the seconds that this takes."""
        self._schedds[job.cluster.schedd].take(job, startd.name)
        claim.job = job
        self._claims[job.id_in_pool] = (startd, claim)
        self._count(job, 1)
        delay_us = 0 if claim.used else micros(self._spec.start_seconds)
        claim.used = True
        if delay_us:
            job.ending = self._timeline.after(delay_us, Rank.READY, lambda: self._begin(job, startd))
        else:
            self._begin(job, startd)

    def _begin(self, job: Job, startd: Startd) -> None:
        job.executes += 1
        job.begun = True
        job.started_us = self._timeline.now_us
        if job.first_start_us is None:
            job.first_start_us = self._timeline.now_us
        self._note(JobEvent.EXECUTE, job, startd.name)
        startd.jobs_started += 1
        startd.use(job.busy_millicpus)
        job.ending = self._timeline.after(self._lasts(job, startd), Rank.JOB_END, lambda: self._ended(job, startd))

    def reuse(self, schedd: Schedd, kind: Kind) -> None:
        """A schedd gives its claimed but idle slots of this kind to jobs that have come to wait."""
        waiting = self._idle_claims.get((schedd.name, kind), [])
        while waiting and schedd.up and (job := schedd.autocluster(kind).head()) is not None:
            startd, claim = waiting.pop()
            if claim.id in startd.claims and claim.job is None and startd.open:
                self.start(job, startd, claim)

    def died(self, startd: Startd, reason: str) -> None:
        """A startd is gone with all that ran on it: its jobs are disconnected until it is back or the lease ends."""
        for job in self._jobs_on(startd):
            self._stop_clock(job)
            self._disconnect(job, startd, reason)

    def off(self, startd: Startd, reason: str = FENCED) -> None:
        """A startd is switched off fast: it kills its jobs and tells their schedds."""
        for job in self._jobs_on(startd):
            self.evict(job, reason)

    def back(self, startd: Startd) -> None:
        """A startd has started again and knows nothing of the jobs that still name it: they are evicted."""
        for job in self._jobs_on(startd):
            self.evict(job, "reconnect failed")

    def silent(self, startd: Startd) -> None:
        """Nobody hears a startd, whose jobs go on: they count as disconnected."""
        for job in self._jobs_on(startd):
            self._disconnect(job, startd, "silent")

    def heard(self, startd: Startd) -> None:
        """A startd is heard again in time: its jobs are reconnected, those that ended meanwhile end now."""
        for job in self._jobs_on(startd):
            job.disconnected = False
            self._note(JobEvent.RECONNECT, job, startd.name)
            if self._finished_unheard.pop(job.id_in_pool, None) is not None:
                self._ended(job, startd)

    def evict(self, job: Job, reason: str) -> None:
        """A job stops without result and waits again."""
        machine = job.machine
        self._leave_machine(job)
        job.evictions += 1
        schedd = self._schedds[job.cluster.schedd]
        schedd.history.append(Attempt(machine=machine, cluster=str(job.cluster.id), failed=False, evicted=True))
        self._note(JobEvent.EVICT, job, machine, reason)
        schedd.wait(job)

    def remove(self, job: Job) -> None:
        """The user takes a job out of the queue."""
        self._note(JobEvent.REMOVE, job, job.machine)
        if job.machine:
            self._leave_machine(job)
        self._schedds[job.cluster.schedd].leave(job, JobStatus.REMOVED)

    def _lasts(self, job: Job, startd: Startd) -> int:
        overhead = micros(self._spec.job_overhead_seconds)
        if startd.spec.black_hole:
            return overhead + micros(BLACK_HOLE_SECONDS)
        cold = micros(startd.spec.cold_start_seconds) if startd.jobs_started == 1 else 0
        return overhead + cold + max(1, round(job.run_us / startd.spec.speed))

    def _ended(self, job: Job, startd: Startd) -> None:
        if job.disconnected:
            self._stop_clock(job)
            self._finished_unheard[job.id_in_pool] = job
            return
        _, claim = self._claims[job.id_in_pool]
        failed = job.spec.fails or startd.spec.black_hole
        self._stop_running(job)
        claim.job = None
        schedd = self._schedds[job.cluster.schedd]
        schedd.history.append(Attempt(machine=startd.name, cluster=str(job.cluster.id), failed=failed))
        self._note(JobEvent.TERMINATE, job, startd.name, "failed" if failed else "")
        schedd.leave(job, JobStatus.COMPLETED)
        self._next_on(claim, startd, schedd)

    def _next_on(self, claim: Claim, startd: Startd, schedd: Schedd) -> None:
        """Claim reuse: while the claim lives the schedd goes on with its next job, without the negotiator.

        That is any job of the same submitter that fits into the slot, a smaller one too (seen on real daemons).
        """
        alive = self._timeline.now_us < claim.until_us and startd.open and schedd.up
        job = schedd.next_for(claim.kind, claim.room, startd.spec.tags) if alive else None
        if job is not None:
            self.start(job, startd, claim)
        elif alive and self._spec.claim_idle_seconds > 0:
            self._idle_claims.setdefault((schedd.name, claim.kind), []).append((startd, claim))
            delay = micros(self._spec.claim_idle_seconds)
            self._timeline.after(delay, Rank.CHANGE, lambda: self._give_up(claim, startd))
            startd.touch()
        else:
            startd.release(claim)

    def _give_up(self, claim: Claim, startd: Startd) -> None:
        if claim.job is None:
            startd.release(claim)

    def _disconnect(self, job: Job, startd: Startd, reason: str) -> None:
        if job.disconnected:
            return
        job.disconnected = True
        self._note(JobEvent.DISCONNECT, job, startd.name, reason)
        lease = micros(self._spec.job_lease_seconds)
        execution = job.executes
        self._timeline.after(lease, Rank.CHANGE, lambda: self._lease_over(job, execution))

    def _lease_over(self, job: Job, execution: int) -> None:
        if job.disconnected and job.executes == execution:
            self.evict(job, "job lease over")

    def _leave_machine(self, job: Job) -> None:
        startd, claim = self._claims[job.id_in_pool]
        self._stop_running(job)
        claim.job = None
        startd.release(claim)

    def _stop_running(self, job: Job) -> None:
        self._stop_clock(job)
        self._count(job, -1)
        self._claims.pop(job.id_in_pool)
        self._finished_unheard.pop(job.id_in_pool, None)
        self._schedds[job.cluster.schedd].stop(job)
        job.disconnected = False

    def _stop_clock(self, job: Job) -> None:
        if job.ending is not None:
            job.ending.cancel()
            job.ending = None
            if job.begun:
                self._claims[job.id_in_pool][0].use(-job.busy_millicpus)
            job.begun = False

    def _count(self, job: Job, sign: int) -> None:
        for name, amount in job.spec.limits:
            self.limit_use[name] = self.limit_use.get(name, 0.0) + sign * amount
        if group := job.spec.accounting_group:
            self.group_use[group] = self.group_use.get(group, 0.0) + sign * job.spec.request.cpus
        self.priorities.used(job.cluster.kind.submitter, sign * job.spec.request.cpus, self._timeline.now_us)

    def _jobs_on(self, startd: Startd) -> list[Job]:
        return [claim.job for held, claim in list(self._claims.values()) if held is startd and claim.job is not None]

    def _note(self, event: JobEvent, job: Job, machine: str, reason: str = "") -> None:
        self._log.add(LogLine(self._timeline.now_us, event, job.id_in_pool, machine, reason))
