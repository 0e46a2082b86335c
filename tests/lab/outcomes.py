"""What became of a whole batch of jobs, to be compared with what should have."""

from collections.abc import Mapping, Sequence

from tests.lab.events import Kind
from tests.lab.jobs import Batch

TOLD = frozenset({6, 40})
"""Events that only tell: image size, file transfer."""


def histories(batch: Batch) -> Mapping[str, Sequence[int]]:
    """What happened to each job, in its order."""
    return {job: [event.kind for event in events if event.kind not in TOLD] for job, events in batch.history().items()}


def unhurt(batch: Batch) -> Mapping[str, Sequence[int]]:
    """The histories of a batch of which each job was submitted, was started once and ended by itself."""
    once = [Kind.SUBMITTED, Kind.EXECUTE, Kind.TERMINATED]
    return {f"{batch.cluster}.{proc}": once for proc in range(batch.count)}
