"""Every job and every worker of a run as a file: SWF, CSV (evalys' kind for jobs) or Parquet, by the name's ending."""

import csv
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TextIO

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.running import Result
from elastic_simulations.traces.exporting import seconds, write_evalys, write_swf
from elastic_simulations.traces.trace import UNKNOWN, Column

Columns = Mapping[str, Column]


def write_jobs(result: Result, path: Path) -> None:
    """One row a job in trace order; times in Parquet are whole microseconds, -1 = never."""
    trace, outcome = result.trace, result.outcome
    match path.suffix:
        case ".swf":
            with _opened(path) as file:
                write_swf(trace, file, outcome.start_us)
        case ".csv":
            with _opened(path) as file:
                write_evalys(trace, file, outcome.start_us, outcome.worker)
        case ".parquet":
            columns = {"submit_us": trace.submit_us, "run_us": trace.run_us, "cores": trace.cores, "line": trace.line}
            columns |= {"start_us": outcome.start_us, "end_us": outcome.end_us, "worker": outcome.worker}
            _parquet(columns, path)
        case _:
            raise SimulationError(f"{path}: jobs go to a file that ends in .swf, .csv or .parquet")


def write_workers(result: Result, path: Path) -> None:
    """One row a worker in launch order."""
    table = result.outcome.workers
    columns = {
        "requested_us": table.requested,
        "ready_us": table.ready,
        "drained_us": table.drained,
        "deleted_us": table.deleted,
    }
    match path.suffix:
        case ".csv":
            with _opened(path) as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(["worker", *(name.removesuffix("_us") for name in columns)])
                for number, times in enumerate(zip(*columns.values(), strict=True)):
                    rows.writerow([number, *("" if at == UNKNOWN else seconds(at) for at in times)])
        case ".parquet":
            _parquet(columns, path)
        case _:
            raise SimulationError(f"{path}: workers go to a file that ends in .csv or .parquet")


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise SimulationError(f"{path}: cannot be written: {error.strerror or error}") from error


def _parquet(columns: Columns, path: Path) -> None:
    """The columns as they lie in memory; pyarrow is imported here only."""
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise SimulationError("Parquet needs pyarrow: pip install 'elastic[parquet]'") from error
    arrays = {
        name: pyarrow.Array.from_buffers(pyarrow.int64(), len(column), [None, pyarrow.py_buffer(column)])
        for name, column in columns.items()
    }
    table = pyarrow.table(arrays)
    try:
        # Times hardly repeat: building dictionaries of them takes ten times as long as writing them.
        parquet.write_table(table, path, use_dictionary=False, compression="zstd")
    except OSError as error:
        raise SimulationError(f"{path}: cannot be written: {error}") from error
