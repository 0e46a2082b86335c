"""The rule of Elastiq (Berzano et al., Virtual Analysis Facility): a queue that stays long launches a share of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Elastiq:
    """q' = waiting jobs - upcoming x `jobs_per_worker`; q' > `threshold` for `patience_seconds` adds round(q'/jobs).

    An idle worker is given up; how long it must have been idle is the group's `idle_seconds` (Elastiq: 3600).
    Elastiq's own figures are 10 jobs, 100 s, 4 jobs a worker, looked at every 15 s.
    """

    threshold: int = 10
    patience_seconds: float = 100.0
    jobs_per_worker: int = 4

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """The rule for every group by itself."""
        return {name: self._of(group, snapshot.now) for name, group in snapshot.groups.items()}

    def _of(self, group: WorkerGroup, now: float) -> Target:
        waiting = group.demand.waiting_jobs - group.upcoming * self.jobs_per_worker
        if waiting <= self.threshold:
            return self._keep(group, waiting)
        since = float(group.policy_memory) if group.policy_memory else now
        due = since + self.patience_seconds
        if now < due:
            reason = f"{waiting} jobs wait, for {now - since:.0f} of {self.patience_seconds:.0f} s"
            return Target(group.counted, reason, repr(since), next_wake=due)
        more = max(1, round(waiting / self.jobs_per_worker))
        return Target(group.counted + more, f"{waiting} jobs have waited {now - since:.0f} s: {more} more")

    def _keep(self, group: WorkerGroup, waiting: int) -> Target:
        unused = max(0, group.idle - group.demand.held_workers)
        return Target(
            group.counted - unused,
            f"{waiting} jobs wait, not more than {self.threshold}; {unused} workers are idle",
        )
