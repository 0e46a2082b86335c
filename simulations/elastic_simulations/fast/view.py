"""The pool as a Snapshot of counts, and what its groups remember from one decision to the next."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf

from elastic.core.memory import GroupMemory, WorkerRecord
from elastic.core.model import Demand, Snapshot, SourceHealth, WorkerGroup
from elastic.core.policy import Target
from elastic.core.remember import remember
from elastic_simulations.fast.demand import SCHEDD, Asker, Part
from elastic_simulations.fast.group import GroupView
from elastic_simulations.fast.meter import Meter
from elastic_simulations.fast.names import LEDGER, Names
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.units import Scale
from elastic_simulations.traces.trace import MICROSECONDS

SOURCES: Mapping[str, SourceHealth] = {
    name: SourceHealth(source=name, ok=True)
    for name in ("load", "machines", "negotiation", "queue", "quotas", f"schedd:{SCHEDD}", "servers")
}
"""All that the daemon asks answers at once."""


class View:
    """Sees one pool for the core.

    `restless` = the next tick may decide otherwise although nothing happens until then (the policy's memory changed, a
    removal goes on); `unchanged` = the last snapshot differs from the one before in its time alone.
    """

    def __init__(self, spec: ElasticSpec, pool: Pool, unit: int, *, recorded: bool) -> None:
        """Begin with nothing remembered; `unit` in us; `recorded` = somebody reads the ticks' records."""
        self.spec = spec
        self.pool = pool
        self.scale = Scale(unit)
        # Without its clock: when something would be decided next, if it did not tick.
        self.timeless = replace(spec.site, tick_seconds=inf, min_wake_seconds=0.0)
        self.site = spec.site
        self.names = Names(group=spec.group.name)
        self.meter = Meter(pool, self.scale) if spec.metered else None
        self.group = GroupView(spec, spec.group, pool, self.names, self.scale, self.meter, recorded=recorded)
        self.restless = False
        self.unchanged = False
        self.tick = 0
        # Without a stabilisation window nobody reads old recommendations: they are kept for records only.
        self.forgets = not (recorded or spec.group.scale_down_window_seconds)
        part = Part(spec=spec.group, pool=pool, records=self.group.records, offers=self.group.offers)
        self.asker = Asker(pool=pool, parts=(part,), scale=self.scale)
        self._unit = unit
        self._seen: object = None
        self._demand = Demand()
        self._groups: dict[str, WorkerGroup] = {}

    @property
    def now(self) -> float:
        """Seconds."""
        return self.scale.at(self.pool.now)

    @property
    def memory(self) -> GroupMemory:
        """What the group remembers."""
        return self.group.memory

    @property
    def records(self) -> Records:
        """Of the group's workers."""
        return self.group.records

    def units(self, seconds: float) -> int:
        """At least that long."""
        return -(-round(seconds * MICROSECONDS) // self._unit)

    def old_limit(self) -> int:
        """Workers that have been idle since then, or longer, may go."""
        return self.group.old_limit()

    def next_old(self) -> int:
        """When the next idle worker may go that may not go yet."""
        return self.group.next_old()

    def snapshot(self) -> Snapshot:
        """All that is known now; good until the pool moves on."""
        pool, group, now = self.pool, self.group, self.scale.at(self.pool.now)
        self.tick += 1
        group.look(now)
        seen = (pool.arrived, pool.waiting, *group.counts)
        self.restless = group.restless
        self.unchanged = not pool.waiting and seen == self._seen and not self.restless
        if not self.unchanged:
            self._seen = seen
            self._demand, asked = self.asker.demand({group.spec.name: group.memory}, now)
            self._groups = {group.spec.name: group.snapshot(asked[group.spec.name])}
            if self.meter is not None:
                self.restless = group.restless
        return Snapshot(
            now=now,
            tick=self.tick,
            groups=self._groups,
            demand=self._demand,
            sources=SOURCES,
            ledger=LEDGER,
            sequence=len(pool.requested),
        )

    def everybody(self) -> Iterator[WorkerRecord]:
        """What is remembered of every worker, in no particular order."""
        return map(self.records.of, (*self.pool.alive, *self.records.going))

    def remember(self, snapshot: Snapshot, proposal: Mapping[str, Target]) -> None:
        """What the core wants remembered of this decision."""
        group = self.group
        before = group.memory.policy_memory
        if self.forgets and all(target.memory == before for target in proposal.values()):
            return
        for memory in remember(snapshot, proposal).groups:
            group.memory = memory
        self.restless = self.restless or group.memory.policy_memory != before

    def skipped(self, at: int, ticks: int, every: int) -> None:
        """Recommend at the ticks that are left out what was recommended last: nothing has changed that would matter."""
        window = self.units(self.spec.group.scale_down_window_seconds)
        kept = self.memory.recommendations
        if not window or not kept or ticks <= 1:
            return
        wanted = kept[-1][1]
        oldest = max(at + every, at + ticks * every - (window // every + 1) * every)
        more = tuple((self.scale.at(place), wanted) for place in range(oldest, at + ticks * every, every))
        self.group.memory = replace(self.memory, recommendations=(*kept, *more))
