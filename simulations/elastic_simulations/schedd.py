"""One simulated schedd: its queue by autocluster, its factories, its history; running is in `execution`."""

import heapq
from collections.abc import Callable, Iterator

from elastic.core.observation import Attempt
from elastic.core.resources import Resources
from elastic_simulations.collector import nobody
from elastic_simulations.draws import Draws
from elastic_simulations.jobs import Cluster, Job, JobEvent, JobLog, JobStatus, LogLine
from elastic_simulations.specs import Kind
from elastic_simulations.timeline import Timeline, micros


class Autocluster:
    """The jobs of one schedd that ask for the same: a heap of those that wait, first submitted first."""

    def __init__(self, number: int, kind: Kind) -> None:
        """Start with no job."""
        self.number, self.kind = number, kind
        self.idle = self.running = 0
        self.last_cluster = 0
        self.example = ""
        self.reject_reason = ""
        self.factories: dict[int, Cluster] = {}
        self._waiting: list[tuple[int, int, int, Job]] = []
        self._tickets = 0

    def push(self, job: Job) -> None:
        """Let a job wait."""
        self._tickets += 1
        job.waiting = self._tickets
        self.idle += 1
        heapq.heappush(self._waiting, (job.submit_us, job.order, self._tickets, job))

    def head(self) -> Job | None:
        """The job that waits longest."""
        while self._waiting and self._waiting[0][3].waiting != self._waiting[0][2]:
            heapq.heappop(self._waiting)
        return self._waiting[0][3] if self._waiting else None

    def take(self, job: Job) -> None:
        """Stop a job's waiting."""
        job.waiting = 0
        self.idle -= 1

    @property
    def hidden(self) -> int:
        """Jobs that the factories have not made yet but would at once."""
        return sum(cluster.hidden for cluster in self.factories.values())


class Schedd:
    """A queue; `up` False = it answers nobody and starts nothing, while what runs goes on."""

    def __init__(self, name: str, *, timeline: Timeline, log: JobLog, draws: Draws) -> None:
        """Start with an empty queue."""
        self.name, self.up = name, True
        self.jobs: dict[str, Job] = {}
        self.history: list[Attempt] = []
        self.autoclusters: dict[Kind, Autocluster] = {}
        self.on_waiting: Callable[[], None] = nobody
        self._timeline, self._log, self._draws = timeline, log, draws
        self._order = 0

    def submit(self, cluster: Cluster) -> None:
        """Take a cluster in: all its jobs, or as many as its factory makes now."""
        group = self.autocluster(cluster.kind)
        group.last_cluster = cluster.id
        if cluster.max_idle is not None:
            group.factories[cluster.id] = cluster
        self.materialise(cluster)

    def materialise(self, cluster: Cluster) -> None:
        """Make what the cluster's factory may make now."""
        while not cluster.paused and cluster.next_proc < cluster.count and self._may_make(cluster):
            self._make(cluster)

    def autocluster(self, kind: Kind) -> Autocluster:
        """Where jobs of this kind wait."""
        if kind not in self.autoclusters:
            self.autoclusters[kind] = Autocluster(len(self.autoclusters) + 1, kind)
        return self.autoclusters[kind]

    def next_for(self, kind: Kind, room: Resources, tags: frozenset[str]) -> Job | None:
        """The job of this kind's submitter that waits longest among those that fit into a slot of so much room."""
        heads = (
            group.head()
            for other, group in self.autoclusters.items()
            if group.idle
            and other.submitter == kind.submitter
            and other.universe == kind.universe
            and other.request.fits_in(room)
            and other.requires <= tags
        )
        waiting = [job for job in heads if job is not None]
        return min(waiting, key=lambda job: (job.submit_us, job.order), default=None)

    def wait(self, job: Job) -> None:
        """Let a job wait (again)."""
        job.status, job.machine = JobStatus.IDLE, ""
        job.cluster.idle += 1
        self.autocluster(job.cluster.kind).push(job)
        self.on_waiting()

    def take(self, job: Job, machine: str) -> None:
        """A job runs from now on; its factory may make another."""
        group = self.autocluster(job.cluster.kind)
        group.take(job)
        group.running += 1
        job.cluster.idle -= 1
        job.status, job.machine = JobStatus.RUNNING, machine
        self.materialise(job.cluster)

    def stop(self, job: Job) -> None:
        """A job runs no longer; what becomes of it is the caller's to say."""
        self.autocluster(job.cluster.kind).running -= 1
        job.machine = ""

    def leave(self, job: Job, status: JobStatus) -> None:
        """A job leaves the queue for good."""
        if job.waiting:
            self.autocluster(job.cluster.kind).take(job)
            job.cluster.idle -= 1
        job.status = status
        job.end_us = self._timeline.now_us
        job.cluster.queued -= 1
        del self.jobs[job.id]
        self.materialise(job.cluster)

    def on_machines(self) -> Iterator[Job]:
        """Jobs whose RemoteHost is set."""
        return (job for job in self.jobs.values() if job.machine)

    @staticmethod
    def _may_make(cluster: Cluster) -> bool:
        if cluster.max_idle is None:
            return True
        limit = cluster.materialize_limit
        return cluster.idle < cluster.max_idle and (limit is None or cluster.queued < limit)

    def _make(self, cluster: Cluster) -> None:
        self._order += 1
        name = f"{cluster.id}.{cluster.next_proc}"
        seconds = cluster.spec.run.at(self._draws.uniform("run", f"{self.name}/{name}"))
        job = Job(name, cluster, self._timeline.now_us, self._order, max(1, micros(seconds)))
        cluster.next_proc += 1
        cluster.queued += 1
        self.jobs[name] = job
        group = self.autocluster(cluster.kind)
        group.example = group.example or name
        self._log.jobs.append(job)
        self._log.add(LogLine(self._timeline.now_us, JobEvent.SUBMIT, job.id_in_pool))
        if cluster.spec.held:
            job.status = JobStatus.HELD
        else:
            self.wait(job)
