"""The elastic run: the pool moves on, the core decides, its plan is carried out; what faster engines must equal."""

from collections.abc import Mapping

from elastic.core.actions import Action, Adopt, Delete, DrainWorker, Forget, Launch, Resume
from elastic.core.decide import decide
from elastic.core.guardrails import constrain
from elastic.core.model import Snapshot
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic_simulations.draws import Constant, Draws
from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.counted import Steps, counted
from elastic_simulations.fast.feasible import check
from elastic_simulations.fast.meter import INTERVAL_SECONDS
from elastic_simulations.fast.orders import DEFAULT, ORDERS
from elastic_simulations.fast.outcome import Outcome, Samples
from elastic_simulations.fast.outlook import Outlook
from elastic_simulations.fast.pool import NEVER, Pool
from elastic_simulations.fast.quiet import quiet_until, stays_so
from elastic_simulations.fast.recording import Recorded, Recorder
from elastic_simulations.fast.single import SinglePool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.tables import tables_of
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.fast.view import View
from elastic_simulations.traces.following import depends
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

__all__ = ("Run", "check", "kind_of_run", "run_elastic")


def run_elastic(trace: Trace, spec: ElasticSpec, on_tick: Recorded | None = None) -> Outcome:
    """All jobs of the trace on a group that the policy grows and shrinks; `on_tick` is given each decision.

    TraceError names the line of a job that fits on no worker. A run in which jobs can never start ends with these
    unserved.
    """
    check(trace, spec)
    return kind_of_run(trace, spec)(trace, spec, on_tick).outcome()


def kind_of_run(trace: Trace, spec: ElasticSpec) -> "type[Run]":
    """The fastest that can do it."""
    if depends(trace):
        from elastic_simulations.fast.following import FollowingRun  # noqa: PLC0415 - built on this module

        return FollowingRun
    if spec.wide:
        from elastic_simulations.fast.wide import WideRun  # noqa: PLC0415 - as above

        return WideRun
    return Run


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * MICROSECONDS)


