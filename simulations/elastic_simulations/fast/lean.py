"""A run that decides in numbers where it may, as `elastic sim run` and campaigns do: nobody reads its reasons."""

from elastic_simulations.fast.deciding import Decider, suits
from elastic_simulations.fast.elastic import Run
from elastic_simulations.fast.pool import NEVER
from elastic_simulations.fast.quiet import quiet_until
from elastic_simulations.fast.recording import Recorded
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import UNKNOWN, Trace


class LeanRun(Run):
    """Leaves behind what every run does (tested), in less time."""

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: Recorded | None) -> None:
        """Make the pool ready; with somebody who reads records, be as every run."""
        super().__init__(trace, spec, on_tick)
        self._decider = Decider(spec, self.view, self.pool) if on_tick is None and suits(spec) else None

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
