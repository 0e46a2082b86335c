"""One round of observation: every source at once, then what must be asked about single workers."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from elastic.core.memory import Memory, Template
from elastic.core.model import SiteSpec
from elastic.core.observation import (
    Alarms,
    Attempt,
    GroupSize,
    Load,
    Machines,
    Negotiation,
    Observations,
    Queue,
    Quota,
    Servers,
    SourceReading,
)
from elastic.core.questions import questions
from elastic.observer.losses import Losses
from elastic.observer.round import Round
from elastic.observer.sources import Source, T
from elastic.ports import BatchView, Calls, Clock, Cloud, Monitoring, Telemetry

SOURCES = ("machines", "servers", "queue", "negotiation", "quotas", "load", "alarms", "sizes", "attempts", "answers")
"""The names by which deadlines are given; `answers` is the whole second round."""

DEADLINE_SECONDS = 20.0
"""Of a source without a deadline of its own: less than a tick, more than 100,000 jobs or 20,000 slots take."""


class Observer:
    """Asks HTCondor, the cloud and telemetry; raises no error of theirs, never waits longer than its deadlines.

    `deadlines` are real seconds by source name; ages are told in seconds of `clock`'s monotonic side.
    """

    def __init__(
        self,
        *,
        batch: BatchView,
        cloud: Cloud,
        telemetry: Telemetry | None,
        clock: Clock,
        calls: Calls,
        deadlines: Mapping[str, float],
        monitoring: Monitoring | None = None,
    ) -> None:
        """Know nothing yet."""
        self._batch = batch
        self._cloud = cloud
        self._telemetry = telemetry
        self._monitoring = monitoring
        self._clock = clock
        self._calls = calls
        self._deadlines = deadlines
        self._losses = Losses()
        self._ended: list[Attempt] = []
        self._machines: Source[Machines] = Source("machines")
        self._servers: Source[Servers] = Source("servers", self._losses.doubt)
        self._queue: Source[Queue] = Source("queue")
        self._negotiation: Source[Negotiation] = Source("negotiation")
        self._quotas: Source[Mapping[str, Quota]] = Source("quotas")
        self._load: Source[Load] = Source("load")
        self._alarms: Source[Alarms] = Source("alarms")
        self._sizes: Source[Mapping[str, GroupSize]] = Source("sizes")
        self._attempts: Source[Sequence[Attempt]] = Source("attempts", self._note)
        self._round = Round(batch, cloud, calls)

    def observe(self, memory: Memory, templates: Mapping[str, Template], site: SiteSpec) -> Observations:
        """Everything as of now; ended executions are told again each time until they are `taken`."""
        at = self._clock.monotonic()
        self._losses.expect(memory, self._servers.value, site)
        first = self._first(memory, templates, at)
        wanted = questions(memory, first.machines, first.servers)
        wanted = replace(wanted, lookups=tuple(dict.fromkeys(wanted.lookups + self._losses.missing)))
        answers = self._round.answers(wanted, memory, time.monotonic() + self._deadline("answers"))
        self._losses.confirm(answers.lookups)
        return replace(first, answers=answers)

    def taken(self, attempts: Sequence[Attempt]) -> None:
        """What these executions teach is saved: do not tell of them again."""
        del self._ended[: len(attempts)]

    def _first(self, memory: Memory, templates: Mapping[str, Template], at: float) -> Observations:
        begun = time.monotonic()

        def begin(source: Source[T], call: Callable[[], T]) -> float:
            source.begin(self._calls, call, at)
            return begun + self._deadline(source.name)

        machines = begin(self._machines, self._batch.machines)
        servers = begin(self._servers, self._cloud.servers)
        queue = begin(self._queue, partial(self._batch.queue, templates))
        negotiation = begin(self._negotiation, self._batch.negotiation)
        quotas = begin(self._quotas, self._cloud.quotas)
        sizes = begin(self._sizes, self._cloud.sizes)
        attempts = begin(self._attempts, self._batch.attempts)
        load = begin(self._load, partial(self._telemetry.load, _joined(memory))) if self._telemetry else None
        alarms = begin(self._alarms, self._monitoring.alarms) if self._monitoring else None
        self._attempts.finish(at, attempts)
        return Observations(
            machines=self._machines.finish(at, machines),
            servers=self._servers.finish(at, servers),
            queue=self._queue.finish(at, queue),
            negotiation=self._negotiation.finish(at, negotiation),
            quotas=self._quotas.finish(at, quotas),
            load=self._load.finish(at, load) if load is not None else None,
            alarms=self._alarms.finish(at, alarms) if alarms is not None else None,
            sizes=_unless_none(self._sizes.finish(at, sizes)),
            attempts=tuple(self._ended),
        )

    def _deadline(self, source: str) -> float:
        return self._deadlines.get(source, DEADLINE_SECONDS)

    def _note(self, attempts: Sequence[Attempt]) -> str:
        """Keep what `attempts` told once only, until it is saved; nothing in it is doubted."""
        self._ended.extend(attempts)
        return ""


def _unless_none(sizes: SourceReading[Mapping[str, GroupSize]]) -> SourceReading[Mapping[str, GroupSize]] | None:
    """The reading; None of a cloud that keeps no groups of its own, as most do."""
    return sizes if sizes.value or sizes.error else None


def _joined(memory: Memory) -> Mapping[str, str]:
    joined = (record for record in memory.workers.values() if record.joined_at is not None)
    return {record.name: record.server_id or "" for record in sorted(joined, key=lambda record: record.name)}
