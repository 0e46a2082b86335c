"""Some workers by day, others by night: an example of a policy that is not elastic's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from elastic.core.model import Snapshot
from elastic.core.policy import Target

SECONDS_A_DAY = 86400.0
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NightShift:
    """`night` workers from `from_hour` to midnight (UTC), else `day`; looks again when that changes."""

    night: int
    day: int = 1
    from_hour: float = 20.0

    def __post_init__(self) -> None:
        """Refuse hours that no day has."""
        if not 0 <= self.from_hour <= 24:  # hours of a day
            raise ValueError(f"from_hour must be 0 to 24, not {self.from_hour}")

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """The same for every group."""
        midnight = snapshot.now // SECONDS_A_DAY * SECONDS_A_DAY
        begins = midnight + self.from_hour * SECONDS_AN_HOUR
        if snapshot.now < begins:
            target = Target(self.day, f"{self.day} by day", next_wake=begins)
        else:
            target = Target(self.night, f"{self.night} by night", next_wake=midnight + SECONDS_A_DAY)
        return dict.fromkeys(snapshot.groups, target)
