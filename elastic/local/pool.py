"""A central manager with its schedd, as real daemons on loopback: start it, disturb it, stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from elastic.local import config, tokens
from elastic.local.errors import LocalError
from elastic.local.loopback import free_port
from elastic.local.sandbox import JOB_USER, USERS, Sandbox, require

START_SECONDS = 60.0
STOP_SECONDS = 15.0


class Pool:
    """One central manager below `root`; a context manager that has ended every process of it when it is left.

    Folders: `central` (configuration, logs, keys), `tokens` (what the bindings may use), `work` (for jobs' files, the
    same path inside and outside).
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
        self.root = root.resolve()
        self.prefix = prefix.resolve()
        self.folder = self.root / "central"
        self.token_folder = self.root / "tokens"
        self.work = self.root / "work"
        self.port = 0
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
        """Start the daemons, return once the schedd is in the collector; else raise LocalError with the logs' end."""
        self._make_folders()
        for _ in range(5):
            self.port = free_port()
            self._write_config()
            self._spawn()
            if self._await_ready():
                return
            self.stop()
        raise LocalError(f"the central manager did not start; end of its logs:\n{self.log_tail()}")

    def stop(self) -> None:
        """End every process of the central manager; safe to repeat."""
        process, self._process = self._process, None
        if process is None:
            return
        tree = self._tree(process)
        process.kill()
        process.wait(STOP_SECONDS)
        # The kernel ends the rest of the namespace on its own, a moment later.
        _, alive = psutil.wait_procs(tree, STOP_SECONDS)
        if alive:
            raise LocalError(f"{len(alive)} processes of the central manager would not end")

    def environment(self) -> Mapping[str, str]:
        """Return what a process that uses the bindings needs in its environment before it imports them."""
        return {
            "CONDOR_CONFIG": "ONLY_ENV",
            "_CONDOR_COLLECTOR_HOST": self.address,
            "_CONDOR_SEC_TOKEN_DIRECTORY": str(self.token_folder),
            "_CONDOR_SEC_CLIENT_AUTHENTICATION": "REQUIRED",
            "_CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "_CONDOR_SEC_CLIENT_ENCRYPTION": "REQUIRED",
            "_CONDOR_SEC_CLIENT_INTEGRITY": "REQUIRED",
            "_CONDOR_NETWORK_INTERFACE": "127.0.0.1",
            "_CONDOR_NO_DNS": "True",
            "_CONDOR_DEFAULT_DOMAIN_NAME": config.DOMAIN,
            "_CONDOR_UID_DOMAIN": config.DOMAIN,
        }

    def token(
        self,
        subject: str,
        *,
        scopes: Sequence[str] = (),
        expires_in_seconds: float | None = None,
        key_id: str = tokens.POOL_KEY_ID,
    ) -> str:
        """Return a token signed by a key of this pool, e.g. for another user of it or a worker."""
        now = time.time()
        expiry = None if expires_in_seconds is None else now + expires_in_seconds
        key = (self.folder / "passwords.d" / key_id).read_bytes()
        return tokens.mint(
            key, key_id=key_id, domain=config.DOMAIN, subject=subject, issued_at=now, expires_at=expiry, scopes=scopes
        )

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
            raise LocalError(
                f"{' '.join(command)} failed ({done.returncode}): {(done.stdout + done.stderr).strip()[-1000:]}"
            )
        return done.stdout

    def daemon(self, name: str) -> psutil.Process:
        """Return the running daemon `name` (collector, negotiator, schedd, master or an extra schedd's name)."""
        wanted, argument = ("schedd", name) if name in self._extra_schedds else (name, "")
        for process in self._tree(self._process) if self._process else ():
            with suppress(psutil.NoSuchProcess):
                line = process.cmdline()
                local = line[line.index("-local-name") + 1] if "-local-name" in line else ""
                if (
                    process.name() == f"condor_{wanted}"
                    and local == argument
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    return process
        raise LocalError(f"no condor_{name} is running in {self.root}")

    def restart(self, name: str) -> None:
        """Kill a daemon and return once its master has started another in its place."""
        old = self.daemon(name)
        old.kill()
        _until(lambda: self._pid(name) not in {None, old.pid}, f"condor_{name} was not started again")

    def switch_off(self, name: str) -> None:
        """Stop a daemon until `switch_on`; return once its process is gone."""
        self.tool("condor_off", "-fast", "-daemon", name)
        _until(lambda: self._pid(name) is None, f"condor_{name} was not stopped")

    def switch_on(self, name: str) -> None:
        """Start a daemon that was switched off; return once its process is there."""
        self.tool("condor_on", "-daemon", name)
        _until(lambda: self._pid(name) is not None, f"condor_{name} was not started")

    def freeze(self, name: str) -> None:
        """Make a daemon hang: connections to it are accepted by the kernel and never answered."""
        self.daemon(name).send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen daemon go on."""
        self.daemon(name).send_signal(signal.SIGCONT)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of each daemon's log."""
        tails = []
        for log in sorted((self.folder / "log").glob("*Log*")):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            tails.append("\n".join([f"--- {log.name}", *last]))
        return "\n".join(tails)

    def _make_folders(self) -> None:
        for folder in (self.root, self.folder, self.token_folder, self.work):
            folder.mkdir(parents=True, exist_ok=True)
        self.token_folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.work, USERS[JOB_USER], USERS[JOB_USER])
        config.make_folders(self.folder, more=[f"spool-{name}" for name in self._extra_schedds])
        key = self.folder / "passwords.d" / tokens.POOL_KEY_ID
        if not key.exists():
            config.write_secret(key, tokens.new_signing_key())
        config.write_secret(self.token_folder / "pool", self.token(config.CLIENT_USER).encode())

    def _write_config(self) -> None:
        settings = config.central_settings(self.folder, port=self.port, extra_schedds=self._extra_schedds)
        (self.folder / "condor_config").write_text(config.render(settings, self._extra_config), encoding="utf-8")

    def _sandbox(self, mount_point: str) -> Sandbox:
        return Sandbox(
            prefix=self.prefix,
            mount_point=self.folder / "roots" / mount_point,
            folders=(self.folder, self.work),
            mark=self.root,
            environment={"CONDOR_CONFIG": str(self.folder / "condor_config")},
            how=self._how,
        )

    def _spawn(self) -> None:
        """Start the master from a thread that lives as long as it does: it dies with the thread that started it."""
        sandbox = self._sandbox("daemons")
        sandbox.write_accounts()
        started = threading.Event()

        def keep() -> None:
            with (self.folder / "console.log").open("ab") as console:
                self._process = subprocess.Popen(
                    sandbox.command("condor_master", "-f"),
                    env=sandbox.host_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    start_new_session=True,
                )
            process = self._process
            started.set()
            process.wait()

        threading.Thread(target=keep, name="condor-central-manager", daemon=True).start()
        started.wait()

    def _await_ready(self) -> bool:
        """Wait until the collector answers with every schedd's ad."""
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

    @staticmethod
    def _tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(process.pid).children(recursive=True)
        return []

    def _pid(self, name: str) -> int | None:
        try:
            return int(self.daemon(name).pid)
        except LocalError:
            return None


def _until(met: Callable[[], bool], complaint: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise LocalError(f"{complaint} within {seconds:.0f} s")
        time.sleep(0.05)
