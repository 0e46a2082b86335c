"""Jobs of a pool, cluster by cluster: submitted, waited for, and what their event logs and outputs say."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.local.poolfolder import PoolFolder
from elastic.local.sandbox import JOB_USER, USERS
from tests.lab import events
from tests.lab.events import Event, Kind
from tests.lab.support import PATIENCE, Client

OVER = {Kind.TERMINATED, Kind.ABORTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs of one cluster; what happened to them is in `log`, what they wrote in `folder`."""

    cluster: int
    count: int
    folder: Path
    submitted_at: float

    @property
    def log(self) -> Path:
        """The event log."""
        return self.folder / "events.log"

    def history(self) -> Mapping[str, Sequence[Event]]:
        """The events of each job."""
        return events.by_job(self.log)

    def over(self) -> int:
        """How many have ended."""
        return sum(event.kind in OVER for event in events.read(self.log))

    def wait(self, seconds: float) -> None:
        """Return when all have ended; raise TimeoutError with what is known after so many seconds, and patience."""
        patient = PATIENCE * seconds
        deadline = time.monotonic() + patient
        while (over := self.over()) < self.count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{over} of {self.count} jobs of {self.folder.name} ended within {patient:.0f} s")
            time.sleep(0.2)

    def output(self, proc: int) -> str:
        """What one job wrote to its standard output."""
        return (self.folder / f"{proc}.out").read_text(encoding="utf-8")

    def worker(self, proc: int = 0) -> str:
        """The worker on which a job was started last; empty before."""
        started = [e for e in self.history().get(f"{self.cluster}.{proc}", ()) if e.kind == Kind.EXECUTE]
        return started[-1].worker if started else ""


class Jobs:
    """What one user submits to one pool; each call makes one cluster with a folder and an event log of its own."""

    def __init__(self, client: Client, folder: PoolFolder) -> None:
        """Submit through this client; files go to the pool's work folder."""
        self.client = client
        self._work = folder.work

    def sleep(self, name: str, count: int, seconds: float, **more: str) -> Batch:
        """Submit jobs that sleep."""
        return self.submit(name, count, "/bin/sleep", f"{seconds:g}", **more)

    def shell(self, name: str, count: int, script: str, **more: str) -> Batch:
        """Submit jobs that run a line of shell without double quotes; $(Process) in it is the job's number."""
        quoted = script.replace("'", "''")
        return self.submit(name, count, "/bin/sh", f"\"-c '{quoted}'\"", **more)

    def submit(
        self, name: str, count: int, executable: str, arguments: str = "", *, schedd: str = "", **more: str
    ) -> Batch:
        """Submit `count` jobs as one cluster, with `more` lines of submit language; `name` must be new."""
        folder = self._work / name
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, USERS[JOB_USER], USERS[JOB_USER])
        description = {
            "executable": executable,
            "arguments": arguments,
            "transfer_executable": "False",
            "should_transfer_files": "YES",
            "when_to_transfer_output": "ON_EXIT",
            "initialdir": str(folder),
            "output": "$(Process).out",
            "error": "$(Process).err",
            "log": str(folder / "events.log"),
            "request_cpus": "1",
            "request_memory": "64",
            "request_disk": "16MB",
            # The default of 40 minutes would hide within a test that a job lost its worker.
            "job_lease_duration": "20",
            **more,
        }
        submitted_at = time.time()
        cluster = self.client.submit(description, count, schedd)
        return Batch(cluster=cluster, count=count, folder=folder, submitted_at=submitted_at)
