"""A central manager with its schedd, as real daemons on loopback: start it and stop it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from elastic.local import config, tokens
from elastic.local.daemons import Daemons
from elastic.local.errors import LocalError
from elastic.local.loopback import free_port, is_free
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import teardown
from elastic.local.sandbox import JOB_USER, USERS, Sandbox, require

START_SECONDS = 60.0
START_ATTEMPTS = 3


class Pool:
    """One central manager below `root`; leaving it as a context manager ends every process of it, and no server.

    It also ends with the process that started it. `folder` has the paths and the environment for its users, `daemons`
    what a test needs to disturb it.
    """

    def __init__(
        self,
        root: Path,
        prefix: Path,
        *,
        extra_config: Mapping[str, str] | None = None,
        extra_schedds: Sequence[str] = (),
    ) -> None:
        """Prepare a pool; nothing is written or started before `start`."""
        self.folder = PoolFolder(root.resolve())
        self.prefix = prefix.resolve()
        self.port = 0
        self.daemons = Daemons(self.folder.central, self.tool, extra_schedds)
        self._extra_config = dict(extra_config or {})
        self._extra_schedds = tuple(extra_schedds)
        self._how = require()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Where the collector listens, host:port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the daemons, return once the schedds are in the collector; else raise LocalError with the logs' end.

        What an earlier, killed central manager left running here is ended first. Started again, it keeps its port.
        """
        teardown(self.folder.central)
        self._make_folders()
        keeps_port = self.port != 0
        for _ in range(START_ATTEMPTS):
            self.port = self.port if keeps_port else free_port()
            self._write_config()
            self._spawn()
            if self._becomes_ready():
                self.folder.describe(self.address, self.prefix)
                return
            self.stop()
            # Somebody may have been quicker to take the port; nothing else would be better the next time.
            if keeps_port or is_free(self.port):
                break
        raise LocalError(f"the central manager did not start; end of its logs:\n{self.log_tail()}")

    def stop(self) -> None:
        """End every process of the central manager at once; safe to repeat."""
        teardown(self.folder.central)
        process, self._process = self._process, None
        if process is not None:
            process.wait()

    def tool(self, *command: str, timeout_seconds: float = 60.0) -> str:
        """Run a condor command line tool as the pool's own administrator and return what it printed."""
        sandbox = self._sandbox(f"tool-{threading.get_ident()}")
        sandbox.write_accounts()
        done = subprocess.run(
            sandbox.command(*command),
            env=sandbox.host_environment(),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-1000:]
            raise LocalError(f"{' '.join(command)} failed ({done.returncode}): {said}")
        return done.stdout

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of each daemon's log."""
        tails = []
        for log in sorted((self.folder.central / "log").glob("*Log*")):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            tails.append("\n".join([f"--- {log.name}", *last]))
        return "\n".join(tails)

    def _make_folders(self) -> None:
        for folder in (self.folder.token_folder, self.folder.work):
            folder.mkdir(parents=True, exist_ok=True)
        self.folder.token_folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.folder.work, USERS[JOB_USER], USERS[JOB_USER])
        config.make_folders(self.folder.central, more=[f"spool-{name}" for name in self._extra_schedds])
        if not self.folder.key_file.exists():
            config.write_secret(self.folder.key_file, tokens.new_signing_key())
        config.write_secret(self.folder.token_folder / "pool", self.folder.token(config.CLIENT_USER).encode())

    def _write_config(self) -> None:
        settings = config.central_settings(self.folder.central, port=self.port, extra_schedds=self._extra_schedds)
        text = config.render(settings, self._extra_config)
        (self.folder.central / "condor_config").write_text(text, encoding="utf-8")

    def _sandbox(self, name: str) -> Sandbox:
        return Sandbox(
            prefix=self.prefix,
            mount_point=self.folder.central / "roots" / name,
            folders=(self.folder.central, self.folder.work),
            mark=self.folder.central,
            environment={"CONDOR_CONFIG": str(self.folder.central / "condor_config")},
            how=self._how,
        )

    def _spawn(self) -> None:
        """Start the master from a thread that lives as long as it does: it dies with the thread that started it."""
        sandbox = self._sandbox("daemons")
        sandbox.write_accounts()
        started = threading.Event()

        def keep() -> None:
            with (self.folder.central / "console.log").open("ab") as console:
                process = self._process = subprocess.Popen(
                    sandbox.command("condor_master", "-f"),
                    env=sandbox.host_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    start_new_session=True,
                )
            started.set()
            process.wait()

        threading.Thread(target=keep, name="condor-central-manager", daemon=True).start()
        started.wait()

    def _becomes_ready(self) -> bool:
        """Wait until the collector answers with every schedd's ad; say whether it did."""
        schedds = 1 + len(self._extra_schedds)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            with suppress(LocalError, subprocess.TimeoutExpired):
                if len(self.tool("condor_status", "-schedd", "-af", "Name", timeout_seconds=10).split()) >= schedds:
                    return True
            time.sleep(0.1)
        return False
