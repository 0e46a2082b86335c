"""Askers: processes that talk to HTCondor's daemons for us, each with a deadline; what is asked is not known here.

Threads would not do: every call of the bindings holds the interpreter's lock until the daemon answers, so that one
hanging daemon would stop the scheduler, the API and the watchdog with it.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from elastic import __version__
from elastic.ports import PortError, Transient

CLOSE_SECONDS = 1.0
START_SECONDS = 60.0
READY = f"ready {__version__}"
"""What an asker says first. One of another version might answer in another form, and each answer means something."""
APART = "apart"
"""Each question in a process of its own, with new sessions, for askers that talk to many daemons.

A session's id is made of host name, process id, second and a counter. Of workers that are alike, two had the same one,
so that the second could not be talked to any more.
"""


class SilentError(Transient):
    """The daemon was asked and did not answer in time."""


class Asker:
    """One process that answers one question at a time; started when first asked, replaced when it hangs or dies."""

    def __init__(self, name: str, environment: Mapping[str, str], *options: str) -> None:
        """Start nothing yet; `name` is what errors call the daemon that is asked."""
        self.name = name
        self._options = options
        self._environment = environment
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def ask(self, operation: str, *arguments: object, seconds: float, rest: "Rest | None" = None) -> object:
        """The operation's answer; raise its PortError, or SilentError when there is none within `seconds`.

        Another question that is under way may take as long before; the start of the process does not count.
        An answer begins the daemon's `rest`; one that gave no answer may be asked again at once.
        """
        if not self._turn.acquire(timeout=seconds):
            raise Transient(f"{self.name}: an earlier question is not answered after {seconds:.0f} s")
        try:
            error, answer, took = self._exchange((operation, arguments, seconds), seconds)
        finally:
            self._turn.release()
        if error is not None:
            raise error
        if rest is not None:
            rest.begin(took)
        return answer

    def close(self) -> None:
        """End the process, also in the middle of a question."""
        process, connection = self._process, self._connection
        if process is None or connection is None:
            return
        _kill(process)
        with self._turn:
            self._drop()

    def _exchange(self, question: object, seconds: float) -> tuple[PortError | None, object, float]:
        connection = self._connection or self._start()
        try:
            connection.send(question)
            if connection.poll(seconds):
                reply: tuple[PortError | None, object, float] = connection.recv()
                return reply
        except (EOFError, OSError) as error:
            self._drop()
            raise Transient(f"{self.name}: its asker ended in the middle of a question") from error
        self._drop()
        raise SilentError(f"{self.name}: no answer within {seconds:.0f} s; is it hanging, or behind a firewall?")

    def _start(self) -> Connection:
        """Start the process and wait until it says that it is ready; raise Transient if it does not."""
        ours, theirs = socket.socketpair()
        connection = Connection(ours.detach())
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "elastic.adapters.htcondor.asked", str(theirs.fileno()), *self._options],
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # Ctrl-C in a terminal is for the daemon, which lets a tick end first.
                start_new_session=True,
            )
        self._connection = connection
        try:
            if connection.poll(START_SECONDS):
                greeting = connection.recv()
                if greeting == READY:
                    return connection
                self._drop()
                raise Transient(
                    f"{self.name}: its asker is of another version ({greeting}, not {READY}): the package was replaced"
                    " under the running daemon; restart it"
                )
        except (EOFError, OSError):
            pass
        self._drop()
        raise Transient(
            f"{self.name}: its asker does not start; is the package htcondor installed, version 25 or later?"
        )

    def _drop(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End an asker and what it may have started for its question; both are of the session that was made for it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(CLOSE_SECONDS)


class Askers:
    """A few askers for questions to many daemons, so that one silent daemon does not hold up the others."""

    def __init__(self, name: str, environment: Mapping[str, str], count: int) -> None:
        """Start nothing yet."""
        self._all = [Asker(f"{name} {number}", environment, APART) for number in range(count)]
        self._free: queue.LifoQueue[Asker] = queue.LifoQueue()
        for asker in reversed(self._all):
            self._free.put(asker)

    def ask(self, operation: str, *arguments: object, seconds: float) -> object:
        """Like Asker.ask, by whichever is free."""
        with self._one(seconds) as asker:
            return asker.ask(operation, *arguments, seconds=seconds)

    def close(self) -> None:
        """End all of them."""
        for asker in self._all:
            asker.close()

    @contextmanager
    def _one(self, seconds: float) -> Iterator[Asker]:
        try:
            asker = self._free.get(timeout=seconds)
        except queue.Empty as error:
            raise Transient(f"every asker is still waiting for a daemon after {seconds:.0f} s") from error
        try:
            yield asker
        finally:
            self._free.put(asker)


class Rest:
    """How long one daemon is left alone: `factor` times as long as its last answer took."""

    def __init__(self, factor: float) -> None:
        """Ready to be asked."""
        self._factor = factor
        self._until = 0.0

    def begin(self, took: float) -> None:
        """It has answered just now, in so many seconds, its asker's own start not counted."""
        self._until = time.monotonic() + self._factor * took

    def left(self) -> float:
        """Seconds until it may be asked again."""
        return max(0.0, self._until - time.monotonic())
