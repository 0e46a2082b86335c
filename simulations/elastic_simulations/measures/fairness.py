"""How evenly waiting was shared among users: Jain's index (Jain, Chiu, Hawe 1984)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum

from elastic_simulations.traces.trace import MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class UserShare:
    """One user's jobs: how many, and their means."""

    jobs: int
    wait_s: float
    bounded_slowdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """By user, and Jain's index over the users' means: 1 = all alike, 1/n = all of it with one of n."""

    jain_wait: float
    jain_bounded_slowdown: float
    users: Mapping[str, UserShare] = field(default_factory=dict)


def jain(values: Iterable[float]) -> float:
    """(sum x)^2 / (n sum x^2); 1 where there is nothing to share."""
    shares = list(values)
    squares = fsum(share * share for share in shares)
    return fsum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def by_user(user: Sequence[int], wait_us: Sequence[int], slow: Sequence[float], names: Sequence[str]) -> Shares:
    """Means by user, in the order of names; jobs of unknown users do not count."""
    # One place more than names: the unknown user is -1, the last.
    jobs, waited, slowed = [0] * (len(names) + 1), [0] * (len(names) + 1), [0.0] * (len(names) + 1)
    for who, wait, ratio in zip(user, wait_us, slow, strict=True):
        jobs[who] += 1
        waited[who] += wait
        slowed[who] += ratio
    return shares_of(jobs, waited, slowed, names)


def shares_of(jobs: Sequence[int], waited: Sequence[int], slowed: Sequence[float], names: Sequence[str]) -> Shares:
    """From the sums of each user, in the order of `names`: jobs, their waits (us) and slowdowns."""
    users = {
        names[who]: UserShare(
            jobs=jobs[who],
            wait_s=waited[who] / (jobs[who] * MICROSECONDS),
            bounded_slowdown=slowed[who] / jobs[who],
        )
        for who in sorted(range(len(names)), key=names.__getitem__)
        if jobs[who]
    }
    return Shares(
        jain_wait=jain(share.wait_s for share in users.values()),
        jain_bounded_slowdown=jain(share.bounded_slowdown for share in users.values()),
        users=users,
    )
