"""When jobs come: endless streams of arrival times in seconds, each a function of its generator of random numbers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

DAY, WEEK = 86_400.0, 604_800.0


class Arrivals(Protocol):
    """A kind of arrivals; rates are jobs (or bags) a second."""

    def times(self, random: Random, /) -> Iterator[float]:
        """Arrival times in seconds, never falling, without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """Memoryless at one rate."""

    rate: float

    def times(self, random: Random) -> Iterator[float]:
        """Exponential gaps."""
        at = 0.0
        while True:
            at += random.expovariate(self.rate)
            yield at


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkovModulated:
    """Poisson at a rate that changes: one state after the other, each for an exponential stay of `stay_seconds`."""

    rates: Sequence[float]
    stay_seconds: float

    def times(self, random: Random) -> Iterator[float]:
        """By state, anew at each change (exponential gaps have no memory)."""
        begin, state = 0.0, 0
        while True:
            end = begin + random.expovariate(1 / self.stay_seconds)
            at, rate = begin, self.rates[state]
            while rate > 0 and (at := at + random.expovariate(rate)) < end:
                yield at
            begin, state = end, (state + 1) % len(self.rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles:
    """Poisson with a day and a week in it: rate x (1 + daily cos) x (1 + weekly cos), peaks at 14 h and midweek."""

    rate: float
    daily: float = 0.6
    weekly: float = 0.3
    peak_seconds: float = 14 * 3600.0

    def times(self, random: Random) -> Iterator[float]:
        """By thinning (Lewis, Shedler 1979)."""
        most = self.rate * (1 + self.daily) * (1 + self.weekly)
        at = 0.0
        while True:
            at += random.expovariate(most)
            if random.random() * most < self.at(at):
                yield at

    def at(self, seconds: float) -> float:
        """The rate at that time."""
        day = 1 + self.daily * math.cos(2 * math.pi * (seconds - self.peak_seconds) / DAY)
        week = 1 + self.weekly * math.cos(2 * math.pi * (seconds - WEEK / 2) / WEEK)
        return self.rate * day * week


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """`size` jobs `gap_seconds` apart, then nothing for an exponential pause of mean `pause_seconds`."""

    size: int
    pause_seconds: float
    gap_seconds: float = 0.0

    def times(self, random: Random) -> Iterator[float]:
        """Burst after burst."""
        at = 0.0
        while True:
            at += random.expovariate(1 / self.pause_seconds)
            for place in range(self.size):
                yield at + place * self.gap_seconds
            at += self.size * self.gap_seconds
