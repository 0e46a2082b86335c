"""Queue and load: as many workers as the jobs need, and a few more while CPUs run hot or an alarm is raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.observation import AlarmState
from elastic.core.policy import Target
from elastic_policies.backlog import Backlog


class _Extra(NamedTuple):
    """How many workers the load has been given, and when that changed last (seconds since the epoch)."""

    changed_at: float
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """Workers = what `backlog` wants of the queue + extra, where load moves `extra` by one each `cooldown_seconds`.

    Up while the group's mean CPU is above `high` (0..1) or an alarm with `up_alarm` in its name is raised ("" = none
    counts), to `most_extra`; down while the mean is below `low` and none is raised. Load never takes away what the
    queue asks for; without telemetry and alarms this is `backlog`. While HTCondor is blind the queue is not believed:
    load may then hold the group or raise it, never lower it.
    """

    headroom: int = 0
    high: float = 0.80
    low: float = 0.50
    most_extra: int = 2
    cooldown_seconds: float = 300.0
    up_alarm: str = "high"

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """The sum for every group, with its parts as the reason."""
        queue = Backlog(headroom=self.headroom).decide(snapshot)
        return {name: self._of(group, queue[name], snapshot) for name, group in snapshot.groups.items()}

    def _of(self, group: WorkerGroup, queue: Target, snapshot: Snapshot) -> Target:
        asks, says = self._load(group)
        extra = self._extra(group, asks, snapshot)
        memory = f"{extra.changed_at!r} {extra.workers}"
        wake = extra.changed_at + self.cooldown_seconds
        again = wake if asks and wake > snapshot.now and 0 < extra.workers + asks <= self.most_extra else None
        if snapshot.trust.grow:
            raised = extra.workers > _remembered(group).workers
            return Target(
                group.counted + raised,
                f"HTCondor is blind: {'one more for load' if raised else 'held'} ({says})",
                memory,
                next_wake=again,
                on_load=raised,
            )
        reason = f"{queue.reason} + {extra.workers} for load ({says})"
        return Target(queue.workers + extra.workers, reason, memory, next_wake=again)

    def _load(self, group: WorkerGroup) -> tuple[int, str]:
        """Whether the load asks for more (1), for less (-1) or for neither, and what it is."""
        raised = [a.name for a in group.alarms if a.state is AlarmState.ALARM and self.up_alarm in a.name]
        raised = raised if self.up_alarm else []
        share = "no CPU load is known" if group.load is None else f"mean CPU {group.load:.0%}"
        if raised:
            return 1, f"{share}, raised: {', '.join(raised)}"
        if group.load is None:
            return 0, share
        return (group.load > self.high) - (group.load < self.low), share

    def _extra(self, group: WorkerGroup, asks: int, snapshot: Snapshot) -> _Extra:
        known = _remembered(group)
        measured = "load" in snapshot.sources or bool(group.alarms)
        if not snapshot.trust.grow and not (measured and group.ready):
            return _Extra(known.changed_at, 0)  # Nobody works: there is no load to answer.
        if snapshot.now < known.changed_at + self.cooldown_seconds:
            return known
        workers = min(self.most_extra, max(0, known.workers + asks))
        if snapshot.trust.grow:
            workers = max(workers, known.workers)
        return known if workers == known.workers else _Extra(snapshot.now, workers)


def _remembered(group: WorkerGroup) -> _Extra:
    if not group.policy_memory:
        return _Extra(0.0, 0)
    changed_at, workers = group.policy_memory.split()
    return _Extra(float(changed_at), int(workers))
