"""What a result was made from, inside the result: enough to make it again, and to see whether it comes out the same."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.command import WRITTEN, Asked, answer
from elastic_simulations.traces.cache import checksum

NOT_COMPARED = frozenset({"wall_s", "manifest", "version"})
"""Figures of a report that may differ between two runs of the same."""


def stored(path: Path) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """A report of `elastic sim run -o json` and the manifest in it; SimulationError when it is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SimulationError(f"{path}: no JSON ({error}); give a result of `elastic sim run -o json`") from error
    manifest = report.get("manifest") if isinstance(report, dict) else None
    if not isinstance(manifest, dict):
        raise SimulationError(f"{path}: no manifest in it; give a result of `elastic sim run -o json`")
    return report, manifest


def again(path: Path, trace: Path | None = None) -> tuple[Mapping[str, object], list[str]]:
    """The run of that report once more, and which of its figures differ; `trace` is where the trace lies now."""
    report, _ = stored(path)
    new = json.loads(json.dumps(answer(asked_again(path, report, trace))))
    differ = [name for name in new if name not in NOT_COMPARED and new[name] != report.get(name)]
    return new, differ


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
