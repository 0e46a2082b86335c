"""Which workers may go, in which order; busy ones never."""

from collections import Counter
from collections.abc import Iterable, Sequence

from elastic.core.lifecycle import Phase
from elastic.core.model import LazyWorkers, Worker, WorkerGroup


def building_victims(workers: Iterable[Worker]) -> list[Worker]:
    """Servers that the cloud still lists as building and that never had a startd, the youngest first."""
    if isinstance(workers, LazyWorkers):
        return workers.building_victims()
    found = [
        w
        for w in workers
        if w.phase is Phase.BOOTING
        and w.building
        and not w.stale
        and not w.flagged
        and w.record.joined_at is None
        and not w.record.protected_by
    ]
    return sorted(found, key=lambda w: (-w.record.requested_at, w.name))


def idle_victims(workers: Iterable[Worker]) -> list[Worker]:
    """Ready workers that nothing speaks for, idle longest first; one that is switched off by us is put back first."""
    if isinstance(workers, LazyWorkers):
        return workers.idle_victims()
    found = [
        w
        for w in workers
        if w.phase is Phase.READY and not (w.busy or w.keep or w.flagged or w.stale) and w.record.fence_asked_at is None
    ]
    return sorted(found, key=lambda w: (-(w.idle_seconds or 0.0), w.name))


def passed_over(workers: Iterable[Worker], now: float) -> list[Worker]:
    """Idle workers that would be victims, were it not for a removal that could not be carried out."""
    if isinstance(workers, LazyWorkers):
        return []
    return [w for w in workers if w.record.passed_over_until > now and w.phase is Phase.READY and not w.busy]


BEGUN = frozenset({Phase.DRAINING, Phase.DRAINED, Phase.FAILED, Phase.LOST, Phase.DELETING})
"""Phases in which something was begun that a later tick goes on with."""


def unfinished(workers: Iterable[Worker]) -> list[Worker]:
    """Workers that need a look whatever the target is: something was begun with them, or somebody wishes something."""
    if isinstance(workers, LazyWorkers):
        return workers.unfinished()
    return [
        w
        for w in workers
        if not w.steady
        and (w.phase in BEGUN or w.record.wish or w.record.quarantine or w.record.fence_asked_at is not None)
    ]


def resumable(workers: Iterable[Worker]) -> list[Worker]:
    """Workers that our own drain holds back and nothing else does.

    Cheapest to take back first (not fenced, then by name).
    """
    found = [
        w
        for w in workers
        if w.phase in (Phase.DRAINING, Phase.DRAINED)
        and w.record.delete_asked_at is None
        and w.record.wish is None
        and not w.record.quarantine
    ]
    return sorted(found, key=lambda w: (w.record.fence_asked_at is not None, w.phase is Phase.DRAINED, w.name))


def cancellable(group: WorkerGroup, surplus: int) -> int:
    """How many servers that are still building may be cancelled.

    Those with jobs waiting for them only where idle workers without jobs cannot make up the surplus: these go as soon
    as they may, and a boot cancelled meanwhile would be asked for again.
    """
    demand = group.demand
    without_jobs = max(0, group.upcoming - demand.held_upcoming)
    idle = max(0, group.idle - (demand.held_workers - demand.held_upcoming))
    return min(surplus, max(without_jobs, surplus - idle))


def why_kept(workers: Sequence[Worker]) -> str:
    """Why the ready workers that are not victims are kept, counted by reason."""
    if isinstance(workers, LazyWorkers):
        return workers.why_kept()
    reasons = Counter(
        w.keep or ("server status needs a look" if w.flagged else "its source is stale")
        for w in workers
        if w.phase is Phase.READY and (w.keep or w.flagged or w.stale)
    )
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
