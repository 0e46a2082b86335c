"""HTCondor's user priorities: whoever has used more of late comes later, and gets less.

HTCondor Manual, "User Priorities and Negotiation": the real priority of a user follows the cores in use,
pi(t) = b pi(t - dt) + (1 - b) cores, with b = 0.5^(dt/h) and the half-life h (PRIORITY_HALFLIFE, one day); it is never
below 0.5. The effective priority is the real one times the user's factor (1000 unless said otherwise). Less is better:
shares are in inverse proportion to it. With constant use over dt the formula is exact however it is cut, so that it is
evaluated only when use changes, or somebody asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elastic_simulations.timeline import MICRO

BEST_REAL_PRIORITY = 0.5
DEFAULT_FACTOR = 1000.0


@dataclass(slots=True)
class _Use:
    """A user's real priority at a time (us), and the cores in use since then."""

    real: float
    cores: int
    since_us: int


class Priorities:
    """What the negotiator remembers of each user."""

    def __init__(self, halflife_seconds: float, factors: Mapping[str, float]) -> None:
        """Nobody has used anything; users without a factor have the default."""
        self._halflife_us = halflife_seconds * MICRO
        self._factors = dict(factors)
        self._uses: dict[str, _Use] = {}

    def used(self, user: str, cores: int, now_us: int) -> None:
        """From now on the user has so many cores more (or, below zero, fewer) in use."""
        use = self._at(user, now_us)
        use.cores += cores

    def real(self, user: str, now_us: int) -> float:
        """The real priority; less is better."""
        return max(BEST_REAL_PRIORITY, self._at(user, now_us).real)

    def effective(self, user: str, now_us: int) -> float:
        """The effective priority; less is better."""
        return self.real(user, now_us) * self._factors.get(user, DEFAULT_FACTOR)

    def shares(self, users: Iterable[str], now_us: int) -> dict[str, float]:
        """What each of these users is entitled to, as a share of all; best first, then by name."""
        worth = {user: 1.0 / self.effective(user, now_us) for user in users}
        whole = sum(worth.values())
        return {user: worth[user] / whole for user in sorted(worth, key=lambda user: (-worth[user], user))}

    def _at(self, user: str, now_us: int) -> _Use:
        use = self._uses.setdefault(user, _Use(BEST_REAL_PRIORITY, 0, now_us))
        kept = 0.5 ** ((now_us - use.since_us) / self._halflife_us)
        use.real = max(BEST_REAL_PRIORITY, kept * use.real + (1.0 - kept) * use.cores)
        use.since_us = now_us
        return use
