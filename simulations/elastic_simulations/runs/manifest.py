"""What a result was made from, inside the result: enough to make it again, and to see whether it comes out the same."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.command import WRITTEN, Asked
from elastic_simulations.traces.cache import checksum

NOT_COMPARED = frozenset({"wall_s", "manifest", "version"})
"""Figures of a report that may differ between two runs of the same."""


def asked_again(path: Path, report: Mapping[str, object], trace: Path | None = None) -> Asked:
    """What was asked for when this report was made, its trace found and proved the same; nothing is written anew."""
    manifest = report.get("manifest")
    options = manifest.get("options") if isinstance(manifest, Mapping) else None
    known = {item.name for item in fields(Asked)}
    if not isinstance(manifest, Mapping) or not isinstance(options, Mapping) or options.keys() != known:
        made_by = manifest.get("version") if isinstance(manifest, Mapping) else "unknown"
        raise SimulationError(f"{path}: its manifest is of another version of elastic ({made_by})")
    where = trace if trace is not None else Path(str(options["trace"]))
    asked = Asked(**{**options, **dict.fromkeys(WRITTEN), "trace": where})
    try:
        found = checksum(where)
    except OSError as error:
        raise SimulationError(f"{where}: cannot be read: {error.strerror or error}; name it with --trace") from error
    if found != manifest.get("file_sha256"):
        raise SimulationError(f"{where} is not the trace of {path}: its checksum is {found}")
    return asked
