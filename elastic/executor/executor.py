"""Carrying out a plan: kind by kind, several workers at a time, one result for each action."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from elastic.core.actions import (
    Action,
    ActionResult,
    Adopt,
    Delete,
    DrainWorker,
    Forget,
    Launch,
    Outcome,
    Resume,
    verb,
)
from elastic.core.memory import Memory
from elastic.core.model import GroupSpec
from elastic.core.observation import JobsOnWorkers
from elastic.core.record import Plan
from elastic.executor import deletion, drain, fleet
from elastic.executor.patience import DEADLINE_SECONDS, Patience
from elastic.executor.results import attempted, refused, unless_obstacle
from elastic.executor.run import Ports, Run
from elastic.ports import BatchSystem, Calls, Cloud, Ledger

SIDE_BY_SIDE = 16
"""Workers acted on at once: a drain takes milliseconds, a fence a tenth of a second, a silent one its time-out."""

Told = Callable[[ActionResult], None]


def silent(_result: ActionResult) -> None:
    """Nobody wants to hear of results as they come."""


class Acts(Protocol):
    """Something that carries out plans, or only says that it would."""

    mode: str

    def execute(
        self, plan: Plan, memory: Memory, specs: Mapping[str, GroupSpec], now: float, on_result: Told = silent
    ) -> tuple[ActionResult, ...]:
        """One result for each action of the plan, in its order; `memory` is what the ledger holds. Raise nothing."""
        ...


def never() -> bool:
    """No stop is ever asked for."""
    return False


class Executor:
    """Acts on the world. Adopt and forget first, then resume before launch, drain before delete.

    `stopping` is asked before each action and while waiting; once it is true nothing more is begun.
    """

    mode = "act"

    def __init__(
        self,
        *,
        batch: BatchSystem,
        cloud: Cloud,
        ledger: Ledger,
        calls: Calls,
        stopping: Callable[[], bool] = never,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Wait for no call yet."""
        self._ports = Ports(batch, cloud, ledger)
        self._calls = calls
        self._patience = Patience(calls, deadline_seconds, stopping)

    def execute(
        self,
        plan: Plan,
        memory: Memory,
        specs: Mapping[str, GroupSpec],
        now: float,
        on_result: Told = silent,
    ) -> tuple[ActionResult, ...]:
        """Carry out what is still right when looked at again; `on_result` hears of each result as it comes."""
        run = Run(self._ports, self._patience, memory, specs, now)
        work = _Work(run, self._calls, on_result)
        actions = work.one_each(plan.actions)
        for kind in (Adopt, Forget, Resume):
            work.each([a for a in actions if isinstance(a, kind)])
        work.launch([a for a in actions if isinstance(a, Launch)], plan.sequence)
        work.each([a for a in actions if isinstance(a, DrainWorker)])
        work.delete([a for a in actions if isinstance(a, Delete)])
        return tuple(work.results[action] for action in plan.actions)


class DryExecutor:
    """Says what would be done, and does nothing."""

    def __init__(self, mode: str = "observe") -> None:
        """`mode` is what tick records are to say."""
        self.mode = mode

    def execute(
        self,
        plan: Plan,
        memory: Memory,
        specs: Mapping[str, GroupSpec],
        now: float,
        on_result: Told = silent,
    ) -> tuple[ActionResult, ...]:
        """Every action, not done."""
        results = tuple(ActionResult(action=action, outcome=Outcome.DRY) for action in plan.actions)
        for result in results:
            on_result(result)
        return results


class _Work:
    """One plan being carried out."""

    def __init__(self, run: Run, calls: Calls, on_result: Told) -> None:
        self.results: dict[Action, ActionResult] = {}
        self._run = run
        self._calls = calls
        self._on_result = on_result

    def one_each(self, actions: Sequence[Action]) -> Sequence[Action]:
        """The first action about each worker: two at once could undo each other in the middle."""
        first: dict[str, Action] = {}
        for action in dict.fromkeys(actions):
            if first.setdefault(action.worker, action) is not action:
                self._tell(refused(action, f"{verb(first[action.worker])} comes first; one action at a time"))
        return tuple(first.values())

    def each(self, actions: Sequence[Adopt | Forget | Resume | DrainWorker]) -> None:
        self._side_by_side(partial(self._one, action) for action in actions)

    def launch(self, actions: Sequence[Launch], sequence: int) -> None:
        by_group = {
            group: [a for a in actions if a.group == group] for group in dict.fromkeys(a.group for a in actions)
        }
        self._side_by_side(partial(self._launch, group, mine, sequence) for group, mine in by_group.items())

    def delete(self, actions: Sequence[Delete]) -> None:
        begun: list[deletion.Begun] = []
        self._side_by_side(partial(self._begin, action, begun) for action in actions)
        begun.sort(key=lambda b: actions.index(b.action))
        jobs = deletion.ask_schedds(self._run, begun)
        self._side_by_side(partial(self._finish, b, jobs) for b in begun)

    def _launch(self, group: str, actions: Sequence[Launch], sequence: int) -> None:
        for result in fleet.launch(self._run, group, actions, sequence):
            self._tell(result)

    def _one(self, action: Adopt | Forget | Resume | DrainWorker) -> None:
        self._tell(unless_obstacle(self._run, action, partial(_carry_out, self._run, action)))

    def _begin(self, action: Delete, begun: list[deletion.Begun]) -> None:
        """A worker fit so far is added to `begun`; for any other this is the end."""
        result = unless_obstacle(self._run, action, partial(deletion.begin, self._run, action))
        if isinstance(result, ActionResult):
            self._tell(result)
        else:
            begun.append(result)

    def _finish(self, begun: deletion.Begun, jobs: JobsOnWorkers | None) -> None:
        self._tell(attempted(begun.action, partial(deletion.finish, self._run, begun, jobs)))

    def _tell(self, result: ActionResult) -> None:
        self.results[result.action] = result
        self._on_result(result)

    def _side_by_side(self, steps: Iterable[Callable[[], None]]) -> None:
        """Carry out these steps, at most SIDE_BY_SIDE at once, in order where calls are made inline."""
        waiting = deque(steps)

        def work() -> None:
            while True:
                try:
                    step = waiting.popleft()
                except IndexError:
                    return
                step()

        begun = [self._calls.start(work) for _ in range(min(SIDE_BY_SIDE, len(waiting)))]
        for worker in begun:
            worker.result()


def _carry_out(run: Run, action: Adopt | Forget | Resume | DrainWorker) -> ActionResult:
    match action:
        case Adopt():
            return fleet.adopt(run, action)
        case Forget():
            return fleet.forget(run, action)
        case Resume():
            return drain.resume(run, action)
        case DrainWorker():
            return drain.drain(run, action)
