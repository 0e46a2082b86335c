"""One run as a value that any process can carry out: what it is made from, its key, its report, its row."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from elastic_simulations.campaigns.workloads import Recipe, Workload, file_of, from_plain, generated, shaped_for
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import Plain, own_version, report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.trace import Trace

COMMAND = "campaign run"
"""What the manifest of such a run says it is of."""

KEY_DIGITS = 16

_latest: dict[str, Trace] = {}
"""The trace of the last run of this process: its neighbours in a campaign use the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """A workload under settings (the seed is theirs); `folder` is where relative paths begin, and decides nothing.

    `file_sha256` is what the trace's file must have, "" for generated workloads. `label` names the settings.
    """

    label: str
    workload: Workload
    settings: RunSettings
    file_sha256: str = ""
    folder: str = "."
    version: str = ""

    @property
    def manifest(self) -> Plain:
        """Everything that decides the result."""
        return {
            "command": COMMAND,
            "version": self.version or own_version(),
            "file_sha256": self.file_sha256,
            "label": self.label,
            "workload": asdict(self.workload),
            "settings": asdict(self.settings),
        }

    @property
    def key(self) -> str:
        """Names the run by what decides its result: not by names and paths."""
        workload = asdict(replace(self.workload, name=""))
        if self.file_sha256:
            del workload["source"]
        decides = {**self.manifest, "workload": workload, "label": ""}
        return sha256(canonical(decides).encode()).hexdigest()[:KEY_DIGITS]


def canonical(value: object) -> str:
    """One line of JSON, names sorted: the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def from_manifest(manifest: Mapping[str, object], folder: str) -> RunSpec:
    """The run of this manifest; TypeError, KeyError or ValueError when it is of another version."""
    workload, settings = manifest["workload"], manifest["settings"]
    if not isinstance(workload, Mapping) or not isinstance(settings, Mapping):
        raise TypeError("no workload or settings")
    return RunSpec(
        label=str(manifest["label"]),
        workload=from_plain(workload),
        settings=RunSettings(**{**settings, "quanta": tuple(settings["quanta"])}),
        file_sha256=str(manifest["file_sha256"]),
        folder=folder,
    )


def trace_of(spec: RunSpec, file: Trace | None = None) -> Trace:
    """The trace of this run; `file` is what its file holds, where that was read already."""
    workload, seed = spec.workload, spec.settings.seed
    name = canonical([asdict(workload), spec.file_sha256, spec.folder, seed if workload.drawn else 0])
    found = _latest.get(name)
    if found is None:
        found = shaped_for(workload, seed, _source(spec, file))
        _latest.clear()
        _latest[name] = found
    return found


def carried_out(spec: RunSpec, file: Trace | None = None) -> Plain:
    """The report of this run, without how long it took."""
    if spec.version not in {"", own_version()}:
        raise SimulationError(f"this worker has elastic {own_version()}, the campaign {spec.version}: install the same")
    made = dict(report(run(trace_of(spec, file), spec.settings)))
    del made["wall_s"]
    return made


def attempted(spec: RunSpec, file: Trace | None = None) -> Plain:
    """The row of this run: its report, or its error; never raises, for the other runs go on."""
    try:
        # As it will be read again: a row is the same whether it was just made or lay on disk.
        return row(spec, json.loads(json.dumps(carried_out(spec, file))))
    except Exception as error:  # noqa: BLE001 - a policy of others may raise anything
        return failed(spec, type(error).__name__, str(error))


def failed(spec: RunSpec, kind: str, text: str) -> Plain:
    """The row of a run that came to nothing."""
    return row(spec, {"error": {"type": kind, "text": text}})


def renamed(spec: RunSpec, found: Plain) -> Plain:
    """A row of the same run under the names of this one."""
    return row(spec, found)


def row(spec: RunSpec, outcome: Plain) -> Plain:
    """One line of the table: the report (or the error), with the run's names and its manifest."""
    names = {"run": spec.key, "workload": spec.workload.name, "policy": spec.label, "seed": spec.settings.seed}
    return {**outcome, **names, "manifest": spec.manifest}


def _source(spec: RunSpec, file: Trace | None) -> Trace:
    source = spec.workload.source
    if isinstance(source, Recipe):
        return generated(source, spec.settings.seed)
    found = file_of(source, Path(spec.folder)) if file is None else file
    if found.sha256 != spec.file_sha256:
        raise SimulationError(f"{source.path} is not the trace that it was: its checksum is {found.sha256}")
    return found
