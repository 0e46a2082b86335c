"""The elastic run: the pool moves on, the core decides, its plan is carried out; what faster engines must equal."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace

from elastic.core.actions import Action, ActionResult, Adopt, Delete, DrainWorker, Forget, Launch, Resume
from elastic.core.actions import Outcome as ActionOutcome
from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.model import Snapshot
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic.core.record import Plan, TickRecord
from elastic_simulations.draws import Constant, Draws
from elastic_simulations.fast.counted import Steps, counted
from elastic_simulations.fast.orders import DEFAULT, ORDERS
from elastic_simulations.fast.outcome import Integrals, Outcome, Samples, WorkerTable
from elastic_simulations.fast.pool import NEVER, Pool
from elastic_simulations.fast.quiet import quiet_until
from elastic_simulations.fast.single import SinglePool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.fast.view import View
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Column, Trace

GIVE_UP_TICKS = 1500
"""Ticks in a row, more than a day of them, at which nothing is pending and nothing is done: it will stay so."""

MOST_TICKS = 20_000_000
"""Thirty-eight years of ticks a minute apart: ten minutes of ours."""

Recorded = Callable[[TickRecord], None]


def run_elastic(trace: Trace, spec: ElasticSpec, on_tick: Recorded | None = None) -> Outcome:
    """All jobs of the trace on a group that the policy grows and shrinks; `on_tick` is given each decision.

    TraceError names the line of a job that fits on no worker. A run in which jobs can never start ends with these
    unserved.
    """
    _fits(trace, spec.slots)
    _may_end(trace, spec)
    return _Run(trace, spec, on_tick).outcome()


def _fits(trace: Trace, slots: int) -> None:
    if max(trace.cores) <= slots:
        return
    place = next(place for place, wanted in enumerate(trace.cores) if wanted > slots)
    problem = f"the job asks for {trace.cores[place]} cores, a worker has {slots}: it fits on none"
    raise TraceError(trace.source, trace.line[place], problem)


def _may_end(trace: Trace, spec: ElasticSpec) -> None:
    ticks = trace.submit_us[-1] / MICROSECONDS / spec.site.tick_seconds
    if ticks > MOST_TICKS and not (spec.skips_quiet or spec.on_events):
        problem = f"the last job comes after {ticks:,.0f} ticks; leave out the quiet ones: --set skips_quiet=true"
        raise TraceError(trace.source, trace.line[-1], problem)


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * MICROSECONDS)


class _Run:
    """One run on its way."""

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: Recorded | None) -> None:
        fixed_boot = spec.boot_seconds.value if isinstance(spec.boot_seconds, Constant) else None
        times = [microseconds(spec.site.tick_seconds), microseconds(spec.group.idle_seconds)]
        times.append(1 if fixed_boot is None else microseconds(fixed_boot))
        self.unit = common_unit((trace.submit_us, trace.run_us), times)
        self.spec = spec
        self.tick_every = times[0] // self.unit
        submit, run = in_units(trace.submit_us, self.unit), in_units(trace.run_us, self.unit)
        wants = trace.cores.tolist()
        self.pool = pool_of(submit, run, wants, spec)
        self.view = View(spec, self.pool, self.unit, recorded=on_tick is not None)
        self.draws = Draws(spec.seed)
        self.fixed_boot = None if fixed_boot is None else times[2] // self.unit
        self.on_tick = on_tick
        self.policies = {spec.group.policy: spec.policy}
        self.samples = Samples()
        self.decisions = 0
        self._acted = False
        # Reasons are made for those who read them; without records a plan is a number of launches or drains.
        self._in_numbers = on_tick is None and spec.at_once
        self._proposal: Mapping[str, Target] = {}
        self._same_until = UNKNOWN
        self._looks_ahead = spec.skips_quiet or spec.on_events
        self._demand = self._supply = 0

    def outcome(self) -> Outcome:
        """Run to the end, and fill in the tables."""
        at, quiet = 0, 0
        while True:
            self.pool.advance(at)
            wake, idles = self._decide()
            quiet = quiet + 1 if idles else 0
            if quiet and (wake == NEVER or quiet >= GIVE_UP_TICKS):
                return self._tables()
            at = self._next(at, wake)

    def _next(self, at: int, pending: int) -> int:
        """When to decide next: at the next tick, at the first that can differ, or with the next event."""
        every = self.tick_every
        if self.spec.on_events:
            return min(pending, at + every) if pending == NEVER else pending
        if not self.spec.skips_quiet or self._acted or pending == NEVER:
            return at + every
        ticks = max(1, -(-(pending - at) // every))
        self.view.skipped(at, ticks, every)
        return at + ticks * every

    def _decide(self) -> tuple[int, bool]:
        """One decision, carried out; until when it stays the same, and whether nothing was done and nothing pends."""
        view = self.view
        snapshot = view.snapshot()
        proposal = decide(snapshot, self.policies)
        self.decisions += 1
        if view.unchanged and self.pool.now < self._same_until and proposal == self._proposal:
            self._acted = False
            return self.pool.next_event(), False
        targets = constrain(proposal, snapshot, view.site)
        self._proposal = proposal
        self._sample()
        view.remember(snapshot, proposal)
        self._acted = self._carry_out(snapshot, proposal, targets)
        event = self.pool.next_event()
        idles = event == NEVER and not self._acted and not self.pool.held
        # Until the next event the same question has the same answer; once the last is past, the run may be over.
        quiet = not self._acted and self.pool.now + self.tick_every < event < NEVER
        looks = self._looks_ahead or idles or (quiet and self._in_numbers)
        until = min(event, quiet_until(view, snapshot, targets)) if looks else event
        self._same_until = until if quiet and self._in_numbers else UNKNOWN
        return until if self._looks_ahead or idles else event, idles

    def _carry_out(self, snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target]) -> bool:
        """Do what is to be done; whether there was anything."""
        if self._in_numbers and (steps := counted(snapshot, targets)) is not None:
            return self._count_out(steps)
        planned = plan(snapshot, targets, self.view.site)
        if self.on_tick is not None:
            self.on_tick(_recorded(snapshot, proposal, targets, planned))
        for action in planned.actions:
            self._do(action)
        return bool(planned.actions)

    def _count_out(self, steps: Steps) -> bool:
        """Launch or drain so many, without a value for each."""
        pool = self.pool
        if steps.launched:
            self._launch(steps.launched)
            return True
        gone = pool.victims(self.view.old_limit(), steps.drained) if steps.drained else []
        pool.remove(gone)
        return bool(gone)

    def _launch(self, workers: int) -> None:
        pool, fixed = self.pool, self.fixed_boot
        if fixed is not None:
            pool.launch_all([pool.now + fixed] * workers)
            return
        first = len(pool.requested)
        names = map(self.view.names.name, range(first, first + workers))
        pool.launch_all([pool.now + self._boot(name) for name in names])

    def _do(self, action: Action) -> None:
        pool = self.pool
        match action:
            case Launch():
                pool.launch(pool.now + self._boot(action.worker))
            case DrainWorker():
                number = self.view.names.number(action.worker)
                pool.drain(number)
                if self.spec.at_once:
                    pool.delete(number)
            case Delete():
                pool.delete(self.view.names.number(action.worker))
            case Resume():
                pool.resume(self.view.names.number(action.worker))
            case Adopt() | Forget():
                raise AssertionError(action)

    def _boot(self, worker: str) -> int:
        if self.fixed_boot is not None:
            return self.fixed_boot
        return self.view.units(max(0.0, self.spec.boot_seconds.at(self.draws.uniform("boot", worker))))

    def _sample(self) -> None:
        """What of demand and supply has moved since the last tick, until the last job has ended."""
        if self.pool.finished is not None and self.pool.now > self.pool.finished:
            return
        demand, supply = self.pool.demand, self.pool.ready
        moved_d = (demand > self._demand) - (demand < self._demand)
        moved_s = (supply > self._supply) - (supply < self._supply)
        self.samples.supply_without_demand += moved_s > moved_d
        self.samples.demand_without_supply += moved_d > moved_s
        self._demand, self._supply = demand, supply

    def _tables(self) -> Outcome:
        pool, unit = self.pool, self.unit
        pool.close()
        ended = pool.now if pool.finished is None else pool.finished
        self.samples.ticks = 0 if self.spec.on_events else ended // self.tick_every + 1
        table = WorkerTable(
            cores=self.spec.slots,
            requested=_scaled(pool.requested, unit),
            ready=_scaled(pool.ready_at, unit),
            drained=_scaled(pool.drained, unit),
            deleted=_scaled(pool.deleted, unit),
        )
        ends = _job_ends(pool.start, pool.run)
        return Outcome(
            start_us=_scaled(pool.start, unit),
            end_us=_scaled(ends, unit),
            worker=array("q", pool.worker),
            workers=table,
            integrals=self._integrals(ended, ends).scaled(unit),
            samples=self.samples,
            ended_us=ended * unit,
            stopped_us=pool.now * unit,
            launches=len(pool.requested),
            events=pool.arrived + pool.started + 2 * len(pool.requested),
            decisions=self.decisions,
        )

    def _integrals(self, ended: int, ends: list[int]) -> Integrals:
        """Those of the loop; supply by its few changes; and (s-d)+ from int s - int d = int (s-d)+ - int (d-s)+."""
        pool, totals = self.pool, self.pool.totals
        last = (
            drained if drained != UNKNOWN else deleted
            for drained, deleted in zip(pool.drained, pool.deleted, strict=True)
        )
        totals.ready = self.spec.slots * sum(
            (ended if until == UNKNOWN else min(until, ended)) - min(ready, ended)
            for ready, until in zip(pool.ready_at, last, strict=True)
            if ready != UNKNOWN
        )
        until_end = [ended if at == UNKNOWN else at for at in ends] if UNKNOWN in ends else ends
        if len(pool.shapes) == 1:
            demand = pool.shapes[0] * (sum(until_end) - sum(pool.submit) + NEVER)
        else:
            there = map(int.__sub__, until_end, pool.submit)
            demand = sum(map(int.__mul__, pool.wants, there))
        totals.over = totals.under + totals.ready - demand
        return totals


def pool_of(submit: list[int], run: list[int], wants: list[int], spec: ElasticSpec) -> Pool:
    """The pool that suits the jobs: the faster one wherever a worker holds one job at a time."""
    alike = spec.order == DEFAULT and wants.count(spec.slots) == len(wants)
    return (SinglePool if alike else Pool)(submit, run, wants, spec.slots, ORDERS[spec.order])


def _recorded(
    snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target], planned: Plan
) -> TickRecord:
    """The record of a decision whose actions all succeed; its workers are made now, because the pool moves on."""
    groups = {name: replace(group, workers=tuple(group.workers)) for name, group in snapshot.groups.items()}
    return TickRecord(
        tick=snapshot.tick,
        now=snapshot.now,
        snapshot=replace(snapshot, groups=groups),
        proposal=proposal,
        targets=targets,
        plan=planned,
        results=tuple(ActionResult(action=action, outcome=ActionOutcome.DONE) for action in planned.actions),
    )


def _job_ends(start: list[int], run: list[int]) -> list[int]:
    if UNKNOWN in start:
        return [at if at == UNKNOWN else at + took for at, took in zip(start, run, strict=True)]
    return list(map(int.__add__, start, run))


def _scaled(column: list[int], unit: int) -> Column:
    if UNKNOWN in column:
        return array("q", [at if at == UNKNOWN else at * unit for at in column])
    return array("q", list(map(unit.__mul__, column)))
