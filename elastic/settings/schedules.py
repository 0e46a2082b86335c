"""Schedules of a worker group: limits at certain hours, as the operator writes them and as the core knows them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from elastic.core.schedules import DAY_MINUTES, WEEKDAYS, Schedule
from elastic.settings.section import Count, Section

OF_THE_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"


def weekdays(words: Iterable[str]) -> frozenset[int]:
    """Days by their names or as ranges, `sat-mon` too; ValueError names what is neither."""
    return frozenset(day for word in words for day in _days(word))


def _days(word: str) -> Iterator[int]:
    first, dash, last = word.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError(f"no day '{word}'; known: {', '.join(WEEKDAYS)}, and ranges: mon-fri")
    begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return (day % len(WEEKDAYS) for day in range(begin, end + 1 + (len(WEEKDAYS) if end < begin else 0)))


def minutes(text: str) -> int:
    """Of the day, from hh:mm."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def zone(name: str) -> tzinfo:
    """By its name; ValueError where this machine does not know it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        problem = f"no time zone '{name}' on this machine; names are as in Europe/Berlin (Debian: package tzdata)"
        raise ValueError(problem) from error


def _known_days(words: tuple[str, ...]) -> tuple[str, ...]:
    weekdays(words)
    return words


def _known_zone(name: str) -> str:
    zone(name)
    return name


OfTheDay = Annotated[str, Field(pattern=OF_THE_DAY)]


class ScheduleSettings(Section):
    """Limits at certain hours, within the group's own: a minimum, a maximum, or both."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    """Told in the reasons of what it changes."""
    weekdays: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_known_days)] = ("mon-sun",)
    """Days on which it begins, by name or as ranges (`["mon-fri"]`); every day, as most hours are the same on all."""
    start: OfTheDay = "00:00"
    """When it begins, hh:mm; with the day."""
    end: OfTheDay = "24:00"
    """When it ends, hh:mm; not after `start` = on the next day. With the day."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Whose clock that is (`Europe/Berlin`): the same on every machine and never changed, unless it is named."""
    minimum: Count | None = None
    """Workers at least at these hours; not above the group's `maximum`. None: a schedule may be a maximum alone."""
    maximum: Count | None = None
    """Workers at most at these hours; not below the group's `minimum`. Busy workers end their jobs first. None: a
    schedule may be a minimum alone."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> "ScheduleSettings":
        low, high = self.minimum, self.maximum
        if low is None and high is None:
            raise ValueError("asks for nothing; give minimum, maximum or both")
        if low is not None and high is not None and high < low:
            raise ValueError(f"maximum {high} is below minimum {low}")
        if self.start == "24:00":
            raise ValueError("start 24:00 is 00:00 of the next day")
        return self

    def schedule(self) -> Schedule:
        """As the core knows it."""
        return Schedule(
            name=self.name,
            weekdays=weekdays(self.weekdays),
            start_minute=minutes(self.start),
            end_minute=minutes(self.end) % DAY_MINUTES,
            zone=zone(self.time_zone),
            minimum=self.minimum,
            maximum=self.maximum,
        )


def read_schedule(values: object) -> Schedule:
    """One that was written elsewhere, by the same rules; ScheduleError has each mistake, with its key."""
    try:
        return ScheduleSettings.model_validate(values).schedule()
    except ValidationError as error:
        raise ScheduleError([_said(detail) for detail in error.errors()]) from error


class ScheduleError(ValueError):
    """What is wrong with a schedule."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the problems; the text joins them."""
        self.problems = problems
        super().__init__("; ".join(problems))


def _said(detail: ErrorDetails) -> str:
    where = ".".join(map(str, detail["loc"]))
    said = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
