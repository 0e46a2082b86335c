"""The pool as a Snapshot of counts, and what its group remembers from one decision to the next."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory
from elastic.core.model import Demand, GroupDemand, Snapshot, WorkerGroup
from elastic.core.policy import Target
from elastic.core.remember import remember
from elastic.core.resources import Resources
from elastic.core.stats import percentile
from elastic_simulations.fast.demand import Asker
from elastic_simulations.fast.lazy import Fleet, Names
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import MICROSECONDS

LEDGER = "simulation"

KEPT_TIMES = 100
"""Join times remembered, as in `elastic.core.boots`."""


class View:
    """Sees one pool for the core.

    `restless` = the policy's memory changed at the last decision; `unchanged` = the last snapshot differs from the one
    before in its time alone.
    """

    def __init__(self, spec: ElasticSpec, pool: Pool, unit: int, *, recorded: bool) -> None:
        """Begin with nothing remembered; `unit` in us; `recorded` = somebody reads the ticks' records."""
        self.spec = spec
        self.pool = pool
        self.seconds = unit / MICROSECONDS
        # Without its clock: when something would be decided next, if it did not tick.
        self.timeless = replace(spec.site, tick_seconds=inf, min_wake_seconds=0.0)
        self.site = spec.site
        self.names = Names(group=spec.group.name, ledger=LEDGER, unit_seconds=self.seconds)
        self.memory = GroupMemory(group=spec.group.name, boot_allowance=spec.group.boots_start)
        self.restless = False
        self.unchanged = False
        self.tick = 0
        # Without a stabilisation window nobody reads old recommendations: they are kept for records only.
        self.forgets = not (recorded or spec.group.scale_down_window_seconds)
        self._unit = unit
        self._offers: Resources = spec.group.shape.less(spec.group.reserve)
        self._asker = Asker(spec=spec.group, pool=pool, seconds=self.seconds)
        self._idle_units = self.units(spec.group.idle_seconds)
        self._join_p95 = 0.0
        self._seen: object = None
        self._demand = Demand()
        self._groups: dict[str, WorkerGroup] = {}

    @property
    def now(self) -> float:
        """Seconds."""
        return self.pool.now * self._unit / MICROSECONDS

    def units(self, seconds: float) -> int:
        """At least that long."""
        return -(-round(seconds * MICROSECONDS) // self._unit)

    def old_limit(self) -> int:
        """Workers that have been idle since then, or longer, may go."""
        return self.pool.now - self._idle_units

    def next_old(self) -> int:
        """When the next idle worker may go that may not go yet, whoever has asked for the others or not."""
        self.pool.old(self.old_limit())
        return self.pool.next_old() + self._idle_units

    def snapshot(self) -> Snapshot:
        """All that is known now; good until the pool moves on."""
        pool, spec = self.pool, self.spec
        self.tick += 1
        if pool.joined:
            self._learn()
        now = self.now
        seen = (pool.arrived, pool.running, pool.booting, pool.ready, len(pool.held), pool.waiting, self.memory)
        self.unchanged = not pool.waiting and seen == self._seen
        if not self.unchanged:
            self._seen = seen
            self._demand, asked = self._asker.demand(self.memory, now)
            self._groups = {spec.group.name: self._group(asked)}
        return Snapshot(
            now=now,
            tick=self.tick,
            groups=self._groups,
            demand=self._demand,
            ledger=LEDGER,
            sequence=len(pool.requested),
        )

    def _group(self, asked: GroupDemand) -> WorkerGroup:
        pool, spec, memory = self.pool, self.spec, self.memory
        return WorkerGroup(
            spec=spec.group,
            counts=self._counts(),
            busy=pool.busy,
            resumable=len(pool.held),
            demand=asked,
            template=self._offers,
            join_p95_seconds=self._join_p95,
            load=pool.busy_cores / (pool.ready * pool.slots) if pool.ready else None,
            boot_allowance=memory.boot_allowance,
            policy_memory=memory.policy_memory,
            memory=memory,
            workers=Fleet(pool, self.names, self._idle_units, cancels=spec.cancels),
        )

    def remember(self, snapshot: Snapshot, proposal: Mapping[str, Target]) -> None:
        """What the core wants remembered of this decision."""
        before = self.memory.policy_memory
        if self.forgets and all(target.memory == before for target in proposal.values()):
            self.restless = False
            return
        for memory in remember(snapshot, proposal).groups:
            self.memory = memory
        self.restless = self.memory.policy_memory != before

    def skipped(self, at: int, ticks: int, every: int) -> None:
        """Recommend at the ticks that are left out what was recommended last: nothing has changed that would matter."""
        window = self.units(self.spec.group.scale_down_window_seconds)
        kept = self.memory.recommendations
        if not window or not kept or ticks <= 1:
            return
        wanted = kept[-1][1]
        oldest = max(at + every, at + ticks * every - (window // every + 1) * every)
        more = tuple((place * self.seconds, wanted) for place in range(oldest, at + ticks * every, every))
        self.memory = replace(self.memory, recommendations=(*kept, *more))

    def _counts(self) -> dict[Phase, int]:
        pool = self.pool
        booting = Phase.BOOTING if self.spec.cancels else Phase.JOINING
        counts = ((booting, pool.booting), (Phase.DRAINED, len(pool.held)), (Phase.READY, pool.ready))
        return {phase: count for phase, count in sorted(counts) if count}

    def _learn(self) -> None:
        """Join times as the daemon learns them: counted at the tick that sees them, in the order of names."""
        joined, self.pool.joined = self.pool.joined, []
        if not self.spec.learns:
            return
        names, pool, group = self.names, self.pool, self.spec.group
        for number in sorted(joined, key=names.name):
            known = self.memory
            took = min((pool.now - pool.requested[number]) * self.seconds, group.join_seconds_cap)
            batch = known.batch_joined + 1
            doubled = batch >= known.boot_allowance
            self.memory = replace(
                known,
                join_seconds=(*known.join_seconds, took)[-KEPT_TIMES:],
                batch_joined=0 if doubled else batch,
                boot_allowance=min(group.boots_cap, known.boot_allowance * 2) if doubled else known.boot_allowance,
            )
        self._join_p95 = percentile(self.memory.join_seconds, 0.95)
        # As elastic.core has it: who boots slowly is not given up quickly.
        self._idle_units = self.units(max(group.idle_seconds, 2 * self._join_p95))
