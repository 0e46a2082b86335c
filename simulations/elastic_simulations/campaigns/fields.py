"""Reading a table of TOML: each value with its type, each mistake with its path, all of them at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from elastic.plugins import suggestion
from elastic_simulations.campaigns.configurations import Value, text_of
from elastic_simulations.errors import SimulationError

DIGITS = 6
"""Of numbers that are drawn: enough to tell them apart, few enough to be the same on every machine."""


class CampaignError(SimulationError):
    """A campaign's file is not right; `problems` are all that is wrong, each with its path."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        """Keep the problems; the text has a line for each."""
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a random search draws from: evenly between two numbers, or evenly between their logarithms."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def drawn(self, random: Random) -> Value:
        """One value."""
        share = random.random()
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if self.whole else float(f"{value:.{DIGITS}g}")


Choice = tuple[Value, ...] | Range
"""What a setting may be: one of these, or something of a range."""


class Section:
    """One table; what is taken from it is known, what is left at the end (`rest`) is not."""

    def __init__(self, table: object, path: str, problems: list[str]) -> None:
        """Note in `problems` what is wrong."""
        self.path = path
        self.problems = problems
        self._known: list[str] = []
        if not isinstance(table, Mapping):
            self.wrong("", f"must be a table, not {table!r}")
            table = {}
        self._table: Mapping[str, object] = table

    def __contains__(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self._table

    def wrong(self, key: str, problem: str) -> None:
        """Note what is wrong with this key."""
        self.problems.append(f"{self.at(key)}: {problem}")

    def at(self, key: str) -> str:
        """The path of this key."""
        return ".".join(part for part in (self.path, key) if part)

    def value(self, key: str, default: Value) -> Value:
        """One value of the default's type."""
        found = self._take(key, default)
        return self._checked(key, found, type(default), default)

    def text(self, key: str, default: str = "") -> str:
        """One text."""
        return str(self.value(key, default))

    def whole(self, key: str, default: int, least: int = 0) -> int:
        """One whole number, not below `least`."""
        found = int(self.value(key, default))
        if found < least:
            self.wrong(key, f"not below {least}, not {found}")
        return found

    def one_of(self, key: str, known: Sequence[str]) -> str:
        """One of these words; the first is the default."""
        found = self.text(key, known[0])
        if found not in known:
            self.wrong(key, f"no '{found}'; known: {', '.join(known)}{suggestion(found, known)}")
        return found

    def choices(self, key: str, default: Value) -> Choice:
        """A value, a list of values, or a table `{from, to}` (with `scale` and `whole`); of the default's type."""
        found = self._take(key, default)
        if isinstance(found, Mapping):
            return self._range(key, found, whole=isinstance(default, int))
        values = found if isinstance(found, list) else [found]
        if not values:
            self.wrong(key, "an empty list: nothing to choose from")
        return tuple(self._checked(key, value, type(default), default) for value in values)

    def any_choices(self, key: str) -> Choice:
        """The same for a value of any type."""
        found = self._take(key, "")
        if isinstance(found, Mapping):
            ends = (found.get("from"), found.get("to"))
            return self._range(key, found, whole=all(isinstance(end, int) for end in ends))
        values = found if isinstance(found, list) else [found]
        if not values:
            self.wrong(key, "an empty list: nothing to choose from")
        for value in values:
            if not isinstance(value, str | int | float):
                self.wrong(key, f"must be a text, a number, true or false, not {value!r}")
        return tuple(value if isinstance(value, str | int | float) else "" for value in values)

    def tables(self, key: str) -> "list[Section]":
        """An array of tables, `[[key]]`."""
        found = self._take(key, [])
        if not isinstance(found, list):
            self.wrong(key, f"must be tables, [[{key}]]")
            return []
        return [Section(table, f"{self.at(key)}[{place}]", self.problems) for place, table in enumerate(found)]

    def table(self, key: str) -> "Section":
        """A table, empty if it is not there."""
        return Section(self._take(key, {}), self.at(key), self.problems)

    def is_list(self, key: str) -> bool:
        """Whether the key is given as a list."""
        return isinstance(self._table.get(key), list)

    def know(self, key: str) -> None:
        """A key that may be given, and is not looked at."""
        self._known.append(key)

    def text_or_number(self, key: str) -> str:
        """One value of any type, as `--set` takes it."""
        found = self.any_choices(key)
        if isinstance(found, Range) or len(found) != 1:
            self.wrong(key, "one value, please: lists and ranges belong to a policy")
            return ""
        return text_of(found[0])

    def keys(self) -> tuple[str, ...]:
        """Every key that is given."""
        return tuple(self._table)

    def rest(self) -> None:
        """Every key that nobody took is unknown."""
        for key in self._table:
            if key not in self._known:
                self.wrong(key, f"unknown key; known: {', '.join(sorted(self._known))}{suggestion(key, self._known)}")

    def _take(self, key: str, default: object) -> object:
        self._known.append(key)
        return self._table.get(key, default)

    def _checked(self, key: str, value: object, kind: type, default: Value) -> Value:
        if kind is float and type(value) is int:
            value = float(value)
        if isinstance(value, str | int | float) and type(value) is kind and _finite(value):
            return value
        self.wrong(key, f"must be {NAMES[kind]}, not {value!r}")
        return default

    def _range(self, key: str, table: Mapping[str, object], *, whole: bool) -> Choice:
        section = Section(table, self.at(key), self.problems)
        low, high = (float(section.value(end, 0.0)) for end in ("from", "to"))
        log = section.one_of("scale", ("linear", "log")) == "log"
        made = Range(low=low, high=high, log=log, whole=bool(section.value("whole", whole)))
        section.rest()
        if not ("from" in section and "to" in section and low < high):
            self.wrong(key, "a range needs from and to, from below to")
        elif log and low <= 0:
            self.wrong(key, "a range on a log scale begins above 0")
        return made


def _finite(value: Value) -> bool:
    return isinstance(value, str) or math.isfinite(value)


NAMES: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
"""What a type is called where a value has another."""
