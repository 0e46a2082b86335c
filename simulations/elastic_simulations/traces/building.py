"""Rows become columns: units, drops, repairs and their counts are the same for every format."""

from array import array
from decimal import Decimal, InvalidOperation
from itertools import starmap
from pathlib import Path

from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.following import Names, renumbered
from elastic_simulations.traces.lines import shown
from elastic_simulations.traces.trace import (
    MICROSECONDS,
    OPTIONAL,
    REQUIRED,
    UNKNOWN,
    Note,
    Trace,
    reordered,
    sorted_rows,
)

MOST_SECONDS = 10**11
"""Three thousand years: more is a damaged number, and keeps sums of microseconds inside 64 bits."""

MOST_CORES = 10**9
"""Of one job: more than any machine has."""

UNIX_TIMES = 3 * 10**8
"""Seconds; a log that begins ten years after its own start counts from 1970 instead."""


class Builder:
    """Takes rows in the order of the file; `build` gives the trace."""

    def __init__(self, path: Path, fmt: str) -> None:
        """Begin an empty trace of the file `path`."""
        self.path = path
        self.format = fmt
        self.columns: dict[str, array[int]] = {name: array("q") for name in REQUIRED}
        self.users: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.header: list[str] = []
        self.names = Names()
        self._also_after = array("q")
        self._optional: dict[str, array[int]] = {}
        self._dropped: dict[str, tuple[int, int]] = {}
        self._repaired: dict[str, tuple[int, int]] = {}
        self._unix_line = 0

    def add(self, line: int, submit_us: int, run_us: int, cores: int) -> int:
        """One job; returns its place, or UNKNOWN when the row is dropped (counted)."""
        if run_us <= 0:
            self.drop("run time unknown" if run_us == UNKNOWN * MICROSECONDS else "run time not positive", line)
            return UNKNOWN
        if submit_us < 0:
            if submit_us != UNKNOWN * MICROSECONDS:
                raise TraceError(self.path, line, f"submit time is negative ({submit_us / MICROSECONDS:g} s)")
            self.drop("submit time unknown", line)
            return UNKNOWN
        if cores <= 0:
            self.repair("cores unknown, taken as 1", line)
            cores = 1
        if cores > MOST_CORES:
            raise TraceError(self.path, line, f"cores are out of range: {shown(str(cores))}")
        columns = self.columns
        columns["submit_us"].append(submit_us)
        columns["run_us"].append(run_us)
        columns["cores"].append(cores)
        columns["line"].append(line)
        return len(columns["line"]) - 1

    def know(self, place: int, name: str, value: int) -> None:
        """Something optional of the job at `place`; unknown values need not be told."""
        if value < 0:
            return
        column = self._optional.get(name)
        if column is None:
            column = self._optional[name] = array("q")
        if len(column) < place:
            column.extend(array("q", (UNKNOWN,)) * (place - len(column)))
        column.append(value)

    def drop(self, what: str, line: int) -> None:
        """Count a row that is no job."""
        _count(self._dropped, what, line)

    def repair(self, what: str, line: int) -> None:
        """Count something that was changed so that the row can be used."""
        _count(self._repaired, what, line)

    def build(self) -> Trace:
        """The trace, sorted; TraceError when it holds no job."""
        jobs = len(self.columns["line"])
        self._link()
        dropped = _notes(self._dropped)
        if not jobs:
            why = ", ".join(f"{note.rows} dropped: {note.what}, first in line {note.first_line}" for note in dropped)
            raise TraceError(self.path, 0, f"no job in it ({why})" if why else "no job in it: the file has no row")
        optional = {
            name: column + array("q", (UNKNOWN,)) * (jobs - len(column)) for name, column in self._optional.items()
        }
        columns = self._sorted({**self.columns, **optional})
        self._shift(columns["submit_us"], columns["line"])
        return Trace(
            submit_us=columns["submit_us"],
            run_us=columns["run_us"],
            cores=columns["cores"],
            line=columns["line"],
            optional={name: columns[name] for name in OPTIONAL if name in columns},
            also_after=self._also_after,
            users=tuple(self.users),
            groups=tuple(self.groups),
            header=tuple(self.header),
            dropped=dropped,
            repaired=_notes(self._repaired),
            source=self.path.name,
            format=self.format,
        )

    def _link(self) -> None:
        """Jobs named as coming before others, once all names are known."""
        for line, place, before, missing in self.names.found():
            if missing:
                self.repair("a job before it is not in the trace, ignored", line)
            for count, other in enumerate(before):
                if count:
                    self._also_after.extend((place, other))
                else:
                    self.know(place, "after", other)

    def _sorted(self, columns: "dict[str, array[int]]") -> "dict[str, array[int]]":
        order = sorted_rows(columns["submit_us"])
        if order is None:
            return columns
        moved = [place for place, old in enumerate(order) if place != old]
        _count(self._repaired, "out of order, sorted by submit time", columns["line"][order[moved[0]]], len(moved))
        after, self._also_after = renumbered(columns, self._also_after, order)
        if after is not None:
            columns["after"] = after
        return {name: reordered(column, order) for name, column in columns.items()}

    def _shift(self, submit_us: "array[int]", line: "array[int]") -> None:
        first = submit_us[0]
        if first < UNIX_TIMES * MICROSECONDS:
            return
        what = f"times count from 1970: all {first // MICROSECONDS} s earlier"
        _count(self._repaired, what, line[0], len(submit_us))
        for place, value in enumerate(submit_us):
            submit_us[place] = value - first


