"""Event mode under a policy that looks at counts alone: what was decided for the same counts is not worked out again.

Each answer is what decide, constrain and plan made of a Snapshot when its counts came for the first time. Every
thousandth decision is made anew: a policy that looks at more than counts is found out.
"""

from collections.abc import Mapping
from typing import NamedTuple

from elastic.core.actions import Delete, DrainWorker, Launch
from elastic.core.model import Snapshot
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.elastic import Run, check
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import NEVER
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import UNKNOWN, Trace

AGAIN = 1000
"""One decision in so many is made anew, whatever is known."""


class Situation(NamedTuple):
    """All that a policy of counts sees of one group of workers that hold one job each."""

    waiting: int
    running: int
    booting: int
    ready: int


class Steps(NamedTuple):
    """A plan in numbers: new workers, boots cancelled (youngest first), idle workers that go (idle longest first)."""

    launched: int
    cancelled: int
    drained: int


def run_by_counts(trace: Trace, spec: ElasticSpec) -> Outcome:
    """As `fast.elastic.run_elastic`; SimulationError where more than counts decides."""
    check(trace, spec)
    group = spec.group
    others = (spec.wide, spec.metered, spec.learns, spec.estimates, group.idle_seconds, group.scale_down_window_seconds)
    if any(others) or group.schedules or not (spec.on_events and spec.at_once) or set(trace.cores) != {spec.slots}:
        raise SimulationError("counts are not all that decides in such a run")
    return CountsRun(trace, spec, None).outcome()


class CountsRun(Run):
    """One such run on its way."""

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: None) -> None:
        super().__init__(trace, spec, on_tick)
        self._answers: dict[Situation, Steps] = {}
        self._steps: Steps | None = None
        self._in_numbers = False

    def _decide(self) -> tuple[int, bool]:
        pool = self.pool
        counts = Situation(pool.waiting, pool.running, pool.booting, pool.ready)
        known = self._answers.get(counts)
        if known is None or not self.decisions % AGAIN:
            return self._ask(counts, known)
        self.decisions += 1
        self._sample()
        if any(known):
            self._do_steps(known)
        event = pool.next_event()
        return event, event == NEVER and not any(known)

    def _ask(self, counts: Situation, known: Steps | None) -> tuple[int, bool]:
        """As every run decides; what comes of it is kept where nothing but counts can have led to it."""
        until, idles = super()._decide()
        steps, self._steps = self._steps, None
        if steps is not None and until == self.pool.next_event():
            self._answers[counts] = steps
        if known is not None and known != steps:
            raise SimulationError(f"the policy looks at more than counts: {steps} after {known} for {counts}")
        return until, idles

    def _carry_out(self, snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target]) -> bool:
        planned = plan(snapshot, targets, self.view.site)
        if not any(target.memory for target in proposal.values()):
            self._steps = _steps(planned)
        for action in planned.actions:
            self._do(action)
        return bool(planned.actions)

    def _do_steps(self, steps: Steps) -> None:
        pool = self.pool
        if steps.launched:
            self._launch(steps.launched)
        for number in self._building()[: steps.cancelled] if steps.cancelled else ():
            pool.delete(number)
        if steps.drained:
            pool.remove(pool.victims(self.view.old_limit(), steps.drained))

    def _building(self) -> list[int]:
        """Workers whose boots may be cancelled, in the planner's order: the youngest first, then by name."""
        pool = self.pool
        found = [number for number in pool.alive if pool.ready_at[number] == UNKNOWN]
        return sorted(found, key=lambda number: (-pool.requested[number], str(number + 1)))


def _steps(planned: Plan) -> Steps | None:
    """The plan in numbers; None where it is more than that."""
    counts = [sum(isinstance(action, kind) for action in planned.actions) for kind in (Launch, Delete, DrainWorker)]
    return Steps(*counts) if sum(counts) == len(planned.actions) else None
