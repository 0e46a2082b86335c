"""Schedules of a run as `--set schedules=...` writes them: `mon-fri 08:00-18:00 min 10; sat-sun 00:00-24:00 max 2`."""

from collections.abc import Iterator, Sequence

from elastic.core.schedules import Schedule
from elastic_simulations.runs.settings import SettingsError, check

FORM = "[DAYS] HH:MM-HH:MM [TIME ZONE] min N max N, several with ; between them"


def schedules(text: str, minimum: int, maximum: int) -> tuple[Schedule, ...]:
    """In the words of the daemon's settings, whose checks hold here, too; SettingsError names the one that is wrong."""
    from elastic.settings import ScheduleError, read_schedule  # noqa: PLC0415 - imports pydantic

    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        try:
            one = read_schedule({"name": part, **dict(_fields(part))})
        except ScheduleError as error:
            raise SettingsError(f"--set schedules: '{part}': {error}; as {FORM}") from error
        check((one.minimum or 0) <= maximum, f"--set schedules: '{part}': above --max {maximum}, which always holds")
        check(one.maximum is None or one.maximum >= minimum, f"--set schedules: '{part}': below --min {minimum}")
        found.append(one)
    check(bool(found), f"--set schedules={text}: empty; as {FORM}")
    return tuple(found)


def _fields(part: str) -> Iterator[tuple[str, object]]:
    words = part.split()
    place = next((number for number, word in enumerate(words) if ":" in word), len(words))
    check(place in {0, 1} and len(words) > place, f"--set schedules: '{part}' must be as {FORM}")
    if place:
        yield "weekdays", tuple(words[0].split("+"))
    start, dash, end = words[place].partition("-")
    check(bool(dash), f"--set schedules: '{part}' must be as {FORM}")
    yield from (("start", start), ("end", end))
    rest = words[place + 1 :]
    if rest and rest[0] not in LIMITS:
        yield "time_zone", rest.pop(0)
    yield from _limits(part, rest)


LIMITS = {"min": "minimum", "max": "maximum"}


def _limits(part: str, words: Sequence[str]) -> Iterator[tuple[str, object]]:
    names, numbers = words[::2], words[1::2]
    right = len(names) == len(numbers) and set(names) <= LIMITS.keys() and all(map(str.isdecimal, numbers))
    check(right and len(set(names)) == len(names), f"--set schedules: '{part}' must be as {FORM}")
    yield from ((LIMITS[name], int(number)) for name, number in zip(names, numbers, strict=True))
