"""One source between ticks: its newest good answer, the call still under way, how often in a row it failed."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from elastic.core.observation import SourceReading
from elastic.ports import Calls, ElasticError, Throttled, Transient

T = TypeVar("T")
LONGEST_REST_SECONDS = 600.0
"""A service that asks for longer is asked all the same: without it nothing is decided at all."""


class Implausible(ElasticError):
    """An answer came, and cannot be right."""


def believe(_answer: object) -> str:
    """No doubt, whatever was answered."""
    return ""


class Source(Generic[T]):
    """Asked at most once at a time: while an earlier call hangs it is not asked again, and each such tick is a miss.

    An answer that comes after its deadline is taken at the next tick, as old as it is then. `doubt` says why an answer
    is not believed; it sees each answer once. A source that is throttled is left alone for as long as it asked.
    """

    def __init__(self, name: str, doubt: Callable[[T], str] = believe) -> None:
        """Know nothing yet."""
        self.name = name
        self.value: T | None = None
        self._doubt = doubt
        self._asked_at = 0.0
        self._misses = 0
        self._out: Future[T] | None = None
        self._out_asked_at = 0.0
        self._asked_now = False
        self._throttled: Throttled | None = None
        self._rests_until = 0.0

    def begin(self, calls: Calls, call: Callable[[], T], at: float) -> None:
        """Ask, unless the call of an earlier tick is still out; `at` in seconds on the clock that ages are told by."""
        if self._out is not None:
            if not self._out.done():
                return
            self._heard(self._take(self._out), at)
        if self._resting(at):
            return
        self._asked_now = True
        self._out, self._out_asked_at = calls.start(call), at

    def finish(self, at: float, give_up_at: float) -> SourceReading[T]:
        """The reading of this tick; waits until `give_up_at`, in seconds on the real monotonic clock."""
        asked_now, self._asked_now = self._asked_now, False
        if self._throttled is not None and not asked_now and self._resting(at):
            left = self._rests_until - at
            return self._missed(at, Throttled(f"{self._throttled}; asked again in {left:.0f} s", left))
        if self._out is None or not asked_now:
            return self._missed(at, Transient("a call of an earlier tick has not returned"))
        if not answered(self._out, give_up_at):
            return self._missed(at, Transient("no answer before the deadline"))
        if (error := self._heard(self._take(self._out), at)) is not None:
            return self._missed(at, error)
        self._misses = 0
        return self._reading(at)

    def _resting(self, at: float) -> bool:
        return at < self._rests_until

    def _heard(self, error: BaseException | None, at: float) -> BaseException | None:
        """The same, noted where the service asks for less."""
        self._throttled = error if isinstance(error, Throttled) else None
        self._rests_until = at + min(LONGEST_REST_SECONDS, error.retry_after) if isinstance(error, Throttled) else 0.0
        return error

    def _take(self, call: Future[T]) -> BaseException | None:
        self._out = None
        if (error := call.exception()) is not None:
            return error
        value = call.result()
        if doubt := self._doubt(value):
            return Implausible(doubt)
        self.value, self._asked_at = value, self._out_asked_at
        return None

    def _missed(self, at: float, error: BaseException) -> SourceReading[T]:
        self._misses += 1
        return self._reading(at, str(error) or type(error).__name__, type(error).__name__)

    def _reading(self, at: float, error: str = "", error_type: str = "") -> SourceReading[T]:
        age = max(0.0, at - self._asked_at) if self.value is not None else 0.0
        return SourceReading(value=self.value, age_seconds=age, error=error, error_type=error_type, misses=self._misses)


def answered(call: Future[T], give_up_at: float) -> bool:
    """Whether the call is over, waiting for it until `give_up_at`; a kill that it raised is raised here."""
    if not call.done():
        try:
            call.exception(timeout=max(0.0, give_up_at - time.monotonic()))
        except TimeoutError:
            return call.done()
    error = call.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    return True
