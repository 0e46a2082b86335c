"""The event list of a simulated world: whole microseconds, a fixed order at equal times."""

import heapq
from collections.abc import Callable
from enum import IntEnum

MICRO = 1_000_000


def micros(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * MICRO)


class Rank(IntEnum):
    """Who goes first at the same microsecond. The controller's tick, no event of the world, follows them all."""

    JOB_END = 0
    READY = 1
    SUBMIT = 2
    CHANGE = 3
    NEGOTIATION = 4
    METERING = 5


class Event:
    """One thing to come; cancelled by `cancel`, which is no error after it has happened."""

    __slots__ = ("act", "at_us", "order", "rank")

    def __init__(self, at_us: int, rank: Rank, order: int, act: Callable[[], None]) -> None:
        """Keep when, in which order, and what."""
        self.at_us, self.rank, self.order = at_us, rank, order
        self.act: Callable[[], None] | None = act

    def __lt__(self, other: "Event") -> bool:
        return (self.at_us, self.rank, self.order) < (other.at_us, other.rank, other.order)

    def cancel(self) -> None:
        """Never let it happen."""
        self.act = None


class Timeline:
    """Time, and what is to come; `epoch` is the wall-clock second at which the world's microsecond 0 lies."""

    def __init__(self, epoch: float) -> None:
        """Start at microsecond 0 with nothing to come."""
        self.epoch_us = micros(epoch)
        self.now_us = 0
        self._heap: list[Event] = []
        self._order = 0

    @property
    def now(self) -> float:
        """Seconds since the epoch of the wall clock."""
        return (self.epoch_us + self.now_us) / MICRO

    @property
    def second(self) -> int:
        """The whole second that HTCondor's daemons would put into an ad now."""
        return (self.epoch_us + self.now_us) // MICRO

    def at(self, at_us: int, rank: Rank, act: Callable[[], None]) -> Event:
        """Let `act` happen at microsecond `at_us`, at once when that is past."""
        self._order += 1
        event = Event(max(at_us, self.now_us), rank, self._order, act)
        heapq.heappush(self._heap, event)
        return event

    def after(self, delay_us: int, rank: Rank, act: Callable[[], None]) -> Event:
        """Let `act` happen `delay_us` from now."""
        return self.at(self.now_us + delay_us, rank, act)

    def run_to(self, at_us: int) -> None:
        """Let everything up to and including `at_us` happen; a time in the past changes nothing."""
        while self._heap and self._heap[0].at_us <= at_us:
            event = heapq.heappop(self._heap)
            if event.act is not None:
                self.now_us = max(self.now_us, event.at_us)
                event.act()
        self.now_us = max(self.now_us, at_us)

    def run_to_time(self, now: float) -> None:
        """Let everything up to the wall-clock time `now` (seconds since the epoch) happen."""
        self.run_to(micros(now) - self.epoch_us)

    def next_us(self) -> int | None:
        """When the next event is due; None = nothing will ever happen again."""
        while self._heap and self._heap[0].act is None:
            heapq.heappop(self._heap)
        return self._heap[0].at_us if self._heap else None
