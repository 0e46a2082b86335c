"""Waiting for calls that change the world: never for ever, and never two at once about the same worker."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock
from typing import TypeVar

from elastic.ports import Calls, Transient

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
"""A call that has not answered by then is left to its intent; a tick is half as long."""

STOP_SECONDS = 4.0
"""After a stop request calls have this long to answer, all together: the process must be gone within 10 s."""

LOOK_SECONDS = 0.1


class Unanswered(Transient):
    """We stopped waiting; the call may still take effect."""


class Patience:
    """Carries calls out with a deadline each.

    A call that was given up is remembered until it returns: until then nothing else is begun about its workers, so
    that a fence which takes effect late can never hit a worker that was resumed meanwhile.
    """

    def __init__(
        self,
        calls: Calls,
        deadline_seconds: float,
        stopping: Callable[[], bool],
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        """Wait for nothing yet."""
        self._calls = calls
        self._deadline_seconds = deadline_seconds
        self._stopping = stopping
        self._stop_seconds = stop_seconds
        self._stop_seen_at: float | None = None
        self._lock = Lock()
        self._out: dict[str, tuple[str, Callable[[], bool]]] = {}

    def obstacle(self, worker: str) -> str:
        """Why nothing is to be begun about this worker now; empty when it may."""
        return "shutting down" if self._stopping() else self._owed((worker,))

    def ask(self, workers: Iterable[str], what: str, call: Callable[[], T]) -> T:
        """The answer of `call`; raise its error, or Unanswered when it does not come in time."""
        names = tuple(workers)
        if owed := self._owed(names):
            raise Unanswered(owed)
        if self._seconds_left(0.0) <= 0:
            raise Unanswered(f"shutting down: {what} not begun")
        begun = self._calls.start(call)
        if self._wait(begun):
            return begun.result()
        with self._lock:
            self._out.update(dict.fromkeys(names, (what, begun.done)))
        raise Unanswered(f"{what} has not answered in time")

    def _owed(self, workers: Iterable[str]) -> str:
        with self._lock:
            for worker in workers:
                if worker not in self._out:
                    continue
                what, returned = self._out[worker]
                if not returned():
                    return f"an earlier {what} has not returned"
                del self._out[worker]
        return ""

    def _wait(self, call: Future[T]) -> bool:
        begun = time.monotonic()
        while not call.done():
            left = self._seconds_left(time.monotonic() - begun)
            if left <= 0:
                return call.done()
            try:
                call.exception(timeout=min(LOOK_SECONDS, left))
            except TimeoutError:
                continue
        return True

    def _seconds_left(self, waited: float) -> float:
        left = self._deadline_seconds - waited
        if not self._stopping():
            return left
        now = time.monotonic()
        if self._stop_seen_at is None:
            self._stop_seen_at = now
        return min(left, self._stop_seen_at + self._stop_seconds - now)
