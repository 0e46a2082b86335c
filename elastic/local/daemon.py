"""The daemon as a process beside a one-machine pool: its settings, its start, its end; asked over HTTP only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elastic.local.errors import LocalError
from elastic.local.loopback import free_port
from elastic.local.poolfolder import PoolFolder
from elastic.local.sandbox import FOLDER_MARK

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
ASK_SECONDS = 5.0
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

Tree = Mapping[str, object]
"""Settings as TOML has them: tables are mappings, arrays are sequences."""


def pool_settings(pool: PoolFolder) -> Tree:
    """Return what the settings of a daemon for this pool must say; groups are left to the caller.

    Updates come every 5 s from the workers of a one-machine pool, so that a collector is known after three of them.
    """
    return {
        "pool": "local",
        "mode": "act",
        "folder": str(pool.root / "daemon"),
        "tick_seconds": 5.0,
        "tick_jitter_seconds": 0,
        "htcondor": {
            "collector": pool.address(),
            "token_folder": str(pool.token_folder),
            "machine_update_seconds": 15.0,
        },
        "cloud": {"kind": "local", "options": {"root": str(pool.root)}},
    }


def merged(tree: Tree, over: Tree) -> Tree:
    """Return one tree of both; `over` wins, tables are merged, arrays replaced."""
    result = dict(tree)
    for name, value in over.items():
        known = result.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        result[name] = merged(known, value) if both else value  # type: ignore[arg-type]  # mypy does not see `both`
    return result


def to_toml(tree: Tree) -> str:
    """Return the tree as a TOML file, its tables inline: a program writes it for a program."""
    return "".join(f"{json.dumps(name)} = {_toml(value)}\n" for name, value in tree.items())


@dataclass(slots=True)
class DaemonProcess:
    """`elastic run` with `settings` in `root/elastic.toml`; its log is `root/daemon.log`."""

    root: Path
    environment: Mapping[str, str]
    settings: Tree
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where its interface is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings_file(self) -> Path:
        """What `--config` of the commands needs."""
        return self.root / "elastic.toml"

    @property
    def log(self) -> Path:
        """What it wrote on its standard error."""
        return self.root / "daemon.log"

    @property
    def token_file(self) -> Path:
        """The token for writes."""
        return self.root / "daemon" / "api.token"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        if self.pid is not None:
            raise LocalError(f"the daemon of {self.root} runs already")
        settings = merged(self.settings, {"api": {"port": self.port}})
        self.settings_file.write_text(to_toml(settings), encoding="utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "elastic", "run", "--config", str(self.settings_file)],
                cwd=PACKAGE_PARENT,
                env=self._whole_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when it has seen the whole world once; raise LocalError with the end of its log."""
        deadline = time.monotonic() + seconds
        while not answers(f"{self.url}/readyz"):
            if self.pid is None or time.monotonic() > deadline:
                how = "ended" if self.pid is None else f"is not ready after {seconds:.0f} s"
                raise LocalError(f"the daemon {how}; the end of {self.log}:\n{self.log_tail()}")
            time.sleep(0.1)

    def stop(self) -> int | None:
        """End it as systemd would and return its exit status; None if it did not run. One that hangs is killed."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int | None:
        """End it as a power cut would."""
        return self._end(signal.SIGKILL)

    def log_tail(self, lines: int = 20) -> str:
        """Return the end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _whole_environment(self) -> dict[str, str]:
        """Return ours without what was meant for other daemons, with the mark by which `teardown` finds this one."""
        ours = {name: text for name, text in os.environ.items() if not name.startswith(("ELASTIC_", "_CONDOR_"))}
        return {**ours, **self.environment, FOLDER_MARK: str(self.root.resolve() / "daemon")}


def answers(url: str) -> bool:
    """Say whether this address on this machine answers with success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ASK_SECONDS) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004  OK
    except (urllib.error.URLError, OSError):
        return False


def _toml(value: object) -> str:
    match value:
        case bool() | int() | float() | str():
            return json.dumps(value)
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return json.dumps(str(value))
