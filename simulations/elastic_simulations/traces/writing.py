"""A trace as a file of the kind that its name's ending says; and columns as Parquet, for results too."""

from array import array
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TextIO

from elastic_simulations.errors import SimulationError
from elastic_simulations.traces.exporting import EXTRA, write_evalys, write_swf
from elastic_simulations.traces.following import before_texts, numbers
from elastic_simulations.traces.trace import UNKNOWN, Column, Trace

KINDS = (".swf", ".csv", ".parquet")

KEPT: Mapping[str, frozenset[str]] = {
    ".swf": frozenset({"user", "group", "estimate_us", "cpu_us", "memory_mb", "after", "think_us"}),
    ".csv": frozenset({*EXTRA, "estimate_us", "job"}),
    ".parquet": frozenset({*EXTRA, "estimate_us", "job"}),
}
"""Optional columns that a kind of file has a place for."""


def write_trace(trace: Trace, path: Path) -> None:
    """All jobs: SWF, CSV of evalys' kind, or Parquet with times in whole microseconds (-1 = unknown)."""
    match path.suffix:
        case ".swf":
            with opened(path) as file:
                write_swf(trace, file)
        case ".csv":
            with opened(path) as file:
                write_evalys(trace, file)
        case ".parquet":
            write_parquet(columns(trace), path, names=names(trace))
        case _:
            raise SimulationError(f"{path}: traces go to a file that ends in {', '.join(KINDS)}")


def lost(trace: Trace, suffix: str) -> list[str]:
    """What the trace knows and a file of that kind has no place for; names of users become numbers in SWF."""
    gone = trace.optional.keys() - KEPT[suffix] - ({"job"} if suffix == ".swf" else set())
    if suffix == ".swf":
        return sorted(gone | ({"also_after"} if trace.also_after else set()))
    called_anew = "job" in trace.optional and numbers(trace) is not trace.optional["job"]
    return sorted(gone | ({"job"} if called_anew and (suffix == ".csv" or "after" in trace.optional) else set()))


def columns(trace: Trace) -> dict[str, Column]:
    """Those of a trace that Parquet keeps, but names."""
    own = {"submit_us": trace.submit_us, "run_us": trace.run_us, "cores": trace.cores}
    kept = KEPT[".parquet"] - {"user", "group", "after"}
    called = {"job": numbers(trace)} if "after" in trace.optional else {}
    return own | {name: column for name, column in trace.optional.items() if name in kept} | called


def names(trace: Trace) -> dict[str, tuple[Column, tuple[str, ...]]]:
    """Columns that stand for names, with the names."""
    all_names = {"user": trace.users, "group": trace.groups}
    told = {name: (trace.optional[name], known) for name, known in all_names.items() if name in trace.optional}
    return told | ({"after": _before(trace)} if "after" in trace.optional else {})


def _before(trace: Trace) -> tuple[Column, tuple[str, ...]]:
    """The numbers of the jobs before each as one text, and those texts once each."""
    places: dict[str, int] = {}
    column = array("q", (places.setdefault(text, len(places)) if text else UNKNOWN for text in before_texts(trace)))
    return column, tuple(places)


def opened(path: Path) -> TextIO:
    """A text file to write."""
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise SimulationError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_parquet(
    columns: Mapping[str, Column],
    path: Path,
    names: Mapping[str, tuple[Column, tuple[str, ...]]] | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Numbers as they lie in memory, names (null = unknown) once each; pyarrow is imported here only.

    `about` goes into the file's metadata.
    """
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise SimulationError("Parquet needs pyarrow: pip install 'elastic[parquet]'") from error
    arrays = {
        name: pyarrow.Array.from_buffers(pyarrow.int64(), len(column), [None, pyarrow.py_buffer(column)])
        for name, column in columns.items()
    }
    for name, (column, known) in (names or {}).items():
        places = pyarrow.array([None if place == UNKNOWN else place for place in column], pyarrow.int32())
        arrays[name] = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(known, pyarrow.string()))
    table = pyarrow.table(arrays).replace_schema_metadata(about)
    try:
        # Times hardly repeat: building dictionaries of them takes ten times as long as writing them.
        parquet.write_table(table, path, use_dictionary=list(names or ()), compression="zstd")
    except OSError as error:
        raise SimulationError(f"{path}: cannot be written: {error}") from error
