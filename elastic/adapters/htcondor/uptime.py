"""How long a daemon has been up, by its own clock, between the moments at which it says so."""

from dataclasses import dataclass, replace

SLACK_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """When a daemon was started and its clock now, in seconds of that clock; `heard_at` on our own monotonic one."""

    started: float
    now: float
    heard_at: float = 0.0

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return self.now - self.started

    def since(self, before: "Uptime | None", at: float) -> "Uptime":
        """The same as of `at`; unless it was started anew, older by what has passed since it was heard before.

        Only durations are carried over from one clock to the other.
        """
        if before is None or abs(before.started - self.started) > SLACK_SECONDS:
            return replace(self, heard_at=at)
        now = max(self.now, before.now + (at - before.heard_at))
        return Uptime(started=before.started, now=now, heard_at=at)
