"""A comparison with its manifest, made from options or from the manifest of an earlier one."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from elastic_simulations.comparing.command import compared
from elastic_simulations.comparing.options import Options, understood
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import own_version

COMMAND = "compare"


def answer(options: Options, folder: Path, cores: int, file_sha256: str = "") -> Mapping[str, object]:
    """Everything that `-o json` prints; the trace's file must have `file_sha256`, where that is given."""
    of = understood(options, folder)
    if file_sha256 and of.file_sha256 != file_sha256:
        raise SimulationError(f"{options.trace} is not the trace that it was: its checksum is {of.file_sha256}")
    manifest = {
        "command": COMMAND,
        "version": own_version(),
        "file_sha256": of.file_sha256,
        "seeds": of.seeds,
        "options": asdict(options),
    }
    found: Mapping[str, object] = json.loads(json.dumps({**compared(of, cores), "manifest": manifest}))
    return found


def again(manifest: Mapping[str, object], trace: str, cores: int) -> Mapping[str, object]:
    """The same comparison; `trace` is where the trace lies now. TypeError when the manifest is of another version."""
    options = manifest["options"]
    if not isinstance(options, Mapping):
        raise TypeError("no options")
    moved = {"trace": trace} if trace and options["trace"] else {}
    return answer(Options(**{**options, **moved}), Path(), cores, str(manifest["file_sha256"]))
