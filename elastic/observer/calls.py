"""The two ways to begin a call of a port: in a thread of its own, or inline."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """A new daemon thread for each call: one that hangs blocks neither a pool's place nor the end of the process."""

    def start(self, call: Callable[[], T], /) -> Future[T]:
        """Begin the call and return at once."""
        future: Future[T] = Future()
        threading.Thread(target=_carry_out, args=(call, future), name="elastic-call", daemon=True).start()
        return future


class Inline:
    """The call is over when `start` returns: always the same order, for the simulator and tests."""

    def start(self, call: Callable[[], T], /) -> Future[T]:
        """Carry the call out now; what is no Exception (a kill) goes straight through."""
        future: Future[T] = Future()
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 - the future hands it to who waits
            future.set_exception(error)
        return future


def _carry_out(call: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the future hands it to who waits
        future.set_exception(error)
