"""Parquet with the columns of the CSV reader; the only module that knows pyarrow on the way in."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from elastic_simulations.traces.building import Builder
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.table import add, columns
from elastic_simulations.traces.trace import Trace


def read(path: Path, file: BinaryIO) -> Trace:
    """The whole file; a row's number stands for its line."""
    builder = Builder(path, "parquet")
    pyarrow, parquet = _libraries(path)
    try:
        table = parquet.ParquetFile(file)
        names: Sequence[str] = table.schema_arrow.names
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


def _libraries(path: Path) -> tuple[ModuleType, ModuleType]:
    # Imported here and by name: half a second, for those who read Parquet; it has no types.
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise TraceError(path, 0, "Parquet needs pyarrow: pip install 'elastic[parquet]'") from error


def _text(value: object) -> str:
    return "" if value is None else str(value)
