"""How many workers of a group may be launched and drained at one time: numbers, for whoever plans by counts."""

from elastic.core.lifecycle import Phase
from elastic.core.model import WorkerGroup

# Looked up once: these are asked for at each tick of a simulation.
_DRAINING, _DRAINED = Phase.DRAINING, Phase.DRAINED


def launch_budget(group: WorkerGroup) -> int:
    """How many more servers there may be: the maximum counts every one that exists, whatever its phase."""
    return max(0, group.spec.maximum - group.existing)


def drain_budget(group: WorkerGroup) -> int:
    """How many more may begin to drain.

    A tenth of the workers (at least one), drains under way and foreign ones counted in.
    """
    count = group.counts.get
    under_way = count(_DRAINING, 0) + count(_DRAINED, 0) + group.foreign_draining
    in_service = group.ready + under_way
    return max(0, max(1, int(group.spec.drain_fraction * in_service)) - under_way)
