"""Deletions that the cloud does not finish: since when, and from when on somebody must look."""

from collections.abc import Iterable

from elastic.core.lifecycle import Phase
from elastic.core.memory import WorkerRecord
from elastic.core.model import Worker

OVERDUE_SECONDS = 600.0
"""Clouds delete in seconds, slow ones in two minutes; after ten it is stuck."""


def is_overdue(record: WorkerRecord, now: float) -> bool:
    """Whether the first request for its deletion is too long ago by now."""
    begun = record.delete_begun_at or record.delete_asked_at
    return begun is not None and now - begun >= OVERDUE_SECONDS


def overdue(workers: Iterable[Worker], now: float) -> tuple[Worker, ...]:
    """Workers that are still being deleted although they should long be gone."""
    return tuple(worker for worker in workers if worker.phase is Phase.DELETING and is_overdue(worker.record, now))
