"""Grids in the background of this machine, each in a folder of its own: made, listed and removed by one call each."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.local.daemon import PACKAGE_PARENT, Tree
from elastic.local.errors import LocalError
from elastic.local.keeper import LOG_FILE, WISH_FILE, GridPhase, GridState, read_state, write_wish
from elastic.local.pool import Pool
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import ProcessId, alive, marked, send, teardown
from elastic.local.runtime import runtime_home
from elastic.local.sandbox import FOLDER_MARK

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
UP_SECONDS = 120.0
DOWN_SECONDS = 60.0
LOOK_SECONDS = 0.05
TOOL_SECONDS = 20.0


class JobsInQueue(LocalError):
    """A grid with unfinished jobs is not removed unless that is forced; the text says how many."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One grid below `folder`, which may not exist (yet, or any more)."""

    folder: Path

    @property
    def name(self) -> str:
        """What its users call it."""
        return self.folder.name

    @property
    def exists(self) -> bool:
        """Whether anything of it is left, files or processes."""
        return (self.folder / WISH_FILE).exists() or bool(marked(self.folder))

    def state(self) -> GridState | None:
        """What its keeper says; None if none has ever started."""
        return read_state(self.folder)

    def up(self, prefix: Path, settings: Tree) -> GridState:
        """Start a central manager and a daemon that outlive this process; return once both are ready.

        A grid that is ready stays as it is. Raise LocalError if it does not become ready; `down` removes the rest.
        """
        known = self.state()
        if known is not None and known.phase is GridPhase.READY:
            return known
        if self.exists:
            raise LocalError(f"part of a grid {self.name} is there already; `elastic grid down {self.name}` removes it")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_wish(self.folder, prefix, settings)
        self._spawn()
        return self._becomes_ready()

    def unfinished_jobs(self) -> int:
        """Return how many jobs its schedd holds; 0 without a central manager, whose jobs nobody can run any more."""
        state = self.state()
        if state is None or not alive(state.keeper) or not state.collector:
            return 0
        pool = Pool(self.folder, PoolFolder(self.folder).prefix())
        try:
            listed = pool.tool("condor_q", "-allusers", "-af", "ClusterId", timeout_seconds=TOOL_SECONDS)
        except (LocalError, subprocess.TimeoutExpired) as error:
            raise JobsInQueue(f"the schedd of grid {self.name} does not say whether it has jobs: {error}") from error
        return len(listed.split())

    def down(self, *, force: bool = False) -> int:
        """End and remove everything of it, files too; return how many processes had to be ended. Safe to repeat.

        Raise JobsInQueue, and change nothing, while its queue has jobs, unless that is forced.
        """
        if not force and (jobs := self.unfinished_jobs()):
            raise JobsInQueue(f"{jobs} jobs of grid {self.name} have not ended")
        count = len(marked(self.folder))
        state = self.state()
        if state is not None and alive(state.keeper):
            _end(state.keeper)
        # Workers, and whatever a killed keeper left behind.
        teardown(self.folder, seconds=DOWN_SECONDS)
        if mounts := _mounts_below(self.folder):
            raise LocalError(f"still mounted: {', '.join(mounts)}; unmount by hand, then repeat")
        self._remove()
        return count

    def _becomes_ready(self) -> GridState:
        deadline = time.monotonic() + UP_SECONDS
        while True:
            state = self.state()
            if state is not None and state.phase is GridPhase.READY:
                return state
            if state is None and not marked(self.folder):
                raise LocalError(f"grid {self.name} did not start; see {self.folder / LOG_FILE}")
            if state is not None and state.phase is not GridPhase.STARTING:
                raise LocalError(f"grid {self.name} is {state.phase}: {state.detail or 'somebody stopped it'}")
            if time.monotonic() > deadline:
                raise LocalError(f"grid {self.name} not ready in {UP_SECONDS:.0f} s; see {self.folder / LOG_FILE}")
            time.sleep(LOOK_SECONDS)

    def _spawn(self) -> None:
        environment = {**os.environ, FOLDER_MARK: str(self.folder.resolve() / "keeper")}
        command = [sys.executable, "-m", "elastic.local.keeper", str(self.folder.resolve())]
        with (self.folder / LOG_FILE).open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", *command],
                cwd=PACKAGE_PARENT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _remove(self) -> None:
        """Remove the folder, its mark last, so that an interrupted removal is found and repeated."""
        if not (self.folder / WISH_FILE).exists():
            return
        for entry in sorted(self.folder.iterdir(), key=lambda entry: (entry.name == WISH_FILE, entry.name)):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.folder.rmdir()


def grids_home() -> Path:
    """Return where grids live unless somebody names another folder: beside the unpacked daemons."""
    return runtime_home().parent / "grids"


def grid(name: str, home: Path | None = None) -> Grid:
    """Return the grid of this name; raise LocalError for a name that is none."""
    if not NAME.fullmatch(name):
        raise LocalError(f"grid name {name!r}: small letters, digits and dashes only, at most 39")
    return Grid((home or grids_home()).resolve() / name)


def grids(home: Path | None = None) -> Sequence[Grid]:
    """Return every grid of which something is left, by name."""
    folder = (home or grids_home()).resolve()
    found = [Grid(entry) for entry in sorted(folder.iterdir())] if folder.is_dir() else []
    return [each for each in found if each.exists]


def _end(keeper: ProcessId) -> None:
    """Ask a keeper to end what it keeps, and wait; one that does not is left to `teardown`."""
    send(keeper, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while alive(keeper) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


def _mounts_below(folder: Path) -> Sequence[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return [point for point in points if point.startswith(f"{folder.resolve()}/")]
