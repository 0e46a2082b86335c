"""What one server's folder says of it: its record, its status, its last lines; and the end of its processes."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from elastic.local.errors import LocalError
from elastic.local.launcher import LOCK_FILE, STATE_FILE
from elastic.local.processes import teardown

DELETE_SECONDS = 20.0


class Status(StrEnum):
    """What a server is doing, in the words that clouds use."""

    BUILD = "BUILD"
    ACTIVE = "ACTIVE"
    ERROR = "ERROR"
    SHUTOFF = "SHUTOFF"


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was written when the server was accepted; raise FileNotFoundError if it is gone."""
    record: dict[str, Any] = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    return record


def status_of(folder: Path) -> tuple[Status, str]:
    """Return what the launcher's lock and its state file say together, and what is wrong if something is."""
    # The lock first: a launcher that ends in between has written its last state by then.
    running = held(folder)
    state = _state(folder)
    if state is None:
        return Status.BUILD, ""
    if state["phase"] != "ended" and running:
        return (Status.ACTIVE if state["started"] else Status.BUILD), ""
    how = "was killed" if state["status"] is None else f"ended with status {state['status']}"
    if state["started"]:
        return Status.SHUTOFF, f"its processes are gone: the launcher {how}"
    return Status.ERROR, f"it did not boot: the launcher {how}; {' '.join(last_lines(folder, 1))}"


def _state(folder: Path) -> Mapping[str, Any] | None:
    """Return what the launcher last wrote of itself; None if it has not begun."""
    try:
        state: Mapping[str, Any] = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return state


def held(folder: Path) -> bool:
    """Say whether a launcher lives for this folder: it holds the lock for as long."""
    try:
        with (folder / LOCK_FILE).open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def kill(folder: Path) -> None:
    """End every process of one server; return when the kernel has none of them left."""
    deadline = time.monotonic() + DELETE_SECONDS
    teardown(folder, seconds=DELETE_SECONDS)
    while held(folder):
        if time.monotonic() > deadline:
            raise LocalError(f"the launcher of {folder} did not end within {DELETE_SECONDS:.0f} s")
        time.sleep(0.01)
        teardown(folder, seconds=DELETE_SECONDS)


def last_lines(folder: Path, lines: int) -> Sequence[str]:
    """Return the end of what the launcher and the two daemons wrote; the launcher's own words last."""
    found: list[str] = []
    for file in (folder / "log" / "StartLog", folder / "log" / "MasterLog", folder / "console.log"):
        with suppress(FileNotFoundError):
            found += file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return found[-lines:]


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read: user data holds a key."""
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
