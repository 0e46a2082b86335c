"""Elastic and static runs by the compiled loops; what they leave behind is what `fast.elastic` and `fast.static` do."""

from elastic_simulations.fast.compiled.deciding import Decider, suits
from elastic_simulations.fast.compiled.limits import KINDS
from elastic_simulations.fast.compiled.pool import CompiledPool, Jobs
from elastic_simulations.fast.compiled.tables import as_array, in_units, tables_of, unit_of
from elastic_simulations.fast.elastic import Run, check
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.pool import NEVER
from elastic_simulations.fast.quiet import quiet_until
from elastic_simulations.fast.recording import Recorded
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import UNKNOWN, Trace


def run_elastic(trace: Trace, spec: ElasticSpec, on_tick: Recorded | None = None) -> Outcome:
    """As `fast.elastic.run_elastic`, in the same words."""
    check(trace, spec)
    return CompiledRun(trace, spec, on_tick).outcome()


class CompiledRun(Run):
    """Decides as every run does; between decisions the compiled loops move the pool on."""

    tables_of = staticmethod(tables_of)
    pool: CompiledPool

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: Recorded | None) -> None:
        """Make the pool ready; where nobody reads reasons, decide in numbers."""
        super().__init__(trace, spec, on_tick)
        self._decider = Decider(spec, self.view, self.pool) if on_tick is None and suits(spec) else None

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, CompiledPool]:
        """The unit in us, and the pool."""
        unit = unit_of(trace, times)
        jobs = Jobs(in_units(trace.submit_us, unit), in_units(trace.run_us, unit), as_array(trace.cores))
        return unit, CompiledPool(jobs, spec.slots, ORDERS[spec.order], KINDS[spec.order])

    def _decide(self) -> tuple[int, bool]:
        """As every run does, but by the decider where there is one."""
        decider, pool, view = self._decider, self.pool, self.view
        if decider is None:
            return super()._decide()
        snapshot = decider.snapshot()
        proposal = decider.proposal(snapshot)
        self.decisions += 1
        if decider.unchanged and pool.now < self._same_until and proposal == self._proposal:
            self._acted = False
            return pool.next_event(), False
        targets = decider.targets(proposal, snapshot)
        self._proposal = proposal
        self._sample()
        view.restless = False
        if decider.remembers(proposal):
            view.remember(snapshot, proposal)
        self._acted = self._count_out(decider.steps(targets, snapshot))
        event = pool.next_event()
        idles = event == NEVER and not self._acted
        quiet = not self._acted and pool.now + self.tick_every < event < NEVER
        until = min(event, quiet_until(view, snapshot, targets)) if quiet or idles else event
        self._same_until = until if quiet else UNKNOWN
        return until if idles else event, idles
