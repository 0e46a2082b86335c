"""A folder of servers, each a process tree that runs one worker: what a cloud is to a pool, on one machine.

Everything is on disk, so that servers outlive whoever asked for them and are found again by the next one.
"""

from __future__ import annotations

import fcntl
import json
import random
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from elastic.local.errors import LimitReached, LocalError, NoSuchServer
from elastic.local.folder import Status, held, kill, last_lines, read_record, status_of, write_private
from elastic.local.launcher import STATE_FILE, TOMBSTONE
from elastic.local.sandbox import FOLDER_MARK, HOST_PATH
from elastic.local.userdata import UserData

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
CONSOLE_LINES_KEPT = 200
DELETED_KEPT = 200
# A launcher shows itself within a second; one that did not was lost with whoever accepted its server.
RESTART_SECONDS = 20.0
PACKAGE_PARENT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """One server as its folder shows it now."""

    id: str
    name: str
    status: Status
    cores: int
    created_at: float
    metadata: Mapping[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the folder may hold at once; None = no limit."""

    servers: int | None = None
    cores: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong on purpose: a boot takes this long (drawn by name); every n-th creation fails (0 = none)."""

    boot_delay_seconds: tuple[float, float] = (0.0, 0.0)
    fail_every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFolder:
    """Servers below `root` that run the daemons unpacked in `prefix`; several processes may use it at once."""

    root: Path
    prefix: Path
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)

    def create(self, user_data: UserData, metadata: Mapping[str, str]) -> LocalServer:
        """Return the server named `user_data.name`, started if there is none yet; raise LimitReached if it is too many.

        Killed at any moment, it has either accepted the server, which then starts, or not.
        """
        name = user_data.name
        if not NAME.fullmatch(name):
            raise LocalError(f"server name {name!r}: letters, digits, dot, dash and underscore only")
        with self._locked():
            folder = self._folder(name)
            if not folder.exists():
                self._check_limits(user_data.cpus)
                self._accept(folder, user_data, metadata)
                self._start(folder)
            return self._look(folder)

    def servers(self) -> Sequence[LocalServer]:
        """Return every server, by name. What was accepted or deleted before a crash is started or removed first."""
        found = []
        for folder in self._folders():
            with suppress(FileNotFoundError):
                if (folder / TOMBSTONE).exists():
                    self._finish_deletion(folder)
                    continue
                if not (folder / STATE_FILE).exists() and not held(folder) and _age_seconds(folder) > RESTART_SECONDS:
                    self._start(folder)
                found.append(self._look(folder))
        return found

    def server(self, server_id: str) -> LocalServer:
        """Return one server; raise NoSuchServer if it is deleted or never was."""
        return self._look(self._find(server_id))

    def delete(self, server_id: str) -> None:
        """End exactly this server; return when nothing is left but its last lines. Raise NoSuchServer."""
        folder = self._find(server_id)
        with suppress(FileNotFoundError):
            self._finish_deletion(folder)

    def crash(self, server_id: str) -> None:
        """End a server's processes as a power cut would; it stays listed, as SHUTOFF."""
        kill(self._find(server_id))

    def console(self, server_id: str, lines: int) -> str:
        """Return the last lines that a server wrote, a deleted one included; empty if nothing is known of it."""
        with suppress(NoSuchServer, OSError):
            return "\n".join(last_lines(self._find(server_id), lines))
        with suppress(OSError):
            return "\n".join(self._grave(server_id).read_text(encoding="utf-8").splitlines()[-lines:])
        return ""

    def room(self, cores: int) -> int | None:
        """Return how many more servers of that many cores would be accepted now; None = no limit."""
        present = self.servers()
        left = []
        if self.limits.servers is not None:
            left.append(self.limits.servers - len(present))
        if self.limits.cores is not None:
            left.append((self.limits.cores - sum(server.cores for server in present)) // max(cores, 1))
        return max(0, min(left)) if left else None

    def _accept(self, folder: Path, user_data: UserData, metadata: Mapping[str, str]) -> None:
        """Write a new server's folder, which appears whole or not at all."""
        number = self._count_creation()
        fails = self.faults.fail_every > 0 and number % self.faults.fail_every == 0
        record = {
            "id": str(uuid.uuid4()),
            "name": user_data.name,
            "cores": user_data.cpus,
            "created_at": time.time(),
            "metadata": dict(metadata),
            "fault": f"creation {number} fails on purpose" if fails else "",
        }
        low, high = self.faults.boot_delay_seconds
        delay = random.Random(user_data.name).uniform(low, high)  # noqa: S311  not a secret
        slower = replace(user_data, boot_delay_seconds=user_data.boot_delay_seconds + delay)
        partial = folder.with_name(f".partial-{folder.name}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o755)
        write_private(partial / "user-data.toml", slower.to_toml())
        write_private(partial / "server.json", json.dumps(record))
        partial.rename(folder)

    def _check_limits(self, cores: int) -> None:
        present = self.servers()
        if self.limits.servers is not None and len(present) >= self.limits.servers:
            raise LimitReached(f"servers: {len(present)} of {self.limits.servers} in use")
        used = sum(server.cores for server in present)
        if self.limits.cores is not None and used + cores > self.limits.cores:
            raise LimitReached(f"cores: {used} of {self.limits.cores} in use, {cores} wanted")

    def _count_creation(self) -> int:
        counter, partial = self.root / "created", self.root / ".created.partial"
        number = int(counter.read_text(encoding="ascii") or 0) + 1 if counter.exists() else 1
        partial.write_text(str(number), encoding="ascii")
        # Written in place, the file was empty after a kill in that moment, and every later creation failed on it.
        partial.rename(counter)
        return number

    def _start(self, folder: Path) -> None:
        """Start the launcher, which belongs to nobody from then on; a second one for the same folder ends by itself."""
        record = read_record(folder)
        if record["fault"]:
            return
        launcher = [sys.executable, "-m", "elastic.local.launcher", "--prefix", str(self.prefix), "--node", str(folder)]
        subject = ["--server-id", record["id"], str(folder / "user-data.toml")]
        environment = {"PATH": HOST_PATH, FOLDER_MARK: str(folder), "PYTHONPATH": str(PACKAGE_PARENT)}
        with (folder / "console.log").open("ab") as console:
            subprocess.run(
                ["setsid", "--fork", *launcher, *subject],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                check=True,
            )

    def _look(self, folder: Path) -> LocalServer:
        record = read_record(folder)
        status, fault = (Status.ERROR, record["fault"]) if record["fault"] else status_of(folder)
        return LocalServer(**{**record, "status": status, "fault": fault})

    def _finish_deletion(self, folder: Path) -> None:
        """Kill, keep the last lines, remove; safe to repeat from wherever it was interrupted."""
        record = read_record(folder)
        # Before the kill: a launcher that has just been started looks for it and does not go on.
        (folder / TOMBSTONE).touch()
        kill(folder)
        grave = self._grave(record["id"])
        grave.parent.mkdir(exist_ok=True)
        if not grave.exists():
            grave.write_text("\n".join(last_lines(folder, CONSOLE_LINES_KEPT)), encoding="utf-8")
        self._prune_graves()
        # Out of the list in one step; what is left of a folder half removed has no record any more.
        gone = self.root / f".deleted-{record['id']}"
        with suppress(FileNotFoundError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _prune_graves(self) -> None:
        graves = sorted(self._grave("x").parent.iterdir(), key=lambda grave: (grave.stat().st_mtime, grave.name))
        for grave in graves[:-DELETED_KEPT]:
            grave.unlink(missing_ok=True)

    def _find(self, server_id: str) -> Path:
        for folder in self._folders():
            with suppress(FileNotFoundError):
                if read_record(folder)["id"] == server_id:
                    return folder
        raise NoSuchServer(f"no server {server_id} in {self.root}")

    def _folders(self) -> Sequence[Path]:
        return sorted(
            file.parent for file in self.root.resolve().glob("*/server.json") if not file.parent.name.startswith(".")
        )

    def _folder(self, name: str) -> Path:
        return self.root.resolve() / name

    def _grave(self, server_id: str) -> Path:
        return self.root / ".graves" / f"{server_id}.log"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _age_seconds(folder: Path) -> float:
    return time.time() - (folder / "server.json").stat().st_mtime