def number_of(names: dict[str, int], name: str) -> int:
    """The number of a name: the same as before, or the next one."""
    return names.setdefault(name, len(names))


def microseconds(field: bytes | str, path: Path, line: int, what: str) -> int:
    """Seconds as written (whole, or with a fraction) in whole microseconds; TraceError when it is no number."""
    return _scaled(field, MICROSECONDS, path, line, what)


def exact_microseconds(field: bytes | str, path: Path, line: int, what: str) -> int:
    """Whole microseconds as written; TraceError when it is no such number."""
    try:
        value = int(field)
    except ValueError:
        raise TraceError(path, line, f"{what} is no whole number of microseconds: {shown(field)}") from None
    if abs(value) > MOST_SECONDS * MICROSECONDS:
        raise TraceError(path, line, f"{what} is out of range: {shown(field)}")
    return value


def whole(field: bytes | str, path: Path, line: int, what: str) -> int:
    """A number as written, rounded to a whole one; TraceError when it is no number."""
    return _scaled(field, 1, path, line, what)


def _scaled(field: bytes | str, scale: int, path: Path, line: int, what: str) -> int:
    try:
        value = int(field)
    except ValueError:
        value = 0
        exact = _decimal(field)
        if exact is None:
            raise TraceError(path, line, f"{what} is no number: {shown(field)}") from None
        if abs(exact) <= MOST_SECONDS:
            return int((exact * scale).to_integral_value())
        value = MOST_SECONDS + 1
    if abs(value) > MOST_SECONDS:
        raise TraceError(path, line, f"{what} is out of range: {shown(field)}")
    return value * scale


def _decimal(field: bytes | str) -> Decimal | None:
    """The exact value of a number with a fraction or an exponent; None for anything else, NaN and infinity too."""
    text = field.decode("ascii", "replace") if isinstance(field, bytes) else field
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _count(counts: dict[str, tuple[int, int]], what: str, line: int, rows: int = 1) -> None:
    known, first = counts.get(what, (0, line))
    counts[what] = (known + rows, first)


def _notes(counts: dict[str, tuple[int, int]]) -> tuple[Note, ...]:
    return tuple(starmap(_note, sorted(counts.items())))


def _note(what: str, counted: tuple[int, int]) -> Note:
    return Note(what=what, rows=counted[0], first_line=counted[1])
