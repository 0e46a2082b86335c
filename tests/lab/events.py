"""A job event log, as HTCondor itself wrote it for the job's owner: what truly happened to each job."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

HEAD = re.compile(r"(?P<kind>\d{3}) \((?P<cluster>\d+)\.(?P<proc>-?\d+)\.\d+\) (?P<day>[\d-]+)[T ](?P<time>[\d:.]+)Z? ")
# The slot name in the log lacks the worker; the folder in which the job ran has it. Since HTCondor 25 it is one deeper.
SCRATCH = re.compile(r"CondorScratchDir = \".*/(?P<worker>[^/]+)/execute/[^/]+(/scratch)?\"")
STATUS = re.compile(r"Normal termination \(return value (?P<status>\d+)\)")


class Kind(IntEnum):
    """The kinds of events that tests ask for; the log has more."""

    SUBMITTED = 0
    EXECUTE = 1
    EVICTED = 4
    TERMINATED = 5
    SHADOW_EXCEPTION = 7
    ABORTED = 9
    HELD = 12
    DISCONNECTED = 22
    RECONNECTED = 23
    RECONNECT_FAILED = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of one job ("cluster.proc"); `at` in seconds since the epoch, `worker` where it was started."""

    job: str
    kind: int
    at: float
    worker: str
    text: str

    @property
    def status(self) -> int | None:
        """The exit status of a job that ended by itself."""
        found = STATUS.search(self.text)
        return int(found["status"]) if found else None


def read(log: Path) -> Sequence[Event]:
    """Every complete event of a job in a log, in its order; none while there is no log yet."""
    if not log.exists():
        return ()
    # Each ends with a line of three dots; what follows the last one is being written.
    blocks = log.read_text(encoding="utf-8", errors="replace").split("\n...\n")[:-1]
    # A job factory writes events of its own, of a job with a negative number.
    return [event for event in map(_event, blocks) if "-" not in event.job]


def by_job(log: Path) -> Mapping[str, Sequence[Event]]:
    """The events of a log for each of its jobs."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in read(log):
        found[event.job].append(event)
    return found


def _event(block: str) -> Event:
    head = HEAD.match(block)
    if head is None:
        raise ValueError(f"not an event of a job log: {block[:200]!r}")
    at = datetime.fromisoformat(f"{head['day']}T{head['time']}").replace(tzinfo=UTC)
    scratch = SCRATCH.search(block)
    return Event(
        job=f"{head['cluster'].lstrip('0')}.{int(head['proc'])}",
        kind=int(head["kind"]),
        at=at.timestamp(),
        worker=scratch["worker"] if scratch else "",
        text=block,
    )
