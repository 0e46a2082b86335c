"""The second round: many short questions about single workers, some at a time, all before one deadline."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from elastic.core.memory import Memory
from elastic.core.observation import Answers, Inspection, JobsOnWorkers, Questions, Server
from elastic.observer.sources import answered
from elastic.ports import BatchView, Calls, Cloud, NotFound

SIDE_BY_SIDE = 16
"""Enough that a hundred startds, a tenth of them silent until their time-out, are asked within one deadline."""

Key = tuple[str, str]


class Round:
    """Asks about single workers. Whoever still owes an earlier answer is not asked again."""

    def __init__(self, batch: BatchView, cloud: Cloud, calls: Calls) -> None:
        """Owe nobody an answer yet."""
        self._batch = batch
        self._cloud = cloud
        self._calls = calls
        self._out: set[Key] = set()

    def answers(self, questions: Questions, memory: Memory, give_up_at: float) -> Answers:
        """What was answered in time; the rest is absent, and an unanswered `jobs_on` is incomplete."""
        wanted: dict[Key, Callable[[], object]] = {}
        if questions.machines:
            wanted["jobs", ""] = partial(self._batch.jobs_on, questions.machines)
        for server_id in questions.lookups:
            wanted["lookup", server_id] = partial(self._cloud.lookup, server_id)
        for name in questions.inspections:
            wanted["inspect", name] = partial(self._batch.inspect, memory.workers[name])
        seen = self._ask(wanted, give_up_at)
        jobs = seen.get(("jobs", ""))
        nobody = JobsOnWorkers(jobs={}, complete=False) if questions.machines else None
        return Answers(
            lookups=_lookups(questions.lookups, seen),
            inspections={
                name: answer
                for name in questions.inspections
                if isinstance(answer := seen.get(("inspect", name)), Inspection)
            },
            jobs=jobs if isinstance(jobs, JobsOnWorkers) else nobody,
        )

    def _ask(self, wanted: Mapping[Key, Callable[[], object]], give_up_at: float) -> Mapping[Key, object]:
        """Each answer, or the error raised instead of it."""
        waiting = deque(key for key in wanted if key not in self._out)
        seen: dict[Key, object] = {}

        def work() -> None:
            while True:
                try:
                    key = waiting.popleft()
                except IndexError:
                    return
                self._out.add(key)
                try:
                    seen[key] = wanted[key]()
                except Exception as error:  # noqa: BLE001 - one failed question does not stop the others
                    seen[key] = error
                finally:
                    self._out.discard(key)

        begun = [self._calls.start(work) for _ in range(min(SIDE_BY_SIDE, len(waiting)))]
        for worker in begun:
            answered(worker, give_up_at)
        waiting.clear()
        return dict(seen)


def _lookups(asked: tuple[str, ...], seen: Mapping[Key, object]) -> Mapping[str, Server | None]:
    found: dict[str, Server | None] = {}
    for server_id in asked:
        match seen.get(("lookup", server_id)):
            case Server() as server:
                found[server_id] = server
            case NotFound():
                found[server_id] = None
            case _:
                pass
    return found
