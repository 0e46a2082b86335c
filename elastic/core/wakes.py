"""When to look again: the earliest moment at which something could be decided that cannot be decided now."""

from collections.abc import Iterable, Iterator, Mapping

from elastic.core.actions import Action, Delete, DrainWorker, Resume
from elastic.core.lifecycle import Phase
from elastic.core.memory import BreakerState
from elastic.core.model import SiteSpec, Snapshot, WorkerGroup
from elastic.core.policy import Target


def next_wake(
    snapshot: Snapshot, targets: Mapping[str, Target], actions: Iterable[Action], site: SiteSpec
) -> tuple[float, str]:
    """The next tick (seconds since the epoch) and why then; never closer than `min_wake_seconds`."""
    soon = snapshot.now + site.min_wake_seconds
    wakes = [(snapshot.now + site.tick_seconds, "the next regular tick")]
    if any(isinstance(action, DrainWorker | Resume | Delete) for action in actions):
        wakes.append((soon, "what was done now is looked at again"))
    for imposed in snapshot.overrides:
        what = f"{imposed.kind.value} of {imposed.group}"
        wakes += [(imposed.created_at, f"{what} begins"), (imposed.expires_at, f"{what} ends")]
    for name, target in targets.items():
        if target.next_wake is not None:
            wakes.append((target.next_wake, f"the policy of {name} asks for it"))
    for group in snapshot.groups.values():
        wakes.extend(_of_group(group, snapshot.now, soon, site))
    at, why = min((max(at, soon), why) for at, why in wakes if at > snapshot.now)
    return at, why


def _of_group(group: WorkerGroup, now: float, soon: float, site: SiteSpec) -> Iterator[tuple[float, str]]:
    name = group.spec.name
    if group.breaker.state is BreakerState.OPEN:
        yield group.breaker.next_canary_at, f"{name} may boot a canary"
    if group.schedule.until is not None:
        yield group.schedule.until, f"a schedule of {name} begins or ends"
    if group.backoff_until:
        yield group.backoff_until, f"the backoff of {name} ends"
    if not any(group.count(phase) for phase in (Phase.DRAINING, Phase.DRAINED, Phase.DELETING, Phase.LOST, Phase.GONE)):
        return
    for worker in group.workers:
        drain = worker.record.drain
        if worker.record.missing_since == now:
            yield soon, f"{worker.name} is asked for a second time"
        elif worker.phase is Phase.DRAINING:
            # An empty worker has drained within a second; one with jobs takes hours, and regular ticks see that.
            if drain is not None and now - drain.asked_at < site.tick_seconds:
                yield soon, f"{worker.name} is draining"
        elif drain is not None and drain.confirmed_at is not None and worker.record.delete_asked_at is None:
            yield drain.confirmed_at + group.spec.validation_seconds, f"{worker.name} is validated again"
