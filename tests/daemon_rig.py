"""A daemon for tests: settings in a folder, the real process on the simulated world, its log line by line."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Self, TypeVar

import httpx

from elastic.cli.app import app

T = TypeVar("T")

COMMAND = (sys.executable, "-c", "from elastic.cli import main; main()")

SETTINGS = """\
pool = "try"
folder = "{folder}"
mode = "act"
tick_seconds = 5
tick_jitter_seconds = 0

[[groups]]
name = "small"
maximum = 5

[htcondor]
machine_update_seconds = 1

[cloud]
kind = "simulated"

[api]
port = 0
token = "a token for tests"

[logging]
format = "json"
"""
TOKEN = "a token for tests"
PATIENCE = 4
"""How much longer than by itself anything may take beside many other tests."""


def write_settings(folder: Path, *changes: tuple[str, str]) -> Path:
    """A settings file below `folder`, with these pieces of its text replaced."""
    path = folder / "elastic.toml"
    path.write_text(SETTINGS.format(folder=folder / "state"), encoding="utf-8")
    return change(path, *changes)


def change(path: Path, *changes: tuple[str, str]) -> Path:
    """Replace pieces of a settings file's text."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{old} is not in the settings"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def environment(**more: str) -> Mapping[str, str]:
    """This process's environment without anything that would be a setting."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ELASTIC_")}
    return {**clean, "COLUMNS": "200", **more}


def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def here(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As `run`, in this process: a tenth of the time, for commands that only ask a daemon."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(list(map(str, arguments)), prog_name="elastic")
        except SystemExit as ended:
            code = ended.code
    return subprocess.CompletedProcess(
        arguments, int(code) if isinstance(code, int) else 1, out.getvalue(), err.getvalue()
    )


class DaemonProcess:
    """`elastic run` as a process of its own; ended when the context is left."""

    def __init__(self, settings: Path, *, code: str = COMMAND[-1], **more: str) -> None:
        self.lines: list[dict[str, object]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, "run", "--config", str(settings)],
            env=environment(**more),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    @property
    def url(self) -> str:
        """Where it serves."""
        return str(self.logged("started")["api"])

    def logged(self, event: str, *, after: int = 0, seconds: float = 30.0) -> Mapping[str, object]:
        """The first log line of this event from position `after` on, once it is there."""

        def found() -> Mapping[str, object] | None:
            return next((line for line in self.lines[after:] if line.get("event") == event), None)

        return eventually(found, f"no log line {event!r} in {self.lines}", seconds)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def ended(self, seconds: float) -> int:
        """Its exit status, once it has ended and all its lines are read; TimeoutExpired if it has not.

        `seconds` are those of a machine that nobody else uses.
        """
        status = self._process.wait(PATIENCE * seconds)
        self._reader.join()
        return status

    def get(self, path: str) -> httpx.Response:
        """Ask its interface."""
        return httpx.get(self.url + path, trust_env=False)

    def write(self, method: str, path: str, body: object = None, token: str = TOKEN) -> httpx.Response:
        """Ask it to change something."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False)

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with suppress(json.JSONDecodeError):
                self.lines.append(json.loads(line))


def eventually(look: Callable[[], T | None], complaint: str, seconds: float = 30.0) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(complaint)
