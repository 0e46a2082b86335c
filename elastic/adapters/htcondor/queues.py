"""All schedds of the pool, each asked by an asker of its own, side by side; a silent one's last queue is repeated."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from elastic.adapters.htcondor.ask import Asker, Rest
from elastic.adapters.htcondor.settings import HTCondorSettings
from elastic.adapters.htcondor.target import Mark, ScheddTarget
from elastic.core.memory import Template
from elastic.core.observation import Attempt, JobsOnWorkers, Queue, ScheddQueue
from elastic.ports import PortError, Transient

T = TypeVar("T")
FRESH_SECONDS = 1.0
"""An answer told twice within a second is told as new."""
MOST_ATTRIBUTES = 30
"""Machine attributes that tell kinds apart, of all that jobs look at: a bound on what odd requirements can cost."""


@dataclass(slots=True)
class Schedd:
    """One schedd, how it is asked, and what it said last."""

    name: str
    asker: Asker
    rest: Rest
    history_rest: Rest
    address: str = ""
    listed_at: float = 0.0
    queue: ScheddQueue | None = None
    queue_at: float = 0.0
    silent: bool = False
    attributes: tuple[str, ...] = ()
    mark: Mark | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)


class Queues:
    """Asks every schedd that the collector knows, or those that the settings name."""

    def __init__(self, settings: HTCondorSettings, collector: Asker) -> None:
        """Know no schedd yet."""
        self._settings = settings
        self._collector = collector
        self._schedds: dict[str, Schedd] = {}
        self._forgotten: dict[str, Schedd] = {}
        self._lock = threading.Lock()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Machine attributes (lower case) that jobs now in the queues look at."""
        names = {name for schedd in self._present() for name in schedd.attributes}
        return tuple(sorted(names))[:MOST_ATTRIBUTES]

    @property
    def limits(self) -> tuple[str, ...]:
        """Concurrency limits (lower case) that jobs now in the queues ask for."""
        queues = [schedd.queue for schedd in self._present() if schedd.queue is not None]
        shapes = [shape for queue in queues for shape in queue.shapes]
        return tuple(sorted({name for shape in shapes for name, _ in shape.concurrency_limits}))

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        """Every schedd's queue, sorted by name; one that was forgotten is told of once more as long as its ad lived."""
        answers = self._each(lambda schedd: self._queue(schedd, templates))
        queues = [queue for answer in answers.values() if isinstance(answer, list) for queue in answer]
        with self._lock:
            queues += [_expired(schedd, "it is no longer in the collector") for schedd in self._forgotten.values()]
        return Queue(schedds=tuple(sorted(queues, key=lambda queue: queue.schedd)))

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        """Which jobs name these startds; complete only if every schedd of the pool answered now.

        The schedds that are not served as well: their jobs may run on our workers all the same.
        """
        wanted = tuple(machines)
        answers = self._each(lambda schedd: self._ask(schedd, "jobs_on", _asked(schedd), wanted), everyone=True)
        jobs: dict[str, tuple[str, ...]] = {}
        for name in sorted(answers):
            if not isinstance(answer := answers[name], PortError):
                for machine, there in cast("dict[str, tuple[str, ...]]", answer).items():
                    jobs[machine] = (*jobs.get(machine, ()), *there)
        # Where no schedd is known, none has said that there is no job.
        silent = [answer for answer in answers.values() if isinstance(answer, PortError)]
        return JobsOnWorkers(jobs=jobs, complete=bool(answers) and not silent)

    def attempts(self) -> Sequence[Attempt]:
        """What has ended on each schedd since it was last asked; a schedd seen for the first time tells nothing yet."""
        answers = self._each(self._attempts)
        errors = [answer for answer in answers.values() if isinstance(answer, PortError)]
        if errors and len(errors) == len(answers):
            raise errors[0]
        told = [answers[name] for name in sorted(answers)]
        return tuple(attempt for answer in told if isinstance(answer, list) for attempt in answer)

    def close(self) -> None:
        """End every asker."""
        for schedd in self._present():
            schedd.asker.close()

    def _queue(self, schedd: Schedd, templates: Mapping[str, Template]) -> list[ScheddQueue]:
        """What the schedd says, else what it said last for as long as that counts."""
        if schedd.queue is not None and schedd.rest.left():
            age = time.monotonic() - schedd.queue_at
            return [replace(schedd.queue, age_seconds=age if age >= FRESH_SECONDS else 0.0)]
        try:
            plain = self._settings.plain_attributes
            answer = self._ask(schedd, "queue", _asked(schedd), templates, plain, rest=schedd.rest)
        except PortError as error:
            schedd.silent = True
            return self._repeat(schedd, str(error) or type(error).__name__)
        queue, schedd.attributes = cast("tuple[ScheddQueue, tuple[str, ...]]", answer)
        schedd.queue, schedd.queue_at, schedd.silent = queue, time.monotonic(), False
        return [queue]

    def _attempts(self, schedd: Schedd) -> list[Attempt]:
        if schedd.history_rest.left():
            return []
        if schedd.silent:
            # One deadline a tick: two in a row would take the answers of the others beyond that of the tick.
            raise Transient(f"{schedd.name} does not answer, so it is asked for its queue only")
        answer = self._ask(schedd, "attempts", _asked(schedd), schedd.mark, rest=schedd.history_rest)
        ended, schedd.mark = cast("tuple[list[Attempt], Mark]", answer)
        return ended

    def _repeat(self, schedd: Schedd, error: str) -> list[ScheddQueue]:
        now = time.monotonic()
        if schedd.queue is None:
            return [ScheddQueue(schedd=schedd.name, shapes=(), error=error)]
        age = now - schedd.queue_at
        if self._over(schedd, now) or age > self._settings.schedd_stale_seconds:
            return [_expired(schedd, error)]
        return [replace(schedd.queue, age_seconds=age, error=error)]

    def _ask(self, schedd: Schedd, operation: str, *arguments: object, rest: Rest | None = None) -> object:
        if not schedd.address:
            raise Transient(f"{schedd.name} is not in the collector")
        return schedd.asker.ask(operation, *arguments, seconds=self._settings.query_seconds - 1, rest=rest)

    def _each(self, ask: Callable[[Schedd], T], *, everyone: bool = False) -> Mapping[str, T | PortError]:
        """The answer or error of each schedd that is served, or of everyone, asked side by side."""
        self._find()
        answers: dict[str, T | PortError] = {}

        def one(schedd: Schedd) -> None:
            try:
                with schedd.turn:
                    answers[schedd.name] = ask(schedd)
            except PortError as error:
                answers[schedd.name] = error

        schedds = [schedd for schedd in self._present() if everyone or self._serves(schedd.name)]
        threads = [threading.Thread(target=one, args=(schedd,), daemon=True) for schedd in schedds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _find(self) -> None:
        """Ask the collector for schedds; those that it forgot (it may have been restarted) are asked on for a while."""
        named = self._settings.schedds
        try:
            answer = self._collector.ask("schedds", seconds=self._settings.query_seconds)
        except PortError:
            if not self._schedds:
                raise
            return
        now = time.monotonic()
        with self._lock:
            for name in named:
                self._add(name)
            for name, address in cast("list[tuple[str, str]]", answer):
                schedd = self._add(name)
                schedd.address, schedd.listed_at = address, now
            for name in [n for n, s in self._schedds.items() if n not in named and self._over(s, now)]:
                self._forget(name)
            told = self._settings.ad_lifetime_seconds
            self._forgotten = {n: s for n, s in self._forgotten.items() if now - s.listed_at < 2 * told}

    def _forget(self, name: str) -> None:
        schedd = self._schedds.pop(name)
        schedd.asker.close()
        if schedd.queue is not None:
            self._forgotten[name] = schedd

    def _serves(self, name: str) -> bool:
        return not self._settings.schedds or name in self._settings.schedds

    def _over(self, schedd: Schedd, now: float) -> bool:
        """Whether a schedd that the collector no longer lists is to be forgotten: then its demand ends as well."""
        return now - schedd.listed_at > min(self._settings.ad_lifetime_seconds, self._settings.schedd_stale_seconds)

    def _add(self, name: str) -> Schedd:
        self._forgotten.pop(name, None)
        if name not in self._schedds:
            asker = Asker(name, self._settings.environment())
            self._schedds[name] = Schedd(
                name=name,
                asker=asker,
                rest=Rest(self._settings.rest_factor),
                history_rest=Rest(self._settings.rest_factor),
            )
        return self._schedds[name]

    def _present(self) -> list[Schedd]:
        with self._lock:
            return [self._schedds[name] for name in sorted(self._schedds)]


def _expired(schedd: Schedd, error: str) -> ScheddQueue:
    age = time.monotonic() - schedd.queue_at
    text = f"silent for {age:.0f} s, its jobs do not count any more: {error}"
    return ScheddQueue(schedd=schedd.name, shapes=(), age_seconds=age, error=text, expired=True)


def _asked(schedd: Schedd) -> ScheddTarget:
    stamps = {shape.id: shape.queue_stamp for shape in schedd.queue.shapes} if schedd.queue is not None else {}
    return ScheddTarget(name=schedd.name, address=schedd.address, stamps=stamps)
