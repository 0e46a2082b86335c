"""Tables with named columns: CSV of our own kind, and what Batsim and evalys write; one job a row."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from elastic_simulations.traces.building import Builder, exact_microseconds, microseconds, number_of, whole
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.lines import numbered, shown
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "submit": ("submit", "submit_s", "submit_time", "submission_time"),
    "run": ("run", "run_s", "run_time", "runtime", "execution_time", "duration"),
    "cores": ("cores", "cpus", "procs", "requested_number_of_resources", "requested_number_of_processors"),
    "estimate": ("estimate", "estimate_s", "requested_time"),
    "cpu": ("cpu", "cpu_s", "cpu_time"),
    "memory_mb": ("memory_mb", "memory"),
    "disk_mb": ("disk_mb", "disk"),
    "gpus": ("gpus",),
    "think": ("think", "think_s", "think_time"),
    "after": ("after",),
    "job": ("job", "job_id", "jobid"),
    "user": ("user", "user_id", "owner"),
    "group": ("group", "group_id", "accounting_group"),
}
"""What a column may be called, in lower case; times in seconds. Columns of other names are passed over."""

TIMES = ("submit", "run", "estimate", "cpu", "think")
"""They may be whole microseconds instead, under this name and `_us`."""

NEEDED = ("submit", "run")
UNKNOWN_TEXTS = frozenset({"", "-1", "-1.0", "na", "nan", "null", "none"})


def read(path: Path, file: BinaryIO) -> Trace:
    """The whole file; its first line names the columns."""
    builder = Builder(path, "csv")
    reader = csv.reader(_texts(path, file), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            return builder.build()
        places = columns(path, header)
        # Quoted fields may hold line ends: `line_num` is the line in which the row ends.
        for row in reader:
            if row:
                _check_width(path, reader.line_num, row, header)
                add(builder, reader.line_num, {name: row[place] for name, place in places.items()})
    except csv.Error as error:
        raise TraceError(path, reader.line_num, f"no CSV: {error}") from error
    return builder.build()


def columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Which column is where; TraceError when a needed one is missing or one is there twice."""
    known = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    known |= {f"{name}_us": f"{name}_us" for name in TIMES}
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        name = known.get(title.strip().lstrip("\ufeff").lower())
        if name is None:
            continue
        twin = f"{name}_us" if name in TIMES else name.removesuffix("_us")
        if name in places or twin in places:
            name = name if name in places else twin
            raise TraceError(path, 1, f"two columns for {name}: {shown(header[places[name]])} and {shown(title)}")
        places[name] = place
    for name in NEEDED:
        if name not in places and f"{name}_us" not in places:
            raise TraceError(path, 1, f"no column for {name}; it may be called {', '.join(COLUMNS[name])}")
    if "after" in places and "job" not in places:
        raise TraceError(path, 1, f"column after names jobs, and no column does: {', '.join(COLUMNS['job'])}")
    return places


def add(builder: Builder, line: int, row: Mapping[str, str]) -> None:
    """One row, its fields as text."""
    path = builder.path
    submit = _time(path, line, row, "submit")
    run = _time(path, line, row, "run")
    cores = _whole(path, line, row, "cores")
    place = builder.add(line, submit, run, cores)
    if place == UNKNOWN:
        return
    for name in ("estimate", "cpu", "think"):
        if (value := _time(path, line, row, name)) >= 0:
            builder.know(place, f"{name}_us", value)
    for name in ("memory_mb", "disk_mb", "gpus", "job"):
        # Job numbers are often words (Batsim: w0!12), and nothing depends on them.
        if name == "job" and not row.get(name, "").strip().isdecimal():
            continue
        builder.know(place, name, _whole(path, line, row, name))
    if "after" in row:
        before = row["after"].strip()
        name = row["job"].strip()
        if not builder.names.know(line, place, name, "" if before.lower() in UNKNOWN_TEXTS else before):
            raise TraceError(path, line, f"two jobs are called {shown(name)}, and column after names jobs")
    for name, names in (("user", builder.users), ("group", builder.groups)):
        owner = row.get(name, "").strip()
        if owner.lower() not in UNKNOWN_TEXTS:
            builder.know(place, name, number_of(names, owner))


def _time(path: Path, line: int, row: Mapping[str, str], name: str) -> int:
    exact = f"{name}_us" in row
    text = row.get(f"{name}_us" if exact else name, "").strip()
    if text.lower() in UNKNOWN_TEXTS:
        return UNKNOWN * MICROSECONDS
    return exact_microseconds(text, path, line, name) if exact else microseconds(text, path, line, name)


def _whole(path: Path, line: int, row: Mapping[str, str], name: str) -> int:
    text = row.get(name, "").strip()
    return UNKNOWN if text.lower() in UNKNOWN_TEXTS else whole(text, path, line, name)


def _check_width(path: Path, line: int, row: Sequence[str], header: Sequence[str]) -> None:
    if len(row) != len(header):
        raise TraceError(path, line, f"{len(row)} fields where the first line names {len(header)}: cut off?")


def _texts(path: Path, file: BinaryIO) -> Iterator[str]:
    for number, line in numbered(path, file):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise TraceError(path, number, f"not UTF-8 ({error.reason}): convert it first") from error
