"""A plan while it is being written, for the modules that write it."""

from dataclasses import dataclass, field

from elastic.core.actions import Action, Refusal
from elastic.core.model import Snapshot


@dataclass(slots=True)
class Draft:
    """The only mutable thing in the planning; it does not leave its modules."""

    snapshot: Snapshot
    sequence: int
    actions: list[Action] = field(default_factory=list)
    acted_on: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def act(self, action: Action) -> None:
        """One action a worker: the first counts, the next tick sees what came of it."""
        if action.worker not in self.acted_on:
            self.acted_on.add(action.worker)
            self.actions.append(action)

    def refuse(self, group: str, guardrail: str, direction: str, workers: int, reason: str, worker: str = "") -> None:
        self.refusals.append(
            Refusal(
                group=group,
                guardrail=guardrail,
                direction=direction,
                workers=workers,
                reason=reason,
                worker=worker,
            )
        )
