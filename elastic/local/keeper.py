"""Keep one grid running in the background: its central manager and its daemon; `elastic.local.grid` starts and ends it.

    python -m elastic.local.keeper FOLDER

SIGTERM ends first the daemon, which finishes its tick, then the central manager; workers are left to `down`.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any

from elastic.local.daemon import DaemonProcess, Tree, answers, merged, pool_settings
from elastic.local.errors import LocalError
from elastic.local.pool import Pool
from elastic.local.processes import ProcessId, alive, identify

WISH_FILE = "grid.json"
STATE_FILE = "state.json"
LOCK_FILE = "keeper.lock"
LOG_FILE = "keeper.log"
ENVIRONMENT_FILE = "environment"
LOOK_SECONDS = 0.1


class GridPhase(StrEnum):
    """Where a grid is in its life."""

    STARTING = "starting"
    READY = "ready"
    BROKEN = "broken"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """What a keeper says of its grid; `detail` says why it is broken."""

    phase: GridPhase
    pid: int
    start_ticks: int
    url: str = ""
    collector: str = ""
    detail: str = ""

    @property
    def keeper(self) -> ProcessId:
        """The process that said it."""
        return ProcessId(pid=self.pid, start_ticks=self.start_ticks)


def read_state(folder: Path) -> GridState | None:
    """Return what the grid's keeper last said, as broken or stopped if it lives no more; None if none ever started."""
    try:
        content = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    state = GridState(**{**content, "phase": GridPhase(content["phase"])})
    if alive(state.keeper) or state.phase is GridPhase.STOPPED:
        return state
    detail = state.detail or "its keeper was killed"
    return replace(state, phase=GridPhase.BROKEN, detail=detail)


def write_wish(folder: Path, prefix: Path, settings: Tree) -> None:
    """Write what a keeper of this folder is to start."""
    _write(folder / WISH_FILE, {"prefix": str(prefix), "settings": settings})


def main() -> int:
    """Keep the grid in the folder that the command line names; 0 ended as asked, 1 could not."""
    folder = Path(sys.argv[1])
    with (folder / LOCK_FILE).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"keeper: another one keeps {folder}", file=sys.stderr)  # noqa: T201  its log
            return 1
        return Keeper(folder).run()


class Keeper:
    """One grid, from its start to SIGTERM."""

    def __init__(self, folder: Path) -> None:
        """Listen for signals from now on."""
        self.folder = folder
        ours = identify(os.getpid())
        if ours is None:
            raise LocalError("no /proc on this machine")
        self._state = GridState(phase=GridPhase.STARTING, pid=ours.pid, start_ticks=ours.start_ticks)
        self._told = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def run(self) -> int:
        """Start everything, stay, end everything but the workers; return the exit status."""
        self._say()
        try:
            with ExitStack() as stack:
                daemon = self._start(stack)
                self._stay(daemon)
        except (LocalError, OSError) as error:
            self._say(phase=GridPhase.BROKEN, detail=str(error))
            print(f"keeper: {error}", file=sys.stderr)  # noqa: T201  its log
            return 1
        self._say(phase=GridPhase.STOPPED)
        return 0

    def _start(self, stack: ExitStack) -> DaemonProcess:
        wish: Mapping[str, Any] = json.loads((self.folder / WISH_FILE).read_text(encoding="utf-8"))
        pool = stack.enter_context(Pool(self.folder, Path(wish["prefix"])))
        environment = pool.folder.environment()
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        (self.folder / ENVIRONMENT_FILE).write_text(lines, encoding="utf-8")
        daemon = DaemonProcess(self.folder, environment, merged(pool_settings(pool.folder), wish["settings"]))
        stack.callback(daemon.stop)
        daemon.start()
        self._say(url=daemon.url, collector=pool.address)
        return daemon

    def _stay(self, daemon: DaemonProcess) -> None:
        """Stay until told; a daemon that ends by itself takes nobody's jobs along."""
        while not self._told:
            phase = self._state.phase
            if daemon.pid is None and phase is not GridPhase.BROKEN:
                detail = f"the daemon ended by itself; the end of its log:\n{daemon.log_tail()}"
                self._say(phase=GridPhase.BROKEN, detail=detail)
            elif phase is GridPhase.STARTING and answers(f"{daemon.url}/readyz"):
                self._say(phase=GridPhase.READY)
            time.sleep(LOOK_SECONDS)

    def _say(self, **changes: Any) -> None:  # noqa: ANN401  fields of GridState
        self._state = replace(self._state, **changes)
        _write(self.folder / STATE_FILE, asdict(self._state))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True


def _write(file: Path, content: object) -> None:
    """Write JSON so that a reader sees all of it or the old one; only its owner may read settings."""
    partial = file.with_name(f".{file.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
    partial.rename(file)


if __name__ == "__main__":
    sys.exit(main())
