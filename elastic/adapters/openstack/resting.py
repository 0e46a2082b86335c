"""A question to a service that others can do without: its newest answer is kept, and a refusal is respected."""

from collections.abc import Callable
from typing import Generic, TypeVar

from elastic.ports import Malformed, NotFound, PortError, Unauthorized

T = TypeVar("T")

REST_SECONDS = 300.0
WILL_NOT_TELL = (NotFound, Unauthorized, Malformed)
"""There is no such service or question in this cloud, or not for us: asking each tick would change nothing."""


class Resting(Generic[T]):
    """Asks at most once a tick; after a refusal not for `REST_SECONDS`, and `nothing` is its answer until then."""

    def __init__(self, ask: Callable[[], T], nothing: T, monotonic: Callable[[], float]) -> None:
        """Ask nobody yet."""
        self._ask, self._nothing, self._monotonic = ask, nothing, monotonic
        self._known = nothing
        self._rests_until = float("-inf")
        self.problem = ""

    def answer(self) -> T:
        """The newest answer there is."""
        if self._monotonic() < self._rests_until:
            return self._nothing
        try:
            self._known, self.problem = self._ask(), ""
        except WILL_NOT_TELL as error:
            self._known, self.problem = self._nothing, str(error)
            self._rests_until = self._monotonic() + REST_SECONDS
        except PortError as error:
            self.problem = str(error)
        return self._known