class Run:
    """One run on its way; faster engines give it another pool."""

    tables_of = staticmethod(tables_of)

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: Recorded | None) -> None:
        fixed_boot = spec.boot_seconds.value if isinstance(spec.boot_seconds, Constant) else None
        times = [microseconds(spec.site.tick_seconds), microseconds(spec.group.idle_seconds)]
        times.append(1 if fixed_boot is None else microseconds(fixed_boot))
        if spec.metered:
            times.append(microseconds(INTERVAL_SECONDS))
        self.unit, self.pool = self.pool_of(trace, spec, times)
        self.spec = spec
        self.tick_every = times[0] // self.unit
        self.view = View(spec, self.pool, self.unit, recorded=on_tick is not None)
        if spec.estimates:
            self.view.estimate(Outlook(trace, spec, self.pool, self.unit))
        self.draws = Draws(spec.seed)
        self.fixed_boot = None if fixed_boot is None else times[2] // self.unit
        # As in the full world, where a server that is not listed as building takes its time to join.
        self._boots = "boot" if spec.cancels else "join"
        self.recorder = None if on_tick is None else Recorder(self.view, on_tick)
        self.policies = {one.group.policy: one.policy for one in spec.workers}
        self.samples = Samples()
        self.decisions = 0
        self._acted = False
        # Reasons are made for those who read them; without records a plan is a number of launches or drains.
        self._in_numbers = on_tick is None and spec.at_once
        self._proposal: Mapping[str, Target] = {}
        self._same_until = UNKNOWN
        self._looks_ahead = spec.skips_quiet or spec.on_events
        self._demand = self._supply = 0
        self._scheduled = any(one.group.schedules for one in spec.workers)
        self._stays = False
        self.shut: list[tuple[int, int, int]] = []

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, Pool]:
        """The unit in us, in which these times are whole too, and the pool."""
        if spec.wide:
            raise SimulationError("a run like this looks at cores alone: leave out what else a worker has")
        unit = common_unit((trace.submit_us, trace.run_us), times)
        submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
        return unit, pool_of(submit, run, trace.cores.tolist(), spec)

    def outcome(self) -> Outcome:
        """Run to the end, and fill in the tables."""
        at, patience = 0, (self.spec.patience - 1) * self.tick_every
        since = UNKNOWN
        while True:
            self._advance(at)
            wake, idles = self._decide()
            since = UNKNOWN if not idles else at if since == UNKNOWN else since
            if idles and (wake == NEVER or self._stays or at - since >= patience):
                return self._tables()
            at = self._next(at, min(wake, since + patience) if idles else wake)

    def _advance(self, at: int) -> None:
        meter = self.view.meter
        while meter is not None and meter.due <= at:
            self.pool.advance(meter.due)
            meter.poll()
        self.pool.advance(at)

    def _next(self, at: int, pending: int) -> int:
        """When to decide next: at the next tick, at the first that can differ, or with the next event."""
        every = self.tick_every
        if self.spec.on_events:
            # Schedules go on for ever: what was done last is looked at once more before the next of them, or no look
            # would ever find that all is over.
            last = self._scheduled and self._acted and self.pool.finished is not None
            return min(pending, at + every) if last or pending == NEVER else pending
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
        idles = event == NEVER and not self._acted and not self.pool.held and not view.going
        # Until the next event the same question has the same answer; once the last is past, the run may be over.
        quiet = not self._acted and self.pool.now + self.tick_every < event < NEVER
        looks = self._looks_ahead or idles or (quiet and self._in_numbers)
        until = min(event, quiet_until(view, snapshot, targets)) if looks else event
        self._same_until = until if quiet and self._in_numbers else UNKNOWN
        over = idles and self._scheduled and self.pool.finished is not None
        self._stays = over and stays_so(view, snapshot, targets)
        return until if self._looks_ahead or idles else event, idles

    def _carry_out(self, snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target]) -> bool:
        """Do what is to be done; whether there was anything."""
        if self._in_numbers and (steps := counted(snapshot, targets)) is not None:
            return self._count_out(steps)
        planned = plan(snapshot, targets, self.view.site)
        if self.recorder is not None:
            self.recorder.record(snapshot, proposal, targets, planned)
        for action in planned.actions:
            self._do(action)
        if self.recorder is not None:
            self.recorder.acted()
        return bool(planned.actions)

    def _count_out(self, steps: Steps) -> bool:
        """Launch or drain so many, without a value for each."""
        pool = self.pool
        if steps.launched:
            self._launch(steps.launched)
            return True
        return bool(steps.drained and pool.retire(self.view.old_limit(), steps.drained))

    def _launch(self, workers: int) -> None:
        pool, fixed = self.pool, self.fixed_boot
        if fixed is not None:
            pool.launch_alike(workers, pool.now + fixed)
            return
        first = len(pool.requested)
        names = map(self.view.names.name, range(first, first + workers))
        pool.launch_all([pool.now + self._boot(name) for name in names])

    def _do(self, action: Action) -> None:
        pool, view = self.pool, self.view
        if isinstance(action, Launch):
            self._launch_one(action)
            return
        number = view.names.number(action.worker)
        records = view.records_of(number)
        match action:
            case DrainWorker():
                pool.drain(number)
                if self.spec.at_once:
                    pool.delete(number)
                else:
                    records.drain(number, action.nonce, view.now)
            case Delete():
                pool.delete(number)
                if not self.spec.at_once:
                    records.delete(number, action.reason, view.now)
            case Resume():
                self.shut.append((pool.drained[number], pool.now, pool.cores_of(number)))
                pool.resume(number)
                records.resume(number)
            case Forget():
                records.forget(number)
            case Adopt():
                raise AssertionError(action)

    def _launch_one(self, action: Launch) -> None:
        self.pool.launch(self.pool.now + self._boot(action.worker))

    def _boot(self, worker: str) -> int:
        if self.fixed_boot is not None:
            return self.fixed_boot
        return self.view.units(max(0.0, self.spec.boot_seconds.at(self.draws.uniform(self._boots, worker))))

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
        tables = self.tables_of(pool, unit, ended)
        totals = pool.totals
        # (s-d)+ from int s - int d = int (s-d)+ - int (d-s)+.
        # Workers that were taken back were no supply meanwhile.
        shut = sum(cores * max(0, min(until, ended) - since) for since, until, cores in self.shut)
        totals.ready = tables.supply - shut
        totals.over = totals.under + totals.ready - tables.demand
        return Outcome(
            start_us=tables.start_us,
            end_us=tables.end_us,
            worker=tables.worker,
            workers=tables.workers,
            integrals=totals.scaled(unit),
            samples=self.samples,
            ended_us=ended * unit,
            stopped_us=pool.now * unit,
            launches=len(pool.requested),
            events=pool.arrived + pool.started + 2 * len(pool.requested),
            decisions=self.decisions,
        )


def pool_of(submit: list[int], run: list[int], wants: list[int], spec: ElasticSpec) -> Pool:
    """The pool that suits the jobs: the faster one wherever a worker holds one job at a time."""
    alike = spec.order == DEFAULT and wants.count(spec.slots) == len(wants)
    return (SinglePool if alike else Pool)(submit, run, wants, spec.slots, ORDERS[spec.order])
