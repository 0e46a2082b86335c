"""Know a process again after anything happened, and end whole trees; a process id alone is never trusted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from elastic.local.errors import LocalError
from elastic.local.sandbox import FOLDER_MARK

PROC = Path("/proc")
DEAD_STATES = frozenset({"Z", "X"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process id with the kernel's start time (clock ticks since boot): a reused id is not mistaken for it."""

    pid: int
    start_ticks: int


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a running process; None if there is none, or only its zombie."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if after_name[0] in DEAD_STATES else ProcessId(pid=pid, start_ticks=int(after_name[19]))


def alive(process: ProcessId) -> bool:
    """Say whether exactly this process still runs."""
    return identify(process.pid) == process


def send(process: ProcessId, number: signal.Signals) -> None:
    """Send a signal to exactly this process; do nothing if it is gone, even if its id was given to another."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            # The handle pins the process: what is compared now is what is signalled below.
            if alive(process):
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def children(parent: int) -> Sequence[ProcessId]:
    """Return the running children of a process, oldest first."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in (PROC / str(parent) / "task").iterdir():
            found += [identify(int(child)) for child in (task / "children").read_text(encoding="ascii").split()]
    return sorted((child for child in found if child), key=lambda child: (child.start_ticks, child.pid))


def name_of(process: ProcessId) -> str:
    """Return the kernel's short name of a process (at most 15 characters); empty if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return (PROC / str(process.pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def command_line(process: ProcessId) -> Sequence[str]:
    """Return the words that a process was started with; none if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return (PROC / str(process.pid) / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")[:-1]
    return ()


def marked(root: Path) -> Sequence[ProcessId]:
    """Return every running process that a pool or server in or below `root` started, this process excepted."""
    return sorted(_marked(root.resolve()), key=lambda process: (process.start_ticks, process.pid))


def teardown(root: Path, *, seconds: float = 30.0) -> int:
    """End every process that belongs to `root` and return how many there were; safe to repeat, at start as at the end.

    Their mounts live in their own namespaces and go with them. Raises LocalError if one of them will not die.
    """
    first = marked(root)
    deadline = time.monotonic() + seconds
    left = first
    while left:
        for process in left:
            send(process, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise LocalError(
                f"processes {[process.pid for process in left]} of {root} did not end within {seconds:.0f} s"
            )
        time.sleep(0.02)
        # One that is just ending has no environment any more, and so no mark: it is waited for by its id.
        left = [*marked(root), *filter(alive, left)]
    return len(first)


def _marked(root: Path) -> Iterator[ProcessId]:
    mark = f"{FOLDER_MARK}={root}".encode()
    below = mark + b"/"
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # Others' processes cannot be read without root; those that end while we look are gone anyway.
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                found = any(variable == mark or variable.startswith(below) for variable in variables)
                if found and (process := identify(int(entry.name))):
                    yield process
