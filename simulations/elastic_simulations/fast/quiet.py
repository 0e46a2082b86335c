"""How long nothing can be decided anew, when nothing happens in the pool: quiet time then costs nothing."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic.core.schedules import NOTHING_ASKED
from elastic.core.wakes import next_wake
from elastic_simulations.fast.pool import NEVER
from elastic_simulations.fast.view import View


def stays_so(view: View, snapshot: Snapshot, targets: Mapping[str, Target]) -> bool:
    """Whether nothing is decided any more once all jobs are over: schedules go on for ever, and do not count."""
    groups = {name: replace(group, schedule=NOTHING_ASKED) for name, group in snapshot.groups.items()}
    return quiet_until(view, replace(snapshot, groups=groups), targets) == NEVER


def quiet_until(view: View, snapshot: Snapshot, targets: Mapping[str, Target]) -> int:
    """In units: the first moment at which a decision may differ from the last; NEVER when there is none.

    The minimum over the core's own wakes (policy, guardrails, overrides, schedules), idle workers growing old enough to
    go, and recommendations leaving the stabilisation window. Where events decide, a new sample of the load is one, and
    what a policy remembers is none: it asks for a moment by `next_wake`.
    """
    now = view.pool.now
    if view.going_on if view.spec.on_events else view.restless:
        return now + 1
    wakes = [view.next_old()]
    if view.spec.on_events and view.meter is not None and view.load_moves:
        wakes.append(view.meter.due)
    # Without a clock no action asks for a look of its own: what it did is in the pool, and the pool is looked at.
    at, _ = next_wake(snapshot, targets, (), view.timeless)
    if at != inf:
        wakes.append(view.scale.when(at))
    for group in view.groups:
        window, kept = group.spec.scale_down_window_seconds, group.memory.recommendations
        if window and kept:
            higher = [when for when, workers in kept if workers > kept[-1][1]]
            # A moment too early decides nothing else; sums of seconds are rounded.
            wakes.extend(view.scale.when(when + window) - 1 for when in higher)
    return min(min((max(wake, now + 1) for wake in wakes), default=NEVER), NEVER)
