"""A decision for one plain group, where nobody reads its reasons: the policy, the guardrails, and the plan in numbers.

How many workers the core's planner would launch and drain is told by its own budgets; only the actions with their
reasons are not written. That this leads to the same as the planner is tested run by run.
"""

from collections.abc import Mapping

from elastic.core.budgets import drain_budget, launch_budget
from elastic.core.decide import decide
from elastic.core.guardrails import MOST_WORKERS, constrain
from elastic.core.lifecycle import Phase
from elastic.core.model import Demand, GroupDemand, Snapshot, WorkerGroup
from elastic.core.policy import Target
from elastic_simulations.fast.counted import Steps
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.view import View


def suits(spec: ElasticSpec) -> bool:
    """Whether runs like this can be decided so: nothing that lasts from one decision to the next but the pool."""
    lasting = spec.cancels or spec.learns or spec.metered or spec.skips_quiet or spec.on_events
    return spec.at_once and not lasting and not spec.group.scale_down_window_seconds


class Decider:
    """Asks the policy of one group. `unchanged` = the last snapshot differs from the one before in its time alone."""

    def __init__(self, spec: ElasticSpec, view: View, pool: Pool) -> None:
        """Begin with nothing seen."""
        self.unchanged = False
        self._name = spec.group.name
        self._policy = spec.policy
        self._policies = {spec.group.policy: spec.policy}
        self._view = view
        self._pool = pool
        self._seen: object = None
        first = view.snapshot()
        view.tick -= 1
        self._first, self._fleet = first, first.groups[self._name].workers
        self._offers = first.groups[self._name].template
        self._groups: Mapping[str, WorkerGroup] = {}
        self._demand = Demand()

    def snapshot(self) -> Snapshot:
        """What `View.snapshot` would give."""
        pool, view = self._pool, self._view
        view.tick += 1
        if pool.joined:
            pool.joined = []
        now = view.scale.at(pool.now)
        waiting = pool.arrived - pool.started
        seen = (pool.arrived, pool.running, pool.booting, pool.ready, view.group.memory)
        self.unchanged = not waiting and seen == self._seen
        if not self.unchanged:
            self._seen = seen
            self._look(now)
        return Snapshot(
            now=now,
            tick=view.tick,
            groups=self._groups,
            demand=self._demand,
            sources=self._first.sources,
            ledger=self._first.ledger,
            sequence=len(pool.requested),
        )

    def _look(self, now: float) -> None:
        pool, name, memory = self._pool, self._name, self._view.group.memory
        running, ready, booting = pool.running, pool.ready, pool.booting
        if pool.arrived > pool.started:
            self._demand, groups = self._view.asker.demand({name: memory}, now)
            asked = groups[name]
        else:
            self._demand, asked = Demand(running_jobs=running), GroupDemand(running_jobs=running)
        counts = {Phase.JOINING: booting} if booting else {}
        if ready:
            counts[Phase.READY] = ready
        group = WorkerGroup(
            spec=self._view.group.spec,
            counts=counts,
            busy=pool.busy,
            demand=asked,
            template=self._offers,
            load=pool.busy_cores / (ready * pool.slots) if ready else None,
            boot_allowance=memory.boot_allowance,
            policy_memory=memory.policy_memory,
            memory=memory,
            workers=self._fleet,
        )
        self._groups = {name: group}

    def proposal(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """What the core's `decide` makes of the policy's answer."""
        try:
            target = self._policy.decide(snapshot)[self._name]
        except Exception:  # noqa: BLE001 - a policy is somebody's file; `decide` says what is wrong with it
            return decide(snapshot, self._policies)
        plain = type(target) is Target and type(target.workers) is int and target.next_wake is None
        if plain and 0 <= target.workers <= MOST_WORKERS and type(target.reason) is type(target.memory) is str:
            return {self._name: target}
        return decide(snapshot, self._policies)

    def remembers(self, proposal: Mapping[str, Target]) -> bool:
        """Whether the policy wants something else remembered than what is."""
        return proposal[self._name].memory != self._view.group.memory.policy_memory

    def targets(self, proposal: Mapping[str, Target], snapshot: Snapshot) -> Mapping[str, Target]:
        """After the guardrails."""
        return constrain(proposal, snapshot, self._view.site)

    def steps(self, targets: Mapping[str, Target], snapshot: Snapshot) -> Steps:
        """As `counted.counted`."""
        pool, group = self._pool, snapshot.groups[self._name]
        there = pool.booting + pool.ready
        missing = targets[self._name].workers - there
        if missing >= 0:
            return Steps(min(missing, launch_budget(group)), 0)
        if group.memory.scale_down_stopped:
            return Steps(0, 0)
        return Steps(0, min(-missing, drain_budget(group)))
