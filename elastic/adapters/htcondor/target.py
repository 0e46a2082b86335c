"""Which daemon is meant: what an asker is told of a worker's startd or of a schedd."""

from collections.abc import Mapping
from typing import NamedTuple

from elastic.core.memory import WorkerRecord

CLOCK_SLACK_SECONDS = 5
"""By how much two daemons of one host may differ on when one of them was started."""


class Target(NamedTuple):
    """A startd's name and last address, the start times that are remembered of it, our drain's nonce if any."""

    machine: str
    address: str
    started: tuple[int, ...]
    nonce: str = ""
    server_id: str = ""
    fenced: bool = False


class ScheddTarget(NamedTuple):
    """A schedd, and the queue stamps that were told of its shapes before."""

    name: str
    address: str
    stamps: Mapping[str, str]


class Mark(NamedTuple):
    """How far a schedd's history was read: the newest record's time by its own clock, and the latest records' ids."""

    time: int
    seen: frozenset[str]


def target(worker: WorkerRecord) -> Target:
    """The startd of this worker."""
    drained = worker.drain.started if worker.drain is not None else None
    return Target(
        machine=worker.machine or worker.name,
        address=worker.address,
        started=tuple(started for started in (worker.started, drained) if started),
        nonce=worker.drain.nonce if worker.drain is not None else "",
        server_id=worker.server_id or "",
        fenced=worker.fence_asked_at is not None,
    )
