"""What a demonstration plays on: real HTCondor daemons on this machine, or the simulated world."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from elastic.local.daemon import DaemonProcess, merged, pool_settings
from elastic.local.errors import LocalError
from elastic.local.pool import Pool
from elastic.local.processes import teardown
from elastic.local.runtime import Runtime, runtime_home
from elastic.local.sandbox import JOB_USER, USERS

Say = Callable[[str], None]
SUBMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Some jobs of one shape, each sleeping for `seconds` (least, most)."""

    name: str
    count: int
    seconds: tuple[int, int]
    cpus: int
    memory_mb: int


def bursts(jobs: int) -> Sequence[Burst]:
    """Mostly small jobs; every eighth fits large workers only."""
    large = jobs // 8
    every = (
        Burst(name="small", count=jobs - large, seconds=(6, 12), cpus=1, memory_mb=128),
        Burst(name="large", count=large, seconds=(6, 10), cpus=3, memory_mb=1024),
    )
    return tuple(burst for burst in every if burst.count)


class Stage(Protocol):
    """Where a demonstration plays; `close` leaves no process and no mount behind, however far `open` came."""

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon, started by `open`."""

    def open(self, say: Say) -> None:
        """Start everything; raise LocalError."""

    def submit(self, jobs: int) -> None:
        """Put the burst into the queue; raise LocalError."""

    def close(self) -> None:
        """End everything."""


# Seconds where a real site has minutes: a worker of this machine is there in five.
QUICK: Mapping[str, object] = {
    "reserve": {"cpus": 0, "memory_mb": 0, "disk_mb": 0},
    "launch_seconds": 30.0,
    "boot_seconds": 60.0,
    "join_seconds": 60.0,
    "lost_seconds": 60.0,
    "idle_seconds": 10.0,
    "validation_seconds": 3.0,
    "job_lease_seconds": 30.0,
    "scale_down_window_seconds": 10.0,
    "drain_fraction": 1.0,
}
GROUPS: Sequence[Mapping[str, object]] = (
    {**QUICK, "name": "small", "maximum": 5, "shape": {"cpus": 2, "memory_mb": 1024, "disk_mb": 1024}},
    {
        **QUICK,
        "name": "large",
        "maximum": 2,
        "cost_per_hour": 2.0,
        "shape": {"cpus": 4, "memory_mb": 4096, "disk_mb": 1024},
    },
)


class LocalStage:
    """Real HTCondor daemons, fetched and started below a folder of the project; servers are process trees."""

    def __init__(self, runtime: Runtime) -> None:
        """Choose a folder of this process; nothing is written yet."""
        self._runtime = runtime
        self.root = demo_home() / f"demo-{os.getpid()}"
        self._pool: Pool | None = None
        self._daemon: DaemonProcess | None = None

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon."""
        assert self._daemon is not None  # noqa: S101  opened
        return self._daemon

    def open(self, say: Say) -> None:
        """Start a central manager and the daemon."""
        sweep(say)
        runtime = self._runtime
        say(f"HTCondor {runtime.condor_version} ({runtime.suite}) below {runtime.prefix}")
        for warning in runtime.warnings:
            say(f"note: {warning}")
        self.root.mkdir(parents=True)
        self._pool = Pool(self.root, runtime.prefix)
        self._pool.start()
        say(f"central manager on {self._pool.address}, IDTOKENS only")
        self._daemon = DaemonProcess(
            self.root,
            self._pool.folder.environment(),
            merged(pool_settings(self._pool.folder), {"groups": GROUPS, "logging": {"format": "json"}}),
        )
        self._daemon.start()
        self._daemon.wait_ready()

    def submit(self, jobs: int) -> None:
        """Submit as the pool's ordinary user, with the bindings in a process of their own."""
        assert self._pool is not None  # noqa: S101  opened
        wanted = []
        for burst in bursts(jobs):
            folder = self._pool.folder.work / burst.name
            folder.mkdir()
            if os.geteuid() == 0:
                os.chown(folder, USERS[JOB_USER], USERS[JOB_USER])
            shown = {"count": burst.count, "seconds": burst.seconds, "cpus": burst.cpus, "memory_mb": burst.memory_mb}
            wanted.append({**shown, "folder": str(folder)})
        done = subprocess.run(
            [sys.executable, "-m", "elastic.adapters.burst"],
            input=json.dumps(wanted),
            env={**os.environ, **self._pool.folder.environment()},
            capture_output=True,
            text=True,
            timeout=SUBMIT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"the jobs could not be submitted: {done.stderr.strip()[-500:]}")

    def close(self) -> None:
        """The daemon first, so that it starts nothing while its workers end."""
        if self._daemon is not None:
            self._daemon.stop()
        if self._pool is not None:
            self._pool.stop()
        teardown(self.root)
        shutil.rmtree(self.root, ignore_errors=True)


def demo_home() -> Path:
    """The folder that demonstrations are in, beside the unpacked daemons."""
    return runtime_home().parent


def sweep(say: Say) -> None:
    """End what demonstrations that were killed have left."""
    for folder in sorted(demo_home().glob("demo-*")):
        number = folder.name.removeprefix("demo-")
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            ended = teardown(folder)
            shutil.rmtree(folder, ignore_errors=True)
            say(f"swept away {folder.name}, left by a killed demonstration ({ended} processes)")
