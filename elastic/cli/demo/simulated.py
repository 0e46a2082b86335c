"""The demonstration without real daemons: the same `elastic run`, on a simulated pool and cloud, ten times as fast."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from elastic.cli.demo.stages import GROUPS, Burst, Say, bursts, demo_home, sweep
from elastic.local.daemon import DaemonProcess
from elastic.local.errors import LocalError

SPEED = 10.0
# Jobs are there from this second on: the daemon has then ticked once, and seen an empty queue.
FIRST_JOBS_SECONDS = 40.0


class SimulatedStage:
    """A daemon whose world is simulated inside it; its times are ten times those of the real demonstration."""

    def __init__(self, jobs: int) -> None:
        """Choose a folder of this process; nothing is written yet."""
        self.root = demo_home() / f"demo-{os.getpid()}"
        self._jobs = jobs
        self._daemon: DaemonProcess | None = None

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon."""
        assert self._daemon is not None  # noqa: S101  opened
        return self._daemon

    def open(self, say: Say) -> None:
        """Write the scenario, start the daemon on it."""
        sweep(say)
        self.root.mkdir(parents=True)
        self._daemon = DaemonProcess(self.root, {}, _settings(self.root, self.write_scenario(self.root)))
        self._daemon.start()
        self._daemon.wait_ready()
        say(f"a simulated pool and cloud, {SPEED:.0f} times as fast as time goes by")

    def write_scenario(self, folder: Path) -> Path:
        """The file with the pool, the groups and the burst."""
        path = folder / "scenario.toml"
        path.write_text(_scenario(bursts(self._jobs)), encoding="utf-8")
        return path

    def submit(self, jobs: int) -> None:
        """The scenario submits them by itself."""
        if jobs != self._jobs:
            raise LocalError("a scenario's jobs are those that it was written with")

    def close(self) -> None:
        """End the daemon; the world ends with it."""
        if self._daemon is not None:
            self._daemon.stop()
        shutil.rmtree(self.root, ignore_errors=True)


def _settings(root: Path, scenario: Path) -> dict[str, object]:
    slower = [
        {name: value * SPEED if name.endswith("_seconds") else value for name, value in group.items()}  # type: ignore[operator]  # seconds are numbers
        for group in GROUPS
    ]
    return {
        "pool": "simulated",
        "mode": "act",
        "folder": str(root / "daemon"),
        "tick_seconds": 20.0,
        "tick_jitter_seconds": 0,
        "htcondor": {"machine_update_seconds": 30.0},
        "logging": {"format": "json"},
        "groups": slower,
        "cloud": {"kind": "simulated", "options": {"scenario": str(scenario), "speed": SPEED}},
    }


def _scenario(wanted: Sequence[Burst]) -> str:
    parts = ['[run]\nname = "demo"', "[pool]\nnegotiation_seconds = 20\nupdate_seconds = 30"]
    for group in GROUPS:
        model = "{ boot = { lognormal = [30, 0.3] }, join = 15, teardown = 10 }"
        parts.append(f'[[group]]\nname = "{group["name"]}"\nmaximum = {group["maximum"]}\nmodel = {model}')
    for burst in wanted:
        low, high = (second * SPEED for second in burst.seconds)
        request = f"{{ cpus = {burst.cpus}, memory_mb = {burst.memory_mb}, disk_mb = 16 }}"
        run = f"{{ uniform = [{low}, {high}] }}"
        parts.append(f"[[jobs]]\nat = {FIRST_JOBS_SECONDS}\ncount = {burst.count}\nrun = {run}\nrequest = {request}")
    return "\n\n".join(parts) + "\n"
