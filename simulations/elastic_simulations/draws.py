"""Random numbers by name, not in order: (seed, stream, entity) gives the same under every policy and engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist
from typing import Protocol

_NORMAL = NormalDist()
_SCALE = 2**53


@dataclass(frozen=True, slots=True)
class Draws:
    """All randomness of one run."""

    seed: int

    def uniform(self, stream: str, entity: str) -> float:
        """A number in (0, 1), always the same for these names."""
        digest = blake2b(f"{self.seed}\0{stream}\0{entity}".encode(), digest_size=8).digest()
        return ((int.from_bytes(digest) >> 11) + 0.5) / _SCALE

    def happens(self, probability: float, stream: str, entity: str) -> bool:
        """Whether something of this probability happens to this entity."""
        return self.uniform(stream, entity) < probability


class Distribution(Protocol):
    """Gives a value, mostly seconds, for a number in (0, 1): the inverse of its distribution function."""

    def at(self, u: float, /) -> float:
        """The value below which a share `u` of all values lies."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same."""

    value: float

    def at(self, u: float, /) -> float:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly between two bounds."""

    low: float
    high: float

    def at(self, u: float, /) -> float:
        """The value at share `u`."""
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless, by its mean."""

    mean: float

    def at(self, u: float, /) -> float:
        """The value at share `u`."""
        return -self.mean * math.log1p(-u)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """By its median and the standard deviation of its logarithm."""

    median: float
    sigma: float

    def at(self, u: float, /) -> float:
        """The value at share `u`."""
        return self.median * math.exp(self.sigma * _NORMAL.inv_cdf(u))


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of the values seen, each equally likely."""

    values: Sequence[float]

    def at(self, u: float, /) -> float:
        """The value at share `u`."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(u * len(ordered)))]
