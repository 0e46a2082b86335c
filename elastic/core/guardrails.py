"""What stands between a policy's wish and a target: each guardrail may change the number, and leaves its reason."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from elastic.core.boots import may_boot
from elastic.core.model import SiteSpec, Snapshot, WorkerGroup
from elastic.core.override import Override, OverrideKind, in_force
from elastic.core.policy import Limited, Target

Guardrail = Callable[[Target, WorkerGroup, Snapshot, SiteSpec], Target]

MOST_WORKERS = 1_000_000
"""A policy that asks for more than this has a defect; so has one that asks for less than none."""


def constrain(proposal: Mapping[str, Target], snapshot: Snapshot, site: SiteSpec) -> Mapping[str, Target]:
    """Every group's target after all guardrails, in their order; a group without a proposal is held where it is."""
    targets: dict[str, Target] = {}
    for name, group in snapshot.groups.items():
        target = proposal.get(name) or Target(group.counted, "held: the policy says nothing of this group")
        for guardrail in GUARDRAILS:
            target = guardrail(target, group, snapshot, site)
        targets[name] = target
    return targets


def changed(target: Target, workers: int, guardrail: str, reason: str) -> Target:
    """The target at another number, with the guardrail's name and reason; the same target where the number stays."""
    if workers == target.workers:
        return target
    note = Limited(guardrail=guardrail, before=target.workers, after=workers, reason=reason)
    return replace(target, workers=workers, reason=f"{target.reason}; {reason}", limited=(*target.limited, note))


def sanity(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """An absurd number is a defect of the policy: hold."""
    if 0 <= target.workers <= MOST_WORKERS:
        return target
    return changed(target, group.counted, "sanity", f"held: {target.workers} workers is absurd")


def stabilisation(target: Target, group: WorkerGroup, snapshot: Snapshot, _site: SiteSpec) -> Target:
    """Going down only to the largest recommendation of the window, so that a dip of the queue removes nobody."""
    if not group.memory.recommendations:
        return target
    since = snapshot.now - group.spec.scale_down_window_seconds
    recent = [workers for at, workers in group.memory.recommendations if at > since]
    highest = min(max(recent, default=0), group.counted)
    if target.workers >= highest:
        return target
    window = f"within the last {group.spec.scale_down_window_seconds:.0f} s {highest} were recommended"
    return changed(target, highest, "stabilisation", window)


def schedule(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """What the hour asks for."""
    asked = group.schedule
    if asked.maximum is not None and target.workers > asked.maximum:
        return changed(target, asked.maximum, "schedule", asked.ceiling)
    if asked.minimum is not None and target.workers < asked.minimum:
        return changed(target, asked.minimum, "schedule", asked.floor)
    return target


def override(target: Target, group: WorkerGroup, snapshot: Snapshot, _site: SiteSpec) -> Target:
    """What the operator imposes: pin, ceiling, floor, pause, in this order."""
    for wish in in_force(snapshot.overrides, group.spec.name, snapshot.now) if snapshot.overrides else ():
        target = changed(target, _wished(wish, target, group), "override", wish.describe())
    return target


def _wished(wish: Override, target: Target, group: WorkerGroup) -> int:
    asked = wish.workers or 0
    match wish.kind:
        case OverrideKind.PIN:
            return asked
        case OverrideKind.CEILING:
            return min(target.workers, asked)
        case OverrideKind.FLOOR:
            return max(target.workers, asked)
        case OverrideKind.PAUSE:
            return group.counted


def limits(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """Never outside the configured limits, whoever asks."""
    low, high = group.spec.minimum, group.spec.maximum
    if low <= target.workers <= high:
        return target
    inside = min(max(target.workers, low), high)
    return changed(target, inside, "limits", f"limits are {low}..{high}")


def _without_boots(group: WorkerGroup) -> int:
    """How many workers there can be without asking for a new server: those taken back out of our own drains too."""
    return group.counted + group.resumable


def backoff(target: Target, group: WorkerGroup, snapshot: Snapshot, _site: SiteSpec) -> Target:
    """No new servers while the cloud has said no a moment ago."""
    if group.backoff_until <= snapshot.now or target.workers <= (most := _without_boots(group)):
        return target
    wait = group.backoff_until - snapshot.now
    return changed(target, most, "backoff", f"backoff for {wait:.0f} s more: {group.backoff_reason}")


def quota(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """Not more new servers than the cloud would accept."""
    left = group.quota_left
    if left is None or target.workers <= (most := _without_boots(group) + left):
        return target
    text = f"quota leaves {group.quota_left}" + (f" ({group.quota_reason})" if group.quota_reason else "")
    return changed(target, most, "quota", text)


def breaker(target: Target, group: WorkerGroup, snapshot: Snapshot, _site: SiteSpec) -> Target:
    """After five failed boots in a row, one canary at a time."""
    allowed = may_boot(group.breaker, snapshot.now)
    if allowed is None or target.workers <= _without_boots(group) + allowed:
        return target
    text = f"breaker {group.breaker.state.value} allows {allowed} boots: {group.breaker.reason}"
    return changed(target, _without_boots(group) + allowed, "breaker", text)


def step(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """Not more boots in flight than the group's boots have earned."""
    if target.workers <= group.boot_allowance:
        return target  # Those in flight are among them.
    in_flight = group.upcoming
    most = _without_boots(group) + max(0, group.boot_allowance - in_flight)
    if target.workers <= most:
        return target
    text = f"{in_flight} boots in flight, {group.boot_allowance} allowed for now"
    return changed(target, most, "step", text)


def settled(target: Target, group: WorkerGroup, _snapshot: Snapshot, _site: SiteSpec) -> Target:
    """While the cloud's own group changes, or holds members that are not taken over yet, its number stays."""
    if not group.changing:
        return target
    return changed(target, group.counted, "settled", f"held: {group.changing}")


def freshness(target: Target, group: WorkerGroup, snapshot: Snapshot, _site: SiteSpec) -> Target:
    """In doubt, keep: no shrinking on doubtful sources, no growing while blind."""
    trust = snapshot.trust
    if trust.shrink and target.workers < group.counted:
        return changed(target, group.counted, "freshness", f"no shrinking: {trust.shrink}")
    if not trust.grow:
        return target
    most = group.counted + (1 if _load_may_raise(target, group, snapshot) else 0)
    if target.workers > most:
        return changed(target, most, "freshness", f"no growing: {trust.grow}")
    return target


def _load_may_raise(target: Target, group: WorkerGroup, snapshot: Snapshot) -> bool:
    """Whether HTCondor's blindness leaves room for one boot at a time that the workers' load alone asks for.

    The cloud must answer: what has been launched already is known from there.
    """
    servers, load = snapshot.sources.get("servers"), snapshot.sources.get("load")
    sighted = servers is not None and servers.ok and load is not None and load.ok
    return target.on_load and sighted and not group.upcoming and group.load is not None


GUARDRAILS: tuple[Guardrail, ...] = (
    sanity,
    stabilisation,
    schedule,
    override,
    limits,
    backoff,
    quota,
    breaker,
    step,
    settled,
    freshness,
)
"""In the order in which they apply.

The operator comes after stabilisation and schedules (an override acts at once, whatever the hour) and before the
limits.
"""
