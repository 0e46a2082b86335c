"""The processes of a lab by service: started, found again, measured, ended; a process is known by its environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from elastic.lab.folder import LabFolder, write_private
from elastic.local.processes import PROC, ProcessId, alive, identify, marked, send, teardown
from elastic.local.sandbox import FOLDER_MARK

STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start for one service. It inherits nothing but `environment`; it may be started again at any time."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def start(folder: LabFolder, program: Program) -> None:
    """Start a program that belongs to nobody from then on; its output goes to its log.

    What an earlier start left behind is ended first.
    """
    teardown(folder.mark(program.name))
    log = folder.log / f"{program.name}.log"
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", *program.command],
            cwd=folder.run,
            env={**program.environment, FOLDER_MARK: str(folder.mark(program.name))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )
    if started := of_service(folder, program.name):
        write_private(_record(folder, program.name), json.dumps(asdict(started[0])))


def main_process(folder: LabFolder, name: str) -> ProcessId | None:
    """Return the process that was started for a service, while it runs; others without it are but remains."""
    with suppress(FileNotFoundError):
        process = ProcessId(**json.loads(_record(folder, name).read_text(encoding="utf-8")))
        return process if alive(process) else None
    return None


def of_service(folder: LabFolder, name: str) -> Sequence[ProcessId]:
    """Return the processes of one service, oldest first."""
    return marked(folder.mark(name))


def by_child(parent: Path) -> Mapping[str, Sequence[ProcessId]]:
    """Return the running processes marked with a folder below `parent`, by that folder's name, oldest first.

    With all that they have started, marked or not: HTCondor gives its jobs an environment of their own.
    """
    mark, prefix = f"{FOLDER_MARK}=".encode(), f"{FOLDER_MARK}={parent}/".encode()
    marks: dict[int, bytes] = {}
    above: dict[int, int] = {}
    for pid in (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            above[pid] = _parent(pid)
            for variable in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                if variable.startswith(mark):
                    marks[pid] = variable
    found: dict[str, list[ProcessId]] = {}
    for pid in above:
        nearest = next((marks[one] for one in _line(pid, above) if one in marks), b"")
        process = identify(pid) if nearest.startswith(prefix) else None
        if process is not None:
            found.setdefault(nearest.removeprefix(prefix).decode().partition("/")[0], []).append(process)
    return {name: sorted(each, key=lambda process: (process.start_ticks, process.pid)) for name, each in found.items()}


def _parent(pid: int) -> int:
    stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return int(stat.rpartition(")")[2].split()[1])


def _line(pid: int, above: Mapping[int, int]) -> Iterator[int]:
    """A process, its parent, and so on; ids may be given anew while one looks, so that no line is endless."""
    seen: set[int] = set()
    while pid and pid not in seen:
        yield pid
        seen.add(pid)
        pid = above.get(pid, 0)


def stop(folder: LabFolder, name: str, *, seconds: float = STOP_SECONDS) -> None:
    """Ask a service's first process to end; what is left after so many seconds is killed."""
    processes = of_service(folder, name)
    if processes:
        send(processes[0], signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(map(alive, processes)):
        if time.monotonic() > deadline:
            for process in processes:
                send(process, signal.SIGKILL)
        time.sleep(0.02)


def memory_bytes(process: ProcessId) -> int:
    """Return what a process holds in memory for itself alone, and its share of what it has in common; 0 if gone."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for line in (PROC / str(process.pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(process: ProcessId) -> float:
    """Return the CPU time of a process and of its children that have ended; 0 if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = (PROC / str(process.pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def log_tail(folder: LabFolder, name: str, lines: int = 15) -> str:
    """Return the end of a service's log."""
    with suppress(FileNotFoundError):
        text = Path(folder.log / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
    return ""


def _record(folder: LabFolder, name: str) -> Path:
    return folder.mark(name).with_suffix(".json")
