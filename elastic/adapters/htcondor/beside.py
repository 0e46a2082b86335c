"""A second question at the same time, in a child process of the asker's: the bindings can wait for one answer only."""

import os
import pickle
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from elastic.ports import PortError, Transient

T = TypeVar("T")


class Beside(Generic[T]):
    """Asks `question` while its maker asks something else; `answer` waits for it, and is to be called once."""

    def __init__(self, question: Callable[[], T]) -> None:
        """Begin; the child ends with the deadline of the question that is under way here, if there is one."""
        ours, theirs = os.pipe()
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        self._child = os.fork()
        if not self._child:
            os.close(ours)
            signal.setitimer(signal.ITIMER_REAL, left)
            _tell(theirs, question)
        os.close(theirs)
        self._answer = Connection(ours, writable=False)

    def answer(self) -> T:
        """What the question gave; raise its error, Transient when the child died."""
        try:
            error, found = pickle.loads(self._answer.recv_bytes())  # noqa: S301 - from our own child
        except EOFError:
            raise Transient("a question that was asked at the same time was not answered") from None
        finally:
            self.end()
        if error is not None:
            raise error
        result: T = found
        return result

    def end(self) -> None:
        """Give the question up, if it is still being asked."""
        if not self._child:
            return
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        self._child = 0
        self._answer.close()


def _tell(place: int, question: Callable[[], T]) -> None:
    """Answer into the pipe, and end without the parent's clean-up."""
    try:
        error, found = None, None
        try:
            found = question()
        except PortError as failure:
            error = failure
        with Connection(place, readable=False) as answer:
            answer.send_bytes(pickle.dumps((error, found)))
    finally:
        os._exit(0)
