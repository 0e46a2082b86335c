"""Start one worker (condor_master and condor_startd) from a file of user data and stay until it ends.

    python -m elastic.local.launcher --prefix PREFIX --node FOLDER --server-id ID USER_DATA

SIGTERM switches the worker off gracefully; SIGKILL ends its whole namespace at once, as the deletion of a server would.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from elastic.local import config, tokens
from elastic.local.errors import LocalError
from elastic.local.processes import ProcessId, children, identify, name_of, send
from elastic.local.sandbox import FOLDER_MARK, Sandbox, require
from elastic.local.userdata import UserData, parse

SERVER_ATTRIBUTE = "ElasticServerId"
LOCK_FILE = "launcher.lock"
STATE_FILE = "launcher.json"
TOMBSTONE = "deleted"
POLL_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker in the foreground; return its master's exit status, or 2 if it could not be started."""
    parser = argparse.ArgumentParser(prog="elastic.local.launcher", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prefix", type=Path, required=True, help="folder with the unpacked HTCondor daemons")
    parser.add_argument("--node", type=Path, required=True, help="existing folder for everything this worker writes")
    parser.add_argument("--server-id", required=True, help=f"what the cloud calls this server; becomes {SERVER_ATTRIBUTE} in its ads")
    parser.add_argument("--mark", type=Path, help="folder that its processes are to be found by later (default: the node's)")
    parser.add_argument("user_data", type=Path, help="TOML file that describes the worker")
    chosen = parser.parse_args(arguments)
    try:
        launch = Launch(chosen.node.resolve(), chosen.prefix.resolve(), chosen.server_id, chosen.mark)
        return launch.run(parse(chosen.user_data.read_text(encoding="utf-8")))
    except (LocalError, OSError) as error:
        print(f"launcher: {error}", file=sys.stderr)  # noqa: T201  its console
        return 2


class Launch:
    """One worker's way from user data to its end, recorded in the node's folder for whoever looks later."""

    def __init__(self, node: Path, prefix: Path, server_id: str, mark: Path | None) -> None:
        """Take the node's lock, which is held as long as this process lives; raise LocalError if another one holds it."""
        self.node, self.server_id = node, server_id
        self._lock = _take_lock(node)
        self._stopping = False
        self._master: ProcessId | None = None
        self.sandbox = Sandbox(
            prefix=prefix,
            mount_point=node / "root",
            folders=(node,),
            mark=(mark or Path(os.environ.get(FOLDER_MARK, node))).resolve(),
            environment={"CONDOR_CONFIG": str(node / "condor_config")},
            how=require(),
        )
        signal.signal(signal.SIGTERM, self._stop)

    def run(self, wanted: UserData) -> int:
        """Boot, run and end; the phases `booting`, `started`, `ended` go to the state file."""
        self._record("booting")
        self._sleep(wanted.boot_delay_seconds)
        if self._stopping:
            return self._ended(0)
        self._configure(wanted)
        with subprocess.Popen(
            self.sandbox.command("condor_master", "-f"), env=self.sandbox.host_environment(), stdin=subprocess.DEVNULL
        ) as process:
            self._watch(process)
        return self._ended(process.returncode)

    def _configure(self, wanted: UserData) -> None:
        """Write the worker's configuration, key and tokens."""
        config.make_folders(self.node)
        config.write_secret(self.node / "passwords.d" / wanted.signing_key_id, wanted.signing_key)
        config.write_secret(self.node / "tokens.d" / "pool", wanted.token.encode())
        # Its own daemons trust each other by its own key; the collector would not believe this token.
        own = tokens.mint(
            wanted.signing_key, key_id=wanted.signing_key_id, domain=config.DOMAIN, subject=config.WORKER_USER, issued_at=time.time()
        )
        config.write_secret(self.node / "tokens.d" / "own", own.encode())
        settings = config.worker_settings(
            self.node, collector=wanted.collector, name=wanted.name, cpus=wanted.cpus, memory_mb=wanted.memory_mb,
            disk_mb=wanted.disk_mb, gpus=wanted.gpus, attributes={SERVER_ATTRIBUTE: self.server_id, **wanted.attributes},
        )  # fmt: skip
        (self.node / "condor_config").write_text(config.render(settings, wanted.config), encoding="utf-8")
        self.sandbox.write_accounts()
        # Left over from before a reboot, it would make the new master look started.
        self._address_file().unlink(missing_ok=True)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Stay until the namespace has ended; note its first process, and when its master can be talked to."""
        first: ProcessId | None = None
        reported = told = False
        while process.poll() is None:
            if first is None and (found := children(process.pid)):
                first = found[0]
                self._record("booting", first)
            if not reported and first and self._address_file().exists():
                reported = True
                self._record("started", first)
            if self._stopping and first and not told and (master := _master_below(first)):
                told = True
                send(master, signal.SIGTERM)
            # Once it runs there is nothing to look for but its end or a signal, which ends the sleep.
            if reported and not self._stopping:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1.0)
            else:
                time.sleep(POLL_SECONDS)

    def _address_file(self) -> Path:
        return self.node / "log" / ".master_address"

    def _ended(self, status: int) -> int:
        self._record("ended", status=status)
        return status

    def _record(self, phase: str, first: ProcessId | None = None, status: int | None = None) -> None:
        """Write the state file anew: phase, this process, the first process of the namespace, the exit status."""
        this = identify(os.getpid())
        state = {
            "phase": phase,
            "launcher": this.to_json() if this else None,
            "first": first.to_json() if first else None,
            "status": status,
        }
        partial = self.node / f".{STATE_FILE}.partial"
        partial.write_text(json.dumps(state), encoding="utf-8")
        partial.rename(self.node / STATE_FILE)

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < deadline:
            time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _take_lock(node: Path) -> IO[bytes]:
    """Lock the node's folder; raise LocalError if it is deleted or another launcher has it."""
    handle = (node / LOCK_FILE).open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise LocalError(f"another launcher runs the worker in {node}") from error
    # Only after the lock: whoever deletes writes the tombstone first and looks at the lock then.
    if (node / TOMBSTONE).exists():
        handle.close()
        raise LocalError(f"the server in {node} was deleted before it started")
    return handle


def _master_below(first: ProcessId) -> ProcessId | None:
    """Return condor_master below the first process of its namespace; bubblewrap puts one process more between."""
    level = [first]
    while level:
        for process in level:
            if name_of(process) == "condor_master":
                return process
        level = [child for process in level for child in children(process.pid)]
    return None


if __name__ == "__main__":
    sys.exit(main())
