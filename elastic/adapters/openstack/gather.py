"""Calls about single things, made at the same time, carried out as one."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from elastic.core.memory import WorkerRecord
from elastic.ports import PortError

S = TypeVar("S")
T = TypeVar("T")


class Gather(Generic[S, T]):
    """Whoever comes first waits `seconds` for others, then does it for all of them; the next ones wait their turn."""

    def __init__(self, together: Callable[[Sequence[S]], Sequence[T]], seconds: float) -> None:
        """`together` gives one answer for each item, in their order; what it raises, all get."""
        self._together, self._seconds = together, seconds
        self._waiting: list[tuple[S, Future[T]]] = []
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def ask(self, items: Sequence[S]) -> list[T]:
        """The answers for these items; raise what `together` raised."""
        mine: list[tuple[S, Future[T]]] = [(item, Future()) for item in items]
        with self._lock:
            self._waiting += mine
        with self._turn:
            if not all(answer.done() for _, answer in mine):
                time.sleep(self._seconds)
                self._carry_out()
        return [answer.result() for _, answer in mine]

    def _carry_out(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            answers = self._together([item for item, _ in batch])
        except BaseException as error:  # noqa: BLE001 - each of those who wait must hear of it
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), given in zip(batch, answers, strict=True):
            answer.set_result(given)


def removed(
    removals: Gather[WorkerRecord, PortError | None], workers: Sequence[WorkerRecord]
) -> Mapping[str, PortError]:
    """The errors of a removal by worker name; what went wrong for all of them, each has."""
    try:
        answers = removals.ask(workers)
    except PortError as error:
        return {worker.name: error for worker in workers}
    return {worker.name: error for worker, error in zip(workers, answers, strict=True) if error is not None}
