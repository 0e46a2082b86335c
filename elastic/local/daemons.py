"""Find the daemons of a running central manager and disturb them as accidents would: kill, stop, hang."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from elastic.local.errors import LocalError
from elastic.local.processes import ProcessId, command_line, marked, name_of, send

WAIT_SECONDS = 60.0


class Tool(Protocol):
    """Runs a condor command line tool and returns what it printed."""

    def __call__(self, *command: str, timeout_seconds: float = ...) -> str:
        """Run `command`; raise LocalError if it fails."""


class Daemons:
    """The daemons whose processes are marked with `folder`, by name: master, collector, negotiator, schedd.

    Schedds beside the first are called by their own names.
    """

    def __init__(self, folder: Path, tool: Tool, extra_schedds: Collection[str] = ()) -> None:
        """Look after the central manager in `folder`; nothing is asked of it yet."""
        self._folder = folder
        self._tool = tool
        self._extra_schedds = frozenset(extra_schedds)

    def process(self, name: str) -> ProcessId:
        """Return the daemon's process; raise LocalError if it does not run."""
        if (found := self._find(name)) is None:
            raise LocalError(f"no condor_{name} is running in {self._folder}")
        return found

    def restart(self, name: str) -> None:
        """Kill a daemon and return once its master has started another in its place."""
        old = self.process(name)
        send(old, signal.SIGKILL)
        _until(lambda: self._find(name) not in {None, old}, f"condor_{name} was not started again")

    def switch_off(self, name: str) -> None:
        """Stop a daemon until `switch_on`; return once its process is gone."""
        self._tool("condor_off", "-fast", "-daemon", name)
        _until(lambda: self._find(name) is None, f"condor_{name} was not stopped")

    def switch_on(self, name: str) -> None:
        """Start a daemon that was switched off; return once its process is there."""
        self._tool("condor_on", "-daemon", name)
        _until(lambda: self._find(name) is not None, f"condor_{name} was not started")

    def freeze(self, name: str) -> None:
        """Make a daemon hang: the kernel accepts connections to it, and nothing ever answers."""
        send(self.process(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen daemon go on."""
        send(self.process(name), signal.SIGCONT)

    def _find(self, name: str) -> ProcessId | None:
        program, local_name = ("condor_schedd", name) if name in self._extra_schedds else (f"condor_{name}", "")
        for process in marked(self._folder):
            if name_of(process) == program[:15] and _local_name(process) == local_name:
                return process
        return None


def _local_name(process: ProcessId) -> str:
    words = command_line(process)
    with suppress(ValueError, IndexError):
        return words[words.index("-local-name") + 1]
    return ""


def _until(met: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not met():
        if time.monotonic() > deadline:
            raise LocalError(f"{complaint} within {WAIT_SECONDS:.0f} s")
        time.sleep(0.05)
