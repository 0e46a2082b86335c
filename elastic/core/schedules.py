"""Limits that hold at certain hours of certain days: what is in force now, who asks for it, and when that changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

AHEAD = 8
"""Days that are looked at: each weekday comes round within them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A minimum, a maximum or both, on these weekdays (0 = Monday), by the clock of `zone`.

    It begins at `start_minute` of the day and ends before `end_minute`; an end that is not after the start is on the
    next day. It narrows the group's own limits, and never widens them.
    """

    name: str
    weekdays: frozenset[int]
    start_minute: int
    end_minute: int
    zone: tzinfo = UTC
    minimum: int | None = None
    maximum: int | None = None

    def times(self, now: float) -> Iterator[tuple[float, float]]:
        """When it holds, from the day before yesterday until each weekday has come round (seconds since the epoch)."""
        today = datetime.fromtimestamp(now, self.zone).date()
        length = (self.end_minute - self.start_minute) % DAY_MINUTES or DAY_MINUTES
        for day in (today + timedelta(days=number) for number in range(-2, AHEAD + 1)):
            if day.weekday() in self.weekdays:
                yield self._moment(day, self.start_minute), self._moment(day, self.start_minute + length)

    def _moment(self, day: date, minute: int) -> float:
        """The time of a clock on the wall: at a change of the clocks an hour more or less may lie between two."""
        late, minute = divmod(minute, DAY_MINUTES)
        moment = datetime.combine(day + timedelta(days=late), time(minute // 60, minute % 60), self.zone)
        return moment.timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a group's schedules ask for now; `floor` and `ceiling` say who and until when. `until` is the next change.

    None = they ask for nothing. Of two minimums the larger holds, of two maximums the smaller, of both the maximum.
    """

    minimum: int | None = None
    maximum: int | None = None
    floor: str = ""
    ceiling: str = ""
    until: float | None = None

    @property
    def text(self) -> str:
        """All of it in words."""
        return "; ".join(part for part in (self.floor, self.ceiling) if part)

    def most(self, maximum: int) -> int:
        """How many workers there may be where the group's own maximum is this."""
        return maximum if self.maximum is None else min(maximum, self.maximum)

    def full(self, maximum: int) -> str:
        """Why a group that has so many takes no more."""
        most = self.most(maximum)
        return f"at its maximum of {most}" + (f": {self.ceiling}" if most < maximum else "")


NOTHING_ASKED = InForce()


def in_force(schedules: Iterable[Schedule], now: float) -> InForce:
    """Of all these schedules, at `now`."""
    holding: list[tuple[Schedule, float]] = []
    changes: list[float] = []
    for schedule in schedules:
        times = list(schedule.times(now))
        # Around a change of the clocks two of its times may touch or overlap: it holds until the last of them.
        ends = [end for begin, end in times if begin <= now < end]
        if ends:
            holding.append((schedule, max(ends)))
        changes += [at for both in times for at in both if at > now]
    if not changes:
        return NOTHING_ASKED
    floors = [(one.minimum, one.name, one, end) for one, end in holding if one.minimum is not None]
    ceilings = [(one.maximum, one.name, one, end) for one, end in holding if one.maximum is not None]
    high = min(ceilings, key=lambda found: found[:2], default=None)
    low = max(floors, key=lambda found: found[:2], default=None)
    most = None if high is None else high[0]
    least = None if low is None else low[0] if most is None else min(low[0], most)
    return InForce(
        minimum=least,
        maximum=most,
        floor="" if low is None else _words(low[2], "at least", low[0], low[3]),
        ceiling="" if high is None else _words(high[2], "at most", high[0], high[3]),
        until=min(changes),
    )


def _words(schedule: Schedule, how: str, workers: int, end: float) -> str:
    moment = datetime.fromtimestamp(end, schedule.zone)
    until = f"{WEEKDAYS[moment.weekday()]} {moment.hour:02}:{moment.minute:02}"
    return f"schedule '{schedule.name}' asks for {how} {workers} until {until}"
