"""Tables of a TOML file as the values that a dataclass describes; every mistake is found at once, with its path."""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from math import isfinite
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

from elastic.core.resources import Resources
from elastic_simulations.draws import Constant, Distribution, Empirical, Exponential, Lognormal, Uniform
from elastic_simulations.errors import SimulationError
from elastic_simulations.estimates import KINDS

T = TypeVar("T")

DISTRIBUTIONS: Mapping[str, Callable[..., Distribution]] = {
    "constant": Constant,
    "uniform": Uniform,
    "exponential": Exponential,
    "lognormal": Lognormal,
    "empirical": lambda *values: Empirical(values),
}
"""By the name in the file: `boot = 60`, `boot = { lognormal = [60, 0.3] }`, `boot = { empirical = [41, 55, 97] }`."""


def _pairs(raw: object) -> object:
    """Amounts by name as sorted pairs; a list stays a tuple."""
    return tuple(sorted((k, float(v)) for k, v in raw.items())) if isinstance(raw, Mapping) else tuple(_items(raw))


def _items(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


PLAIN: Mapping[object, tuple[type | types.UnionType, Callable[[object], object]]] = {
    bool: (bool, lambda raw: raw),
    str: (str, lambda raw: raw),
    int: (int, lambda raw: raw),
    float: (int | float, lambda raw: float(raw) if isinstance(raw, int | float) else raw),
    frozenset: (list, lambda raw: frozenset(str(item) for item in _items(raw))),
    tuple: (list | Mapping, _pairs),
    Mapping: (Mapping, lambda raw: raw),
}
"""By a field's type: what the file may hold, and how it becomes the value. A missing key is an error of ours."""


SHARES = frozenset({"boot_failure", "never_joins", "black_hole", "cpu_efficiency", "gaps", "probability", "share"})
POSITIVE = frozenset({"priority_halflife_seconds", "page_size", "speed", "rate"})
PERIODS, SHORTEST = frozenset({"interval_seconds", "tick_seconds"}), 0.001
SIGNED = frozenset({"priority", "epoch", "value"})
"""Numbers by their names: shares are from 0 to 1, positive ones above 0, periods not shorter; few may be below 0."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "estimates": ("", *KINDS),
    "order": ("fair_share", "fifo"),
    "packing": ("emptiest", "fullest", "fullest-launch", "fullest-longest-idle"),
}
"""Texts that are one of a few, by their names."""


class ScenarioError(SimulationError, ValueError):
    """A scenario that cannot be read; `problems` are all mistakes, each with its path and what would be right."""

    def __init__(self, problems: Sequence[str], file: str = "") -> None:
        """Keep the problems; the text joins them, behind the name of the file where there is one."""
        self.problems = tuple(problems)
        super().__init__(f"{file}: {'; '.join(problems)}" if file else "; ".join(problems))


class Reader:
    """Reads tables and collects the problems; what could not be read is its field's default, or absent."""

    def __init__(self) -> None:
        """No problems yet."""
        self.problems: list[str] = []

    def read(self, kind: type[T], table: object, path: str, **given: object) -> T | None:
        """A dataclass of this kind; `given` fields are not taken from the table. None when it could not be made."""
        if not isinstance(table, Mapping):
            self.problems.append(f"{path}: must be a table")
            return None
        hints = get_type_hints(kind)
        known = {f.name: f for f in dataclasses.fields(kind) if f.init and f.name not in given}  # type: ignore[arg-type]
        self._unknown(table, known, path)
        before = len(self.problems)
        values = {name: self.value(hints[name], table[name], f"{path}.{name}") for name in known if name in table}
        for name, field in known.items():
            if name not in table and field.default is field.default_factory is dataclasses.MISSING:
                self.problems.append(f"{path}.{name}: missing")
        return kind(**values, **given) if len(self.problems) == before else None

    def value(self, hint: object, raw: object, path: str) -> object:
        """One field's value; None after a problem."""
        if get_origin(hint) in (Union, types.UnionType):
            (inner,) = [choice for choice in get_args(hint) if choice is not type(None)]
            return self.value(inner, raw, path)
        if hint is Distribution:
            return self._distribution(raw, path)
        if hint is Resources:
            return self._resources(raw, path)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self.read(hint, raw, path)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return self._one_of(hint, raw, path)
        return self._plain(hint, raw, path)

    def _plain(self, hint: object, raw: object, path: str) -> object:
        accepted, made = PLAIN[get_origin(hint) or hint]
        if not isinstance(raw, accepted) or (accepted is not bool and isinstance(raw, bool)):
            self.problems.append(f"{path}: {raw!r} is no {getattr(hint, '__name__', hint)}")
            return None
        try:
            value = made(_checked(hint, raw))
        except (TypeError, ValueError):
            self.problems.append(f"{path}: {raw!r} holds what does not belong there")
            return None
        if problem := _senseless(path.rpartition(".")[2], value):
            self.problems.append(f"{path}: {problem}")
        return value

    def _unknown(self, table: Mapping[object, object], known: Mapping[str, object], path: str) -> None:
        names = sorted(str(name) for name in table if name not in known)
        self.problems += [f"{path}.{name}: unknown; known: {', '.join(sorted(known))}" for name in names]

    def _one_of(self, kind: type[Enum], raw: object, path: str) -> Enum | None:
        found = next((member for member in kind if member.value == raw), None)
        if found is None:
            self.problems.append(f"{path}: no {raw!r}; known: {', '.join(str(m.value) for m in kind)}")
        return found

    def _distribution(self, raw: object, path: str) -> Distribution | None:
        match raw:
            case int() | float() if not isinstance(raw, bool):
                return self._made("constant", [raw], path)
            case Mapping() if len(raw) == 1:
                ((name, numbers),) = raw.items()
                if name in DISTRIBUTIONS and isinstance(numbers, list | int | float):
                    return self._made(str(name), numbers if isinstance(numbers, list) else [numbers], path)
        known = ", ".join(sorted(DISTRIBUTIONS))
        self.problems.append(f"{path}: a number of seconds, or one of {known} with its numbers")
        return None

    def _made(self, name: str, numbers: list[float], path: str) -> Distribution | None:
        try:
            plain = [float(number) for number in numbers]
            made = DISTRIBUTIONS[name](*plain)
        except (TypeError, ValueError, OverflowError):
            plain, made = [], Constant(0.0)
        if not plain or not all(isfinite(number) and number >= 0 for number in plain):
            self.problems.append(f"{path}: {numbers} are not the numbers of {name}")
            return None
        return made

    def _resources(self, raw: object, path: str) -> Resources | None:
        fields = Resources._fields
        whole = isinstance(raw, Mapping) and all(isinstance(v, int) and v >= 0 for v in raw.values())
        if not isinstance(raw, Mapping) or not whole or not set(raw) <= set(fields):
            self.problems.append(f"{path}: a table of whole numbers: {', '.join(fields)}")
            return None
        return Resources(**raw)


def _checked(hint: object, raw: object) -> object:
    """The same; TypeError when a list or table holds other things than its type says."""
    inner = get_args(hint)
    if isinstance(raw, list):
        wanted: type | types.UnionType = str
        held: list[object] = raw
    elif isinstance(raw, Mapping) and (get_origin(hint) is tuple or inner[-1:] == (float,)):
        wanted, held = int | float, list(raw.values())
    else:
        return raw
    if any(isinstance(item, bool) or not isinstance(item, wanted) for item in held):
        raise TypeError
    return raw


def _senseless(name: str, value: object) -> str:
    """What is wrong with a number or a text of this name; empty when nothing is."""
    if name == "schedds" and not value:
        return "at least one"
    if isinstance(value, str) and value not in CHOICES.get(name, (value,)):
        return f"no {value!r}; known: {', '.join(CHOICES[name])}"
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if not isfinite(value) and not (name == "end" and value > 0):
        return f"{value} must be finite"
    return "" if name in SIGNED else _out_of_range(name, value)


def _out_of_range(name: str, value: float) -> str:
    if name in PERIODS and value < SHORTEST:
        return f"{value} must be at least {SHORTEST}"
    if name in POSITIVE and not value > 0:
        return f"{value} must be more than 0"
    if name in SHARES and not 0 <= value <= 1:
        return f"{value} is no share from 0 to 1"
    return "" if value >= 0 else f"{value} is below 0"
