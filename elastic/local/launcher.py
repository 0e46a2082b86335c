"""Start one worker (condor_master and condor_startd) from a file of user data and stay until it ends.

    python -m elastic.local.launcher --prefix PREFIX --node FOLDER --server-id ID USER_DATA

SIGTERM switches the worker off gracefully; SIGKILL ends its whole namespace at once, as the deletion of a server would.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import IO

from elastic.local import boot, config, tokens
from elastic.local.errors import LocalError
from elastic.local.processes import ProcessId, children, name_of, send
from elastic.local.sandbox import Sandbox, require
from elastic.local.userdata import UserData, parse

LOCK_FILE = "launcher.lock"
STATE_FILE = "launcher.json"
TOMBSTONE = "deleted"
CREDENTIALS = "credentials.json"
RENEWAL = "renew.json"
POLL_SECONDS = 0.05
IDLE_SECONDS = 0.5
RENEW_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker in the foreground; return its master's exit status, or 2 if it could not be started."""
    parser = argparse.ArgumentParser(prog="elastic.local.launcher", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prefix", type=Path, required=True, help="folder with the unpacked HTCondor daemons")
    parser.add_argument("--node", type=Path, required=True, help="existing folder for everything this worker writes")
    parser.add_argument(
        "--server-id",
        required=True,
        help=f"what the cloud calls this server; becomes {config.SERVER_ATTRIBUTE} in its ads",
    )
    parser.add_argument("user_data", type=Path, help="TOML file that describes the worker")
    chosen = parser.parse_args(arguments)
    try:
        launch = Launch(chosen.node.resolve(), chosen.prefix.resolve(), chosen.server_id)
    except (LocalError, OSError) as error:
        print(f"launcher: {error}", file=sys.stderr)  # noqa: T201  its console
        return 2
    return launch.run(chosen.user_data)


class Launch:
    """One worker's way from user data to its end, recorded in the node's folder for whoever looks later."""

    def __init__(self, node: Path, prefix: Path, server_id: str) -> None:
        """Take the node's lock for as long as this process lives; raise LocalError if another one holds it."""
        self.node, self.prefix, self.server_id = node, prefix, server_id
        self._lock = _take_lock(node)
        self._stopping = self._started = False
        signal.signal(signal.SIGTERM, self._stop)

    def run(self, user_data: Path) -> int:
        """Boot, run and end; the phases `booting`, `running`, `ended` go to the state file. Return the exit status."""
        self._record("booting")
        try:
            status = self._run(parse(user_data.read_text(encoding="utf-8")).of(self.server_id))
        except (LocalError, OSError) as error:
            print(f"launcher: {error}", file=sys.stderr)  # noqa: T201  its console
            status = 2
        self._record("ended", status)
        return status

    def _run(self, wanted: UserData) -> int:
        sandbox = Sandbox(
            prefix=self.prefix,
            mount_point=self.node / "root",
            folders=(self.node,),
            mark=self.node,
            environment={"CONDOR_CONFIG": str(self.node / "condor_config")},
            how=require(),
        )
        self._sleep(wanted.boot_delay_seconds)
        if self._stopping:
            return 0
        self._configure(wanted)
        sandbox.write_accounts()
        if wanted.renew_url:
            threading.Thread(target=self._renew, args=(wanted,), daemon=True).start()
        command = sandbox.command("condor_master", "-f")
        with subprocess.Popen(command, env=sandbox.host_environment(), stdin=subprocess.DEVNULL) as process:
            self._watch(process)
        return process.returncode

    def _configure(self, wanted: UserData) -> None:
        """Write the worker's configuration, key and tokens."""
        config.make_folders(self.node)
        wanted = self._enrolled(wanted)
        config.write_secret(self.node / "passwords.d" / wanted.signing_key_id, wanted.signing_key)
        token = self.node / "tokens.d" / "pool"
        # After a reboot a fresher one may be there.
        if not (wanted.renew_url and token.exists()):
            config.write_secret(token, wanted.token.encode())
        # Its own daemons trust each other by its own key; the collector would not believe this token.
        own = tokens.mint(
            wanted.signing_key,
            key_id=wanted.signing_key_id,
            domain=config.DOMAIN,
            subject=config.WORKER_USER,
            issued_at=time.time(),
        )
        config.write_secret(self.node / "tokens.d" / "own", own.encode())
        settings = config.worker_settings(self.node, wanted, self.server_id)
        (self.node / "condor_config").write_text(config.render(settings, wanted.config), encoding="utf-8")
        # Left over from before a reboot, it would make the new master look started.
        self._address_file().unlink(missing_ok=True)

    def _enrolled(self, wanted: UserData) -> UserData:
        """The worker with credentials of its own: those it was given, fetched before, or fetched now."""
        if not wanted.enrol_url:
            return wanted
        kept = self.node / CREDENTIALS
        if not kept.exists():
            wish = {"url": wanted.enrol_url, "group": wanted.enrol_group, "secret": wanted.enrol_secret}
            try:
                found = boot.enrolled({**wish, "ca": wanted.enrol_ca, "server_id": self.server_id})
            except boot.Refused as error:
                raise LocalError(f"not enrolled: {error}") from error
            config.write_secret(kept, json.dumps(found).encode())
        own = json.loads(kept.read_text(encoding="utf-8"))
        key = base64.b64decode(own["signing_key"])
        return replace(wanted, token=own["token"], signing_key=key, signing_key_id=own["signing_key_id"])

    def _renew(self, wanted: UserData) -> None:
        """Do what a timer does on a real server: see to a fresh token at half the life of the one that is there."""
        wish = self.node / RENEWAL
        config.write_secret(wish, json.dumps({"url": wanted.renew_url, "ca": wanted.enrol_ca}).encode())
        while not self._stopping:
            boot.renew(str(wish), str(self.node))
            time.sleep(RENEW_SECONDS)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Stay until the namespace has ended; note when its master can be talked to, and pass on the wish to stop."""
        told = False
        while process.poll() is None:
            if not self._started and self._address_file().exists():
                self._started = True
                self._record("running")
            if self._stopping and not told and (master := _master_below(process.pid)):
                told = True
                send(master, signal.SIGTERM)
            # Once it runs there is nothing to look for but its end or a signal; a thousand pollers would be a load.
            time.sleep(IDLE_SECONDS if self._started else POLL_SECONDS)

    def _address_file(self) -> Path:
        return self.node / "log" / ".master_address"

    def _record(self, phase: str, status: int | None = None) -> None:
        """Write the state file anew: phase, whether the master ever ran, the exit status."""
        partial = self.node / f".{STATE_FILE}.partial"
        partial.write_text(json.dumps({"phase": phase, "started": self._started, "status": status}), encoding="utf-8")
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


def _master_below(parent: int) -> ProcessId | None:
    """Return condor_master somewhere below the process that made the namespace."""
    level = children(parent)
    while level:
        for process in level:
            if name_of(process) == "condor_master":
                return process
        level = [child for process in level for child in children(process.pid)]
    return None


if __name__ == "__main__":
    sys.exit(main())
