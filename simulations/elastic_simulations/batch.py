"""The simulated HTCondor behind the port `BatchSystem`: what the real adapter promises, from a `Grid`."""

from collections.abc import Mapping, Sequence

from elastic.core.memory import Template, WorkerRecord
from elastic.core.observation import Attempt, Inspection, JobsOnWorkers, Machines, Negotiation, Queue
from elastic.ports import DrainAnswer, Refused, Transient
from elastic_simulations.faults import Call
from elastic_simulations.grid import Grid, asked
from elastic_simulations.queue import QueueView
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, micros


class SimulatedBatch:
    """One daemon's view: what it remembers between calls (queues of dead schedds, history read) dies with it.

    `ledger` is the daemon's identity: drains whose reason names it are ours.
    """

    def __init__(self, grid: Grid, ledger: str) -> None:
        """Nothing seen yet."""
        self._grid, self._ours = grid, f"elastic:{ledger}:"
        self._view = QueueView(grid)
        self._read: dict[str, int] | None = None

    def machines(self) -> Machines:
        with self._grid.calling(Call.MACHINES):
            self._need(self._grid.collector.up, "the collector")
            machines = self._grid.collector.machines()
            ads = {s.spec.kind: s.spec.template for s in self._grid.startds.values()}
            seen = {machine.template for machine in machines}
            return Machines(
                machines=machines,
                collector_age_seconds=self._grid.collector.age_seconds,
                template_ads={kind: ads[kind] for kind in sorted(seen & ads.keys())},
            )

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        with self._grid.calling(Call.QUEUE):
            return self._view.queue(templates)

    def negotiation(self) -> Negotiation:
        with self._grid.calling(Call.NEGOTIATION):
            negotiator = self._grid.negotiator
            self._need(negotiator.up and self._grid.collector.up, "the negotiator")
            use = self._grid.execution.group_use
            return Negotiation(
                cycles=tuple(negotiator.cycles),
                limits=dict(negotiator.limits),
                group_quotas={g: (quota, use.get(g, 0.0)) for g, quota in sorted(negotiator.group_quotas.items())},
            )

    def attempts(self) -> Sequence[Attempt]:
        with self._grid.calling(Call.ATTEMPTS):
            first, read = self._read is None, self._read or {}
            self._read = {}
            ended: list[Attempt] = []
            for name, schedd in self._grid.schedds.items():
                start = len(schedd.history) if first else read.get(name, 0)
                stop = len(schedd.history) if schedd.up else start
                ended += schedd.history[start:stop]
                self._read[name] = stop
            return tuple(ended)

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        with self._grid.calling(Call.JOBS_ON):
            wanted = set(machines)
            jobs: dict[str, list[str]] = {}
            for schedd in self._grid.schedds.values():
                for job in schedd.on_machines() if schedd.up else ():
                    if job.machine in wanted:
                        jobs.setdefault(job.machine, []).append(job.id_in_pool)
            return JobsOnWorkers(
                jobs={name: tuple(jobs[name]) for name in sorted(jobs)},
                complete=all(schedd.up for schedd in self._grid.schedds.values()),
            )

    def inspect(self, worker: WorkerRecord) -> Inspection:
        with self._grid.calling(Call.INSPECT, worker.name):
            startd = self._at_address(worker)
            return startd.inspection() if startd is not None else Inspection(answered=False, error="no answer")

    def drain(self, worker: WorkerRecord, nonce: str, *, busy: bool) -> DrainAnswer:
        with self._grid.calling(Call.DRAIN, worker.name, nonce=nonce, busy=busy, **asked(worker)):
            startd = self._at_address(worker)
            if startd is None:
                raise Transient(f"the startd of {worker.name} does not answer at {worker.address or 'no address'}")
            if startd.drain is not None:
                raise Refused(f"{startd.name} is draining already: {startd.drain.reason}")
            if startd.claims and not busy:
                raise Refused(f"{startd.name} is claimed")
            if short := _killed_by_draining(startd):
                raise Refused(f"{startd.name} would kill {', '.join(short)}: retirement time too short")
            ready_us = self._grid.timeline.now_us + micros(self._grid.spec.drain_seconds)
            drain = startd.begin_drain(nonce, ready_us)
            self._grid.timeline.at(ready_us, Rank.CHANGE, startd.touch)
            return DrainAnswer(request_id=drain.request_id, started=startd.started)

    def resume(self, worker: WorkerRecord) -> None:
        with self._grid.calling(Call.RESUME, worker.name, **asked(worker)):
            startd = self._grid.startds.get(worker.machine)
            if startd is None or not startd.master_answers:
                raise Transient(f"neither startd nor master of {worker.name} answer")
            if startd.off:
                self._grid.switch_on(startd)
            elif startd.drain is not None:
                self._must_be_ours(startd)
                startd.cancel_drain()

    def fence(self, worker: WorkerRecord) -> None:
        with self._grid.calling(Call.FENCE, worker.name, **asked(worker)):
            startd = self._grid.startds.get(worker.machine)
            if startd is None or not startd.master_answers:
                raise Transient(f"the master of {worker.name} does not answer")
            if startd.running:
                self._must_be_ours(startd)
                if startd.claims or self._grid.timeline.now_us < _ready_us(startd):
                    raise Refused(f"{startd.name} is not drained yet: it is not switched off")
            if not startd.off:
                self._grid.switch_off(startd)

    def invalidate(self, worker: WorkerRecord) -> None:
        with self._grid.calling(Call.INVALIDATE, worker.name, **asked(worker)):
            self._need(self._grid.collector.up, "the collector")
            self._grid.collector.forget([worker.machine])

    def _at_address(self, worker: WorkerRecord) -> Startd | None:
        """Who listens where the worker's startd was last heard of; started again, it listens elsewhere."""
        startd = self._grid.startds.get(worker.machine)
        return startd if startd is not None and startd.answers and startd.address == worker.address else None

    def _must_be_ours(self, startd: Startd) -> None:
        if startd.drain is None or not startd.drain.reason.startswith(self._ours):
            raise Refused(f"{startd.name} shows no drain of ours")

    @staticmethod
    def _need(up: bool, who: str) -> None:  # noqa: FBT001 - reads as a sentence: need(up, "the collector")
        if not up:
            raise Transient(f"{who} does not answer")


def _ready_us(startd: Startd) -> int:
    return startd.drain.ready_us if startd.drain is not None else 0


def _killed_by_draining(startd: Startd) -> list[str]:
    """Jobs that a graceful drain may kill: the shorter of job's and machine's retirement time is not safe."""
    jobs = [claim.job for claim in startd.claims.values() if claim.job is not None]
    most = startd.spec.retirement_seconds
    return [job.id_in_pool for job in jobs if min(most, job.spec.retirement_seconds or most) < SAFE_RETIREMENT_SECONDS]


SAFE_RETIREMENT_SECONDS = 30 * 86400.0
"""Less than this and a long job may be killed by a graceful drain."""
