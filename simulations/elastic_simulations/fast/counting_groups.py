"""Event mode with several groups under policies of counts: as `situations`, with what is decided for each group."""

from collections.abc import Mapping
from typing import NamedTuple

from elastic.core.actions import DrainWorker, Launch
from elastic.core.model import Snapshot
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic_simulations.draws import Constant
from elastic_simulations.errors import SimulationError
from elastic_simulations.fast.elastic import check
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import NEVER
from elastic_simulations.fast.shaped import ShapedPool
from elastic_simulations.fast.situations import AGAIN
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.wide import WideRun
from elastic_simulations.traces.trace import Trace


class Steps(NamedTuple):
    """Of one group: new workers, and idle ones that go."""

    launched: int
    drained: int


def run_by_counts_of_groups(trace: Trace, spec: ElasticSpec) -> Outcome:
    """As `fast.elastic.run_elastic`; SimulationError where more than counts decides."""
    check(trace, spec)
    timed = any(one.group.idle_seconds or one.group.scale_down_window_seconds for one in spec.workers)
    scheduled = any(one.group.schedules for one in spec.workers)
    drawn = not all(isinstance(one.boot_seconds, Constant) for one in spec.workers)
    others = (timed, scheduled, drawn, spec.shaped, spec.metered, spec.learns, spec.cancels, spec.estimates)
    if any(others) or not (spec.on_events and spec.at_once) or len(set(trace.cores)) > 1:
        raise SimulationError("counts are not all that decides in such a run")
    return GroupsRun(trace, spec, None).outcome()


class GroupsRun(WideRun):
    """One such run on its way."""

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: None) -> None:
        super().__init__(trace, spec, on_tick)
        self._names = [one.group.name for one in spec.workers]
        self._answers: dict[tuple[int, ...], tuple[Steps, ...]] = {}
        self._steps: tuple[Steps, ...] | None = None
        self._in_numbers = False
        boots = [one.boot_seconds for one in spec.workers]
        self._boot_units = [self.view.units(boot.value) for boot in boots if isinstance(boot, Constant)]

    @property
    def _shaped(self) -> ShapedPool:
        if not isinstance(self.pool, ShapedPool):
            raise TypeError(self.pool)
        return self.pool

    def _decide(self) -> tuple[int, bool]:
        pool = self._shaped
        counts = (pool.waiting, *(count for part in pool.parts for count in (part.jobs, part.booting, part.ready)))
        known = self._answers.get(counts)
        if known is None or not self.decisions % AGAIN:
            return self._ask(counts, known)
        self.decisions += 1
        self._sample()
        acts = any(map(any, known))
        if acts:
            self._do_steps(known)
        event = pool.next_event()
        return event, event == NEVER and not acts

    def _ask(self, counts: tuple[int, ...], known: tuple[Steps, ...] | None) -> tuple[int, bool]:
        """As every run decides; what comes of it is kept where nothing but counts can have led to it."""
        until, idles = super()._decide()
        steps, self._steps = self._steps, None
        if steps is not None and until == self.pool.next_event():
            self._answers[counts] = steps
        if known is not None and known != steps:
            raise SimulationError(f"a policy looks at more than counts: {steps} after {known} for {counts}")
        return until, idles

    def _carry_out(self, snapshot: Snapshot, proposal: Mapping[str, Target], targets: Mapping[str, Target]) -> bool:
        planned = plan(snapshot, targets, self.view.site)
        if not any(target.memory for target in proposal.values()):
            self._steps = self._in_steps(planned)
        for action in planned.actions:
            self._do(action)
        return bool(planned.actions)

    def _in_steps(self, planned: Plan) -> tuple[Steps, ...] | None:
        """The plan in numbers; None where it is more than that."""
        if not all(isinstance(action, Launch | DrainWorker) for action in planned.actions):
            return None
        kinds = [(type(action), action.group) for action in planned.actions]
        return tuple(Steps(kinds.count((Launch, name)), kinds.count((DrainWorker, name))) for name in self._names)

    def _do_steps(self, groups: tuple[Steps, ...]) -> None:
        pool = self._shaped
        for place, steps in enumerate(groups):
            for _ in range(steps.launched):
                pool.launch_in(place, pool.now + self._boot_units[place])
            if steps.drained:
                idle = pool.parts[place].idlers
                pool.remove(sorted(idle, key=lambda number: (idle[number], str(number + 1)))[: steps.drained])
