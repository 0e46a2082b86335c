"""The simulated negotiator: in each cycle, jobs by submission or by fair share, each to the fullest machine."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

from elastic_simulations.collector import Collector
from elastic_simulations.execution import Execution
from elastic_simulations.schedd import Autocluster, Schedd
from elastic_simulations.specs import Kind, PoolSpec
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, Timeline, micros

CYCLES_KEPT = 10
FIFO, FAIR_SHARE = "fifo", "fair_share"


Key = tuple[int, int, tuple[int, int, str]]


def _fullest(startd: Startd) -> Key:
    return (startd.free().cpus, -startd.idle_since_us, startd.launched)


def _emptiest(startd: Startd) -> Key:
    return (-startd.free().cpus, startd.idle_since_us, startd.launched)


def _fullest_longest_idle(startd: Startd) -> Key:
    return (startd.free().cpus, startd.idle_since_us, startd.launched)


def _fullest_launch(startd: Startd) -> Key:
    return (startd.free().cpus, 0, startd.launched)


PACKING: Mapping[str, Callable[[Startd], Key]] = {
    "fullest": _fullest,
    "fullest-longest-idle": _fullest_longest_idle,
    "fullest-launch": _fullest_launch,
    "emptiest": _emptiest,
}
"""Which machine with room a job goes to: the lowest key (free cpus, since when idle, launched first), by name."""


class Negotiator:
    """`up` False = no cycles and no answers."""

    def __init__(
        self,
        spec: PoolSpec,
        timeline: Timeline,
        *,
        collector: Collector,
        execution: Execution,
        schedds: Mapping[str, Schedd],
        startds: Mapping[str, Startd],
    ) -> None:
        """Run the first cycle at once, then one every period (or, with a period of 0, match after every change)."""
        self.up = True
        self.limits = dict(spec.limits)
        self.group_quotas = dict(spec.group_quotas)
        self.cycles: deque[int] = deque(maxlen=CYCLES_KEPT)
        self._spec, self._timeline = spec, timeline
        self._collector, self._execution, self._schedds, self._startds = (
            collector,
            execution,
            schedds,
            startds,
        )
        self._coming = False
        self._cycle_us = micros(spec.negotiation_seconds)
        if self._cycle_us > 0:
            timeline.after(0, Rank.NEGOTIATION, self._cycle)
        collector.on_heard = self.changed
        for schedd in schedds.values():
            schedd.on_waiting = self.changed

    def changed(self) -> None:
        """Jobs or machines are others than before: without cycles, match once all has happened that happens now."""
        if self._cycle_us <= 0 and not self._coming:
            self._coming = True
            self._timeline.after(0, Rank.NEGOTIATION, self._at_once)

    def _at_once(self) -> None:
        self._coming = False
        if self.up and self._collector.up:
            self._all_waiting()

    def _cycle(self) -> None:
        self._timeline.after(self._cycle_us, Rank.NEGOTIATION, self._cycle)
        if self.up and self._collector.up:
            self.cycles.append(self._timeline.second)
            self._all_waiting()

    def _all_waiting(self) -> None:
        waiting = [(s, g) for s in self._schedds.values() if s.up for g in s.autoclusters.values() if g.idle]
        if any(group.kind.universe == "vanilla" for _, group in waiting):
            self._match([(s, g) for s, g in waiting if g.kind.universe == "vanilla"])

    def _match(self, waiting: Sequence[tuple[Schedd, Autocluster]]) -> None:
        machines = [s for s in self._startds.values() if s.free().cpus and s.open and self._collector.knows(s.name)]
        if self._spec.order == FAIR_SHARE:
            self._spin(waiting, machines)
        else:
            self._serve(waiting, machines, inf)

    def _spin(self, waiting: Sequence[tuple[Schedd, Autocluster]], machines: list[Startd]) -> None:
        """Each submitter in the order of priorities gets its share of the free cores; what is left is shared again."""
        while waiting:
            shares = self._execution.priorities.shares({g.kind.submitter for _, g in waiting}, self._timeline.now_us)
            free = sum(startd.free().cpus for startd in machines)
            served = 0
            for submitter, share in shares.items():
                mine = [(s, g) for s, g in waiting if g.kind.submitter == submitter]
                served += self._serve(mine, machines, free * share)
            waiting = [(s, g) for s, g in waiting if g.head() is not None and not g.reject_reason]
            if not served:
                return

    def _serve(self, waiting: Iterable[tuple[Schedd, Autocluster]], machines: list[Startd], cores: float) -> int:
        """Start jobs first come first served until they hold so many cores (the last may exceed them); how many."""
        held = 0
        turns = [(_turn(schedd, group), schedd, group) for schedd, group in waiting]
        heapq.heapify(turns)
        while turns and held < cores:
            _, schedd, group = heapq.heappop(turns)
            before = group.idle
            group.reject_reason = self._place(schedd, group, machines) if machines else group.reject_reason
            held += group.kind.request.cpus * (before - group.idle)
            if machines and not group.reject_reason and group.head() is not None:
                heapq.heappush(turns, (_turn(schedd, group), schedd, group))
        return held

    def _place(self, schedd: Schedd, group: Autocluster, machines: list[Startd]) -> str:
        """Start the first job of this autocluster somewhere; the reason when it cannot be."""
        job = group.head()
        if job is None:
            return ""
        if reason := self._forbidden(schedd, group.kind):
            return reason
        best = min(
            (s for s in machines if s.room_for(group.kind) is not None),
            key=PACKING[self._spec.packing],
            default=None,
        )
        room = best.room_for(group.kind) if best is not None else None
        if best is None or room is None:
            return "no match found"
        until_us = self._timeline.now_us + micros(self._spec.claim_seconds)
        self._execution.start(job, best, best.claim(schedd.name, group.kind, room, until_us))
        return ""

    def _forbidden(self, schedd: Schedd, kind: Kind) -> str:
        for name, amount in kind.limits:
            if self._execution.limit_use.get(name, 0.0) + amount > self.limits.get(name, float("inf")):
                return f"concurrency limit {name} reached"
        quota = self.group_quotas.get(kind.accounting_group)
        if quota is not None and self._execution.group_use.get(kind.accounting_group, 0.0) + kind.request.cpus > quota:
            return f"group quota {kind.accounting_group} reached"
        most = self._spec.max_jobs_running
        if most is not None and sum(group.running for group in schedd.autoclusters.values()) >= most:
            return "MAX_JOBS_RUNNING reached"
        return ""


def _turn(schedd: Schedd, group: Autocluster) -> tuple[int, int, str, int]:
    job = group.head()
    return (job.submit_us if job else 0, job.order if job else 0, schedd.name, group.number)
