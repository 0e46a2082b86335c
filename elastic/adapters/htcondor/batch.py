"""HTCondor as the controller sees it: every call goes to an asker with a deadline; what it says is remembered here."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from elastic.adapters.htcondor.ask import Asker, Askers, Rest, SilentError
from elastic.adapters.htcondor.queues import Queues
from elastic.adapters.htcondor.settings import HTCondorSettings
from elastic.adapters.htcondor.target import Target, target
from elastic.adapters.htcondor.uptime import Uptime
from elastic.core.memory import Template, WorkerRecord
from elastic.core.observation import (
    Attempt,
    DrainSeen,
    Inspection,
    JobsOnWorkers,
    Machine,
    Machines,
    Negotiation,
    Queue,
)
from elastic.core.resources import Resources
from elastic.ports import DrainAnswer

CONTROL_MARGIN_SECONDS = 2.0
"""So much earlier than its deadline an asker gives up by itself, and can say what it was waiting for."""


class HTCondorBatch:
    """A real pool behind `elastic.ports.BatchSystem`; safe to call from several threads; `close` ends its processes."""

    def __init__(self, settings: HTCondorSettings) -> None:
        """Ask nobody yet, so that a pool that is down shows as failed observations."""
        self._settings = settings
        environment = settings.environment()
        self._collector = Asker("collector", environment)
        self._negotiator = Asker("negotiator", environment)
        self._direct = Askers("startd", environment, settings.direct_askers)
        self._list = Asker("collector", environment)
        """Of schedds: by the first it would wait until all machines are read."""
        self._queues = Queues(settings, self._list)
        self._machines: Machines | None = None
        self._machines_at = 0.0
        self._uptime: Uptime | None = None
        self._machines_rest = Rest(settings.rest_factor)
        self._negotiation: Negotiation | None = None
        self._negotiation_rest = Rest(settings.rest_factor)
        self._lock = threading.Lock()

    def machines(self) -> Machines:
        """Every startd of the pool, ours or not, from the collector."""
        with self._lock:
            if self._machines is not None and self._machines_rest.left():
                return _older(self._machines, time.monotonic() - self._machines_at)
            seconds, rest = self._settings.query_seconds, self._machines_rest
            answer = self._collector.ask("machines", self._queues.attributes, seconds=seconds, rest=rest)
            rows, told, texts = cast("tuple[list[tuple[object, ...]], Uptime | None, dict[str, str]]", answer)
            self._machines_at = time.monotonic()
            self._uptime = uptime = told and told.since(self._uptime, time.monotonic())
            seen = tuple(_machine(row, uptime.now if uptime else 0) for row in rows)
            age = uptime.age if uptime else None
            self._machines = Machines(machines=seen, collector_age_seconds=age, template_ads=texts)
            return self._machines

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        """Jobs by shape from every schedd, judged against these templates and every kind of machine seen."""
        kinds = self._machines.template_ads if self._machines is not None else {}
        foreign = {kind: Template(ad=text, resources=Resources()) for kind, text in kinds.items()}
        return self._queues.queue({**templates, **foreign})

    def negotiation(self) -> Negotiation:
        """Cycle times, concurrency limits and static group quotas, from the negotiator itself."""
        if self._negotiation is not None and self._negotiation_rest.left():
            return self._negotiation
        seconds, rest = self._settings.query_seconds, self._negotiation_rest
        answer = self._negotiator.ask("negotiation", self._queues.limits, seconds=seconds, rest=rest)
        self._negotiation = cast("Negotiation", answer)
        return self._negotiation

    def attempts(self) -> Sequence[Attempt]:
        """Executions that ended since the last call, oldest first; the first call returns none."""
        return self._queues.attempts()

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        """Which jobs name these startds in RemoteHost, asked of every schedd now."""
        return self._queues.jobs_on(machines)

    def inspect(self, worker: WorkerRecord) -> Inspection:
        """Ask the worker's startd itself, at its last address; silence is an answer, not an error.

        Raise Transient where somebody is there who does not talk to us: that is neither an answer nor silence.
        """
        if not worker.address:
            return Inspection(answered=False, error="no address of its startd is known")
        try:
            answer = self._direct.ask("inspect", target(worker), seconds=self._settings.inspect_seconds)
        except SilentError as error:
            return Inspection(answered=False, error=str(error))
        return cast("Inspection", answer)

    def drain(self, worker: WorkerRecord, nonce: str, *, busy: bool) -> DrainAnswer:
        """Start a drain, atomically only if nothing is claimed; with `busy`, only if no job would be cut short."""
        safe = self._settings.safe_retirement_seconds if busy else None
        program = self._settings.drain_program
        return cast("DrainAnswer", self._control("drain", target(worker), nonce, safe, program))

    def resume(self, worker: WorkerRecord) -> None:
        """Start the startd again if it is off, and cancel our drain; a foreign one stays and raises Refused."""
        self._control("resume", target(worker), self._settings.prefix, self._patience, self._settings.drain_program)

    def fence(self, worker: WorkerRecord) -> None:
        """Switch the drained startd off at its master and return once it is silent."""
        self._control("fence", target(worker), self._settings.prefix, self._patience)

    def invalidate(self, worker: WorkerRecord) -> None:
        """Take the ads of a worker that is gone out of the collector."""
        self._control("invalidate", worker.server_id or "", worker.address)

    def authorised(self, machine: Machine) -> bool:
        """Whether this machine's startd would let us drain it; nothing is changed."""
        asked = Target(machine=machine.name, address=machine.address, started=(machine.started,))
        return bool(self._direct.ask("authorised", asked, seconds=self._settings.inspect_seconds))

    def spreads(self) -> str:
        """By what rank the negotiator spreads jobs over workers instead of filling them; empty when it fills them."""
        return str(self._negotiator.ask("spreads", seconds=self._settings.query_seconds))

    def close(self) -> None:
        """End every asker."""
        self._collector.close()
        self._list.close()
        self._negotiator.close()
        self._direct.close()
        self._queues.close()

    @property
    def _patience(self) -> float:
        return self._settings.control_seconds - CONTROL_MARGIN_SECONDS

    def _control(self, operation: str, *arguments: object) -> object:
        return self._direct.ask(operation, *arguments, seconds=self._settings.control_seconds)


def _machine(row: tuple[object, ...], now: float) -> Machine:
    (name, address, server, worker, kind, claimed, jobs, since, started, stamp, total, free, drain, accepts, heard) = (
        cast(
            "tuple[str, str, str | None, str | None, str, bool, int, float | None, int, int,"
            " tuple[int, int, int, int], tuple[int, int, int, int], tuple[str, str, bool] | None, bool, int]",
            row,
        )
    )
    return Machine(
        name=name,
        address=address,
        server_id=server,
        worker=worker,
        template=kind,
        claimed=claimed,
        jobs=jobs,
        idle_seconds=None if claimed else since,
        claimed_seconds=since if claimed else None,
        started=started,
        stamp=stamp,
        total=Resources(*total),
        free=Resources(*free),
        drain=None if drain is None else DrainSeen(reason=drain[0], request_id=drain[1], drained=drain[2]),
        accepts_jobs=accepts,
        ad_age_seconds=max(0.0, now - heard) if now and heard else 0.0,
    )


def _older(machines: Machines, seconds: float) -> Machines:
    """The same answer, told again after `seconds`."""
    aged = tuple(replace(machine, ad_age_seconds=machine.ad_age_seconds + seconds) for machine in machines.machines)
    collector = machines.collector_age_seconds
    return replace(machines, machines=aged, collector_age_seconds=None if collector is None else collector + seconds)
