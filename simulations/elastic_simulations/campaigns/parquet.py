"""The table of a campaign as Parquet: a row a run, a column a figure, the manifest as JSON; pyarrow is loaded here."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from elastic_simulations.campaigns.figures import figures
from elastic_simulations.campaigns.single import canonical
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import Plain

NAMES = ("run", "workload", "policy", "seed")
WHOLE = "manifest"


def needed() -> None:
    """SimulationError when pyarrow is not installed."""
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise SimulationError("table = \"parquet\" needs pyarrow: pip install 'elastic[parquet]'") from error


def write(rows: Sequence[Plain], path: Path) -> None:
    """All runs; figures that a run does not have are null, `error` is null for those that have them."""
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    found = [figures(row) for row in rows]
    columns = {name: pyarrow.array([row[name] for row in rows]) for name in NAMES}
    for name in sorted({name for of in found for name in of}):
        columns[name] = pyarrow.array([_number(of.get(name)) for of in found], pyarrow.float64())
    columns["trace_sha256"] = pyarrow.array([row.get("trace_sha256") for row in rows], pyarrow.string())
    columns["error"] = pyarrow.array([_error(row) for row in rows], pyarrow.string())
    columns[WHOLE] = pyarrow.array([canonical(row[WHOLE]) for row in rows], pyarrow.string())
    aside = path.with_name(f".{path.name}.part")
    parquet.write_table(pyarrow.table(columns), aside, compression="zstd")
    os.replace(aside, path)  # noqa: PTH105 - as `store.replace`


def _error(row: Plain) -> str | None:
    error = row.get("error")
    return str(error["text"]) if isinstance(error, dict) else None


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
