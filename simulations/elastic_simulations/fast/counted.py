"""What a plan comes to in numbers, where nobody reads its reasons: how many workers to launch, how many to drain.

The core's own arithmetic (`elastic.core.budgets`); that it is what the planner plans is tested tick by tick.
"""

from collections.abc import Mapping
from typing import NamedTuple

from elastic.core.budgets import drain_budget, launch_budget
from elastic.core.lifecycle import Phase
from elastic.core.model import Snapshot
from elastic.core.policy import Target

PLAIN = frozenset({Phase.BOOTING, Phase.JOINING, Phase.READY})
"""Phases of workers with which nothing was begun; nobody wishes anything of one worker in a run that counts."""


class Steps(NamedTuple):
    """`launched` new workers, and at most `drained` of those that have been idle long enough, idle longest first."""

    launched: int
    drained: int


NOTHING = Steps(0, 0)


def counted(snapshot: Snapshot, targets: Mapping[str, Target]) -> Steps | None:
    """The steps for the one group; None where more than numbers is to be planned: ask the planner."""
    if snapshot.overrides or snapshot.orphans or snapshot.trust.act or len(snapshot.groups) != 1:
        return None
    ((name, group),) = snapshot.groups.items()
    if not PLAIN.issuperset(group.counts):
        return None
    missing = targets[name].workers - group.counted
    if missing > 0:
        return Steps(min(missing, launch_budget(group)), 0)
    if not missing or group.memory.scale_down_stopped:
        return NOTHING
    if Phase.BOOTING in group.counts:
        return None
    return Steps(0, min(-missing, drain_budget(group)))
