"""What a policy is: a value with `decide`, which says how many workers each group should have, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from elastic.core.model import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """One guardrail's change of a target: which guardrail, from and to how many workers, and why."""

    guardrail: str
    before: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """How many workers a group should have (upcoming and ready), and why; a level, never a delta.

    `memory` is handed back to the policy at its next call, as `snapshot.groups[name].policy_memory`; it survives
    restarts.
    `next_wake` (seconds since the epoch) asks for a decision no later than then.
    `limited` is filled by the guardrails alone. `on_load` = the workers' CPU load alone asks for so many: that may add
    one worker at a time while HTCondor is blind.
    """

    workers: int
    reason: str
    memory: str = ""
    next_wake: float | None = None
    limited: tuple[Limited, ...] = ()
    on_load: bool = False


class Policy(Protocol):
    """Anything with this method is a policy; parameters are the fields of a frozen dataclass.

    `decide` must answer from the snapshot alone, for every group in it or for those it knows; a group without an
    answer, and
    every group when `decide` raises, is held where it is.
    """

    def decide(self, snapshot: Snapshot, /) -> Mapping[str, Target]:
        """How many workers each group should have."""
