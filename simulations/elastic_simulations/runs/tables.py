"""Every job and every worker of a run as a file: SWF, CSV (evalys' kind for jobs) or Parquet, by the name's ending."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import own_version
from elastic_simulations.runs.running import Result
from elastic_simulations.traces.exporting import seconds, write_evalys, write_swf
from elastic_simulations.traces.trace import UNKNOWN
from elastic_simulations.traces.writing import columns as trace_columns
from elastic_simulations.traces.writing import names, opened, write_parquet


def write_jobs(result: Result, path: Path) -> None:
    """One row a job in trace order; times in Parquet are whole microseconds, -1 = never."""
    trace, outcome = result.trace, result.outcome
    match path.suffix:
        case ".swf":
            with opened(path) as file:
                write_swf(trace, file, outcome.start_us)
        case ".csv":
            with opened(path) as file:
                write_evalys(trace, file, outcome)
        case ".parquet":
            columns = {**trace_columns(trace), "line": trace.line}
            columns |= {"start_us": outcome.start_us, "end_us": outcome.end_us, "worker": outcome.worker}
            write_parquet(columns, path, names(trace), about(result))
        case _:
            raise SimulationError(f"{path}: jobs go to a file that ends in .swf, .csv or .parquet")


def about(result: Result) -> dict[str, str]:
    """The manifest that a Parquet file carries, as JSON under the key `elastic`."""
    # All engines give the same, so that which of them it was must not change a byte.
    settings = {name: value for name, value in asdict(result.settings).items() if name != "engine"}
    found = {"version": own_version(), "trace_sha256": result.trace.sha256, "settings": settings}
    return {"elastic": json.dumps(found, sort_keys=True)}


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
            with opened(path) as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(["worker", *(name.removesuffix("_us") for name in columns)])
                for number, times in enumerate(zip(*columns.values(), strict=True)):
                    rows.writerow([number, *("" if at == UNKNOWN else seconds(at) for at in times)])
        case ".parquet":
            write_parquet(columns, path, about=about(result))
        case _:
            raise SimulationError(f"{path}: workers go to a file that ends in .csv or .parquet")
