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
from elastic_simulations.fast.making import quick
from elastic_simulations.fast.meter import Meter
from elastic_simulations.fast.names import LEDGER, Names
from elastic_simulations.fast.outlook import Outlook
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.shaped import ShapedPool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.units import Scale
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN

_made = quick(Snapshot, "now", "tick", "groups", "demand", "sources", "ledger", "sequence")

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
        self.scale = Scale(unit, round(spec.epoch * MICROSECONDS))
        # Without its clock: when something would be decided next, if it did not tick.
        self.timeless = replace(spec.site, tick_seconds=inf, min_wake_seconds=0.0)
        self.site = spec.site
        self.names = Names(group=spec.group.name)
        self.meter = Meter(pool, self.scale) if spec.metered else None
        parts = pool.parts if isinstance(pool, ShapedPool) else [pool]
        self.groups = tuple(
            GroupView(spec, one.group, part, Names(group=one.group.name), self.scale, self.meter, recorded=recorded)
            for one, part in zip(spec.workers, parts, strict=True)
        )
        self.group = self.groups[0]
        self.restless = False
        self.unchanged = False
        self.tick = 0
        # Without a stabilisation window nobody reads old recommendations: they are kept for records only.
        self.forgets = not (recorded or any(group.spec.scale_down_window_seconds for group in self.groups))
        ordered = sorted(self.groups, key=lambda g: (-g.spec.priority, g.spec.cost_per_hour, g.spec.name))
        asked = tuple(self._part(g) for g in ordered)
        self.asker = Asker(pool=pool, parts=asked, scale=self.scale)
        self._named = {group.spec.name: group for group in sorted(self.groups, key=lambda group: group.spec.name)}
        self._unit = unit
        self._outlook: Outlook | None = None
        self._arrived = UNKNOWN
        self._seen: list[tuple[object, ...]] | None = None
        self._demand = Demand()
        self._groups: dict[str, WorkerGroup] = {}

    @staticmethod
    def _part(group: GroupView) -> Part:
        return Part(
            spec=group.spec, pool=group.pool, records=group.records, offers=group.offers, hours=lambda: group.hours
        )

    def estimate(self, outlook: Outlook) -> None:
        """From now on policies are told what work is thought to be left."""
        self._outlook = outlook

    @property
    def now(self) -> float:
        """Seconds."""
        return self.scale.at(self.pool.now)

    @property
    def memory(self) -> GroupMemory:
        """What the first group remembers."""
        return self.group.memory

    @property
    def going(self) -> bool:
        """Whether anybody whose deletion was asked for is still to be found gone."""
        return any(group.records.going for group in self.groups)

    @property
    def going_on(self) -> bool:
        """Whether a removal goes on in any group, or deadlines have just moved."""
        return any(group.going_on for group in self.groups)

    @property
    def load_moves(self) -> bool:
        """Whether the next sample of any group's load may be another."""
        return any(group.load_moves for group in self.groups)

    def records_of(self, number: int) -> Records:
        """Those that have the worker of this launch number."""
        return self.groups[self.pool.group_of(number)].records

    def units(self, seconds: float) -> int:
        """At least that long."""
        return -(-round(seconds * MICROSECONDS) // self._unit)

    def old_limit(self) -> int:
        """Workers that have been idle since then, or longer, may go."""
        return self.group.old_limit()

    def next_old(self) -> int:
        """When the next idle worker of any group may go that may not go yet."""
        return min(group.next_old() for group in self.groups)

    def snapshot(self) -> Snapshot:
        """All that is known now; good until the pool moves on."""
        pool, now = self.pool, self.scale.at(self.pool.now)
        self.tick += 1
        for group in self.groups:
            group.look(now)
        self.restless = self._moves()
        self.unchanged = self._same() and not self.restless
        if not self.unchanged:
            self._look_again(now)
        sources = SOURCES if self.meter is None else {**SOURCES, "load": self.meter.health(pool.now)}
        return _made(now, self.tick, self._groups, self._demand, sources, LEDGER, len(pool.requested))

    def _same(self) -> bool:
        """Whether nothing but time has changed since the last look."""
        pool = self.pool
        # While jobs wait, time alone changes what is seen.
        if pool.waiting or pool.arrived != self._arrived:
            self._arrived, self._seen = UNKNOWN if pool.waiting else pool.arrived, None
            return False
        before, self._seen = self._seen, [group.counts for group in self.groups]
        return before == self._seen

    def _moves(self) -> bool:
        """Whether the next tick sees something else although nothing happens until then."""
        if self._outlook is not None and self.pool.running:
            return True
        return self.group.restless if len(self.groups) == 1 else any(group.restless for group in self.groups)

    def _known(self) -> Mapping[str, GroupMemory]:
        return {name: group.memory for name, group in self._named.items()}

    def _look_again(self, now: float) -> None:
        self._demand, asked = self.asker.demand(self._known, now)
        groups: dict[str, WorkerGroup] = {}
        for name, group in self._named.items():
            groups[name] = group.snapshot(asked[name])
        self._groups = groups
        if self._outlook is not None:
            self._demand = replace(self._demand, expected_core_seconds=self._outlook.core_seconds())
        if self.meter is not None:
            self.restless = self._moves()

    def everybody(self) -> Iterator[WorkerRecord]:
        """What is remembered of every worker, in no particular order."""
        for group in self.groups:
            yield from map(group.records.of, (*group.pool.alive, *group.records.going))

    def remember(self, snapshot: Snapshot, proposal: Mapping[str, Target]) -> None:
        """What the core wants remembered of this decision."""
        if self.forgets:
            for name, target in proposal.items():
                if target.memory != self._named[name].memory.policy_memory:
                    break
            else:
                return
        for memory in remember(snapshot, proposal).groups:
            group = self._named[memory.group]
            self.restless = self.restless or memory.policy_memory != group.memory.policy_memory
            group.memory = memory

    def skipped(self, at: int, ticks: int, every: int) -> None:
        """Recommend at the ticks that are left out what was recommended last: nothing has changed that would matter."""
        for group in self.groups:
            window = self.units(group.spec.scale_down_window_seconds)
            kept = group.memory.recommendations
            if not window or not kept or ticks <= 1:
                continue
            wanted = kept[-1][1]
            oldest = max(at + every, at + ticks * every - (window // every + 1) * every)
            more = tuple((self.scale.at(place), wanted) for place in range(oldest, at + ticks * every, every))
            group.memory = replace(group.memory, recommendations=(*kept, *more))
