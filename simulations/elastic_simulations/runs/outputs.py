"""Files that a run is to write, looked at before it begins: an hour's run must not end with a misspelt name."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from elastic_simulations.errors import UsageError

JOBS = (".swf", ".csv", ".parquet")
WORKERS = (".csv", ".parquet")


def check_outputs(wanted: Mapping[Path | None, Iterable[str]]) -> None:
    """UsageError for a path whose folder is not there or whose ending (any, where none is named) is not known."""
    for path, endings in wanted.items():
        if path is None:
            continue
        known = tuple(endings)
        if known and path.suffix not in known:
            raise UsageError(f"{path}: must end in {', '.join(known[:-1])} or {known[-1]}")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: cannot be written: there is no folder {path.parent}")
