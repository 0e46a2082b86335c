"""The rule of the 2017 thesis: one worker more above a CPU threshold, one less below another, with a cooldown."""

from collections.abc import Mapping
from dataclasses import dataclass

from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Thesis:
    """Mean CPU of a group's workers above `high`: +1; below `low`: -1; nothing for `cooldown_seconds` after a change.

    Loads are shares of all cpus (0..1). The thesis' Heat group ran with 0.50, 0.10, 60 s and limits 1..7. It sees
    load alone: a queue behind an idle pool does not move it, and without telemetry it holds. While HTCondor is blind
    it may raise a group, never lower it. (That Heat then removed the oldest worker was Heat's doing; here only drained
    workers go.)
    """

    high: float = 0.50
    low: float = 0.10
    cooldown_seconds: float = 60.0

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """One step up, one step down or none, for every group."""
        blind = snapshot.trust.grow
        return {name: self._of(group, snapshot.now, blind=bool(blind)) for name, group in snapshot.groups.items()}

    def _of(self, group: WorkerGroup, now: float, *, blind: bool) -> Target:
        memory = group.policy_memory
        here = group.counted
        if group.load is None:
            return Target(here, "held: no CPU load is known", memory)
        share = f"mean CPU {group.load:.0%}"
        if memory:
            changed_at, level = memory.split()
            until = float(changed_at) + self.cooldown_seconds
            if now < until:
                # The level decided on, not the one that is there: else the window of recommendations never empties.
                kept = max(int(level), here) if blind else int(level)
                return Target(kept, f"{share}; cooling down", memory, next_wake=until, on_load=True)
        if group.load > self.high:
            return Target(here + 1, f"{share} is above {self.high:.0%}: one more", f"{now!r} {here + 1}", on_load=True)
        if blind:
            return Target(here, f"{share}; held: HTCondor is blind", memory)
        if group.load < self.low and here > group.spec.minimum:
            return Target(here - 1, f"{share} is below {self.low:.0%}: one less", f"{now!r} {here - 1}")
        return Target(here, f"{share} is between {self.low:.0%} and {self.high:.0%}", memory)
