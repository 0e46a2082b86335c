"""The same number of workers, always: the baseline, and what to use while everything else is in doubt."""

from collections.abc import Mapping
from dataclasses import dataclass

from elastic.core.model import Snapshot
from elastic.core.policy import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """`workers` in every group, whatever the queue says."""

    workers: int = 1

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """The configured number for every group."""
        return {name: Target(self.workers, f"fixed at {self.workers}") for name in snapshot.groups}
