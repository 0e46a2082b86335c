"""One worker group of a fast engine as the core sees it: counts, and what it remembers from decision to decision."""

from collections import Counter
from dataclasses import replace

from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory, Template
from elastic.core.model import GroupDemand, GroupSpec, WorkerGroup
from elastic.core.resources import Resources
from elastic.core.schedules import NOTHING_ASKED, in_force
from elastic.core.stats import percentile
from elastic_simulations.fast.lazy import Fleet
from elastic_simulations.fast.making import quick
from elastic_simulations.fast.meter import Meter
from elastic_simulations.fast.names import Names
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.units import Scale
from elastic_simulations.specs import MachineSpec

_made = quick(
    WorkerGroup,
    "spec", "counts", "busy", "resumable", "demand", "template",
    "join_p95_seconds", "load", "boot_allowance", "policy_memory", "memory", "schedule", "workers",
)  # fmt: skip

KEPT_TIMES = 100
"""Join times remembered, as in `elastic.core.boots`."""


class GroupView:
    """`restless` = something will be otherwise at the next tick although nothing happens in the pool."""

    def __init__(
        self,
        run: ElasticSpec,
        spec: GroupSpec,
        pool: Pool,
        names: Names,
        scale: Scale,
        meter: Meter | None,
        *,
        recorded: bool,
    ) -> None:
        """Begin with nothing remembered; `recorded` = somebody reads the ticks' records."""
        self.spec = spec
        self.pool = pool
        self.names = names
        self.offers: Resources = spec.shape.less(spec.reserve)
        self.memory = GroupMemory(group=spec.name, boot_allowance=spec.boots_start)
        self.records = Records(pool, names, scale, recorded=recorded or meter is not None, building=run.cancels)
        self._run = run
        self._booting = Phase.BOOTING if run.cancels else Phase.JOINING
        self._scale = scale
        self._meter = meter
        self._idle_units = self._next_idle_units = scale.least(spec.idle_seconds)
        self._join_p95 = 0.0
        self._load_stays = meter is None
        self._fleet: Fleet | None = None
        self.hours = NOTHING_ASKED
        self._template = Template(ad=MachineSpec(total=self.offers).template, resources=self.offers, learned=True)

    @property
    def restless(self) -> bool:
        """Whether the next tick may decide otherwise although nothing happens until then."""
        return bool(self.records.going) or self._next_idle_units != self._idle_units or not self._load_stays

    @property
    def going_on(self) -> bool:
        """Whether somebody is on the way out, or deadlines have just moved."""
        return bool(self.records.going) or self._next_idle_units != self._idle_units

    @property
    def load_moves(self) -> bool:
        """Whether the next sample of the load may be another."""
        return not self._load_stays

    @property
    def counts(self) -> tuple[object, ...]:
        """What a snapshot of the group depends on, but for its queue and its time."""
        pool = self.pool
        return (pool.running, pool.booting, pool.ready, len(pool.held), self._idle_units, self.memory, self.hours)

    def look(self, now: float) -> None:
        """What a tick sees first: who was drained, who is gone, who has joined."""
        self._idle_units = self._next_idle_units
        if self.spec.schedules and (self.hours.until is None or now >= self.hours.until):
            self.hours = in_force(self.spec.schedules, now)
        if self.records.moving:
            self.records.look(now, self.spec.breaker_young_seconds)
        if self.pool.joined:
            self._learn(now)

    def old_limit(self) -> int:
        """Workers that have been idle since then, or longer, may go."""
        return self.pool.now - self._idle_units

    def next_old(self) -> int:
        """When the next idle worker may go that may not go yet, whoever has asked for the others or not."""
        self.pool.old(self.old_limit())
        return self.pool.next_old() + self._idle_units

    def snapshot(self, asked: GroupDemand) -> WorkerGroup:
        """The group now; good until the pool moves on."""
        pool, memory = self.pool, self.memory
        return _made(
            self.spec, self._counts(), pool.busy, len(pool.held), asked, self.offers,
            self._join_p95, self._load(), memory.boot_allowance, memory.policy_memory, memory,
            self.hours, self._workers(),
        )  # fmt: skip

    def _workers(self) -> Fleet:
        """A look at the pool, which moves: the same until somebody must be idle for longer before he goes."""
        idle = self._idle_units
        if self._fleet is None or self._fleet.idle_units != idle:
            self._fleet = Fleet(self.pool, self.names, self.records, self._scale, idle, cancels=self._run.cancels)
        return self._fleet

    def _load(self) -> float | None:
        """Mean load of the workers that were polled last and that an earlier tick knew; unmetered that of cores now."""
        pool, meter = self.pool, self._meter
        if meter is None:
            return pool.busy_cores / (pool.ready * pool.slots) if pool.ready else None
        now = self._scale.at(pool.now)
        mine = (*pool.alive, *self.records.going)
        known = [number for number in mine if number in meter.loads and self.records.joined_before(number, now)]
        self._load_stays = meter.still and len(known) == pool.ready + len(pool.held)
        loads = [meter.loads[number] for number in sorted(known, key=self.names.name)]
        return sum(loads) / len(loads) if loads else None

    def _counts(self) -> dict[Phase, int]:
        pool, booting = self.pool, self._booting
        if not (pool.held or self.records.going):
            counts = {booting: pool.booting} if pool.booting else {}
            if pool.ready:
                counts[Phase.READY] = pool.ready
            return counts
        found = [(booting, pool.booting), (Phase.DRAINED, len(pool.held)), (Phase.READY, pool.ready)]
        if going := self.records.going:
            found += Counter(worker.phase for worker in going.values()).items()
        return {phase: count for phase, count in sorted(found) if count}

    def _learn(self, now: float) -> None:
        """Join times as the daemon learns them: counted at the tick that sees them, in the order of names."""
        joined, self.pool.joined = self.pool.joined, []
        if not self._run.learns:
            return
        spec, known = self.spec, self.memory
        for number in sorted(joined, key=self.names.name):
            took = min(now - self._scale.at(self.pool.requested[number]), spec.join_seconds_cap)
            batch = known.batch_joined + 1
            doubled = batch >= known.boot_allowance
            known = replace(
                known,
                join_seconds=(*known.join_seconds, took)[-KEPT_TIMES:],
                batch_joined=0 if doubled else batch,
                boot_allowance=min(spec.boots_cap, known.boot_allowance * 2) if doubled else known.boot_allowance,
            )
        self.memory = replace(known, template=self._template, template_learned_at=now)
        self._join_p95 = percentile(known.join_seconds, 0.95)
        # As elastic.core has it, from the next tick on: who boots slowly is not given up quickly.
        self._next_idle_units = self._scale.least(max(spec.idle_seconds, 2 * self._join_p95))
