"""Clip demand by the concurrency limits and group quotas that can be read: jobs that may not start need no worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastic.core.model import Unserved
from elastic.core.observation import JobShape, Negotiation


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped:
    """How many idle jobs of each shape could start if there were room, and who could not."""

    startable: Mapping[str, int]
    unserved: tuple[Unserved, ...]


def clip(shapes: Sequence[JobShape], negotiation: Negotiation) -> Clipped:
    """In shape order, each shape takes what its tightest limit leaves; a limit that cannot be read does not clip."""
    left = dict(negotiation.limits)
    for shape in shapes:
        _take(shape, shape.running, left, {})
    quota = _quota_left(shapes, negotiation)
    startable: dict[str, int] = {}
    unserved: list[Unserved] = []
    for shape in shapes:
        jobs = shape.idle + shape.hidden
        allowed, why = _tightest(shape, left, quota, jobs)
        startable[shape.id] = allowed
        _take(shape, allowed, left, quota)
        if allowed < jobs:
            text = f"{why} allows {allowed} more"
            cause = "group quota" if why.startswith("group quota") else "concurrency limit"
            unserved.append(
                Unserved(shape=shape.id, jobs=jobs - allowed, cause=cause, reason=text, example=shape.example)
            )
    return Clipped(startable=startable, unserved=tuple(unserved))


def _quota_left(shapes: Sequence[JobShape], negotiation: Negotiation) -> dict[str, float]:
    """What each group's quota leaves: the negotiator tells of use every few minutes, the queue of what runs by now."""
    running: dict[str, int] = {}
    for shape in shapes:
        slots = shape.running * max(1, shape.request.cpus)
        running[shape.accounting_group] = running.get(shape.accounting_group, 0) + slots
    return {name: total - max(used, running.get(name, 0)) for name, (total, used) in negotiation.group_quotas.items()}


def _tightest(shape: JobShape, left: Mapping[str, float], quota: Mapping[str, float], jobs: int) -> tuple[int, str]:
    allowed, why = jobs, ""
    for name, weight in shape.concurrency_limits:
        remaining = left.get(name.lower())
        if remaining is not None and weight > 0 and int(max(0.0, remaining) // weight) < allowed:
            allowed, why = int(max(0.0, remaining) // weight), f"concurrency limit {name}"
    remaining = quota.get(shape.accounting_group)
    slots = max(1, shape.request.cpus)
    if remaining is not None and int(max(0.0, remaining) // slots) < allowed:
        allowed, why = int(max(0.0, remaining) // slots), f"group quota of {shape.accounting_group}"
    return allowed, why


def _take(shape: JobShape, jobs: int, left: dict[str, float], quota: dict[str, float]) -> None:
    for name, weight in shape.concurrency_limits:
        if name.lower() in left:
            left[name.lower()] -= jobs * weight
    if shape.accounting_group in quota:
        quota[shape.accounting_group] -= jobs * max(1, shape.request.cpus)
