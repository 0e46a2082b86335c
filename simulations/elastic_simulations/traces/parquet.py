"""Parquet with the columns of the CSV reader, or with those of a ClassAd; alone in knowing pyarrow on the way in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Protocol

from elastic_simulations.traces.building import Builder
from elastic_simulations.traces.condor import collected
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.table import add, columns
from elastic_simulations.traces.trace import Trace

CLASSAD = "QDate"
"""Every job has it: a file with this column is one of ClassAds, as `elastic trace export` writes them."""


def read(path: Path, file: BinaryIO) -> Trace:
    """The whole file; a row's number stands for its line."""
    builder = Builder(path, "parquet")
    pyarrow, parquet = _libraries(path)
    try:
        table = parquet.ParquetFile(file)
        names: Sequence[str] = table.schema_arrow.names
        if CLASSAD in names:
            return collected(builder, _ads(table))
        places = columns(path, names)
        first = 1
        for batch in table.iter_batches(columns=[names[place] for place in places.values()]):
            values = {name: batch.column(names[place]).to_pylist() for name, place in places.items()}
            for row in range(batch.num_rows):
                add(builder, first + row, {name: _text(column[row]) for name, column in values.items()})
            first += batch.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise TraceError(path, 0, f"no Parquet that can be read: {str(error).splitlines()[0]}") from error
    return builder.build()


def ads(path: Path, file: BinaryIO) -> Iterator[tuple[int, Mapping[str, object]]]:
    """(row, ClassAd) of each job; none where the columns are not those of ClassAds."""
    pyarrow, parquet = _libraries(path)
    try:
        table = parquet.ParquetFile(file)
        if CLASSAD in table.schema_arrow.names:
            yield from _ads(table)
    except (pyarrow.ArrowException, OSError) as error:
        raise TraceError(path, 0, f"no Parquet that can be read: {str(error).splitlines()[0]}") from error


def _ads(table: "_Table") -> Iterator[tuple[int, Mapping[str, object]]]:
    """(row, what is known of it), each a job's ClassAd."""
    row = 0
    for batch in table.iter_batches():
        for ad in batch.to_pylist():
            row += 1
            yield row, {name: value for name, value in ad.items() if value is not None}


class _Batch(Protocol):
    def to_pylist(self) -> list[dict[str, object]]: ...


class _Table(Protocol):
    """What is used of a ParquetFile here; pyarrow has no types."""

    def iter_batches(self) -> Iterable[_Batch]: ...


def _libraries(path: Path) -> tuple[ModuleType, ModuleType]:
    # Imported here and by name: half a second, for those who read Parquet; it has no types.
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise TraceError(path, 0, "Parquet needs pyarrow: pip install 'elastic[parquet]'") from error


def _text(value: object) -> str:
    return "" if value is None else str(value)
