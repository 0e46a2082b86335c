"""Any result made again from its manifest: a run, a comparison, a campaign or a run of it, a validation, a replay."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from elastic_simulations import validate as validation
from elastic_simulations.campaigns import command as campaigns
from elastic_simulations.campaigns import single
from elastic_simulations.campaigns.definition import understood
from elastic_simulations.campaigns.workloads import TraceFile
from elastic_simulations.checks.reference import found
from elastic_simulations.comparing import again as comparing
from elastic_simulations.errors import SimulationError
from elastic_simulations.replaying import answering as replaying
from elastic_simulations.replaying.records import files_of
from elastic_simulations.runs.command import answer as run_answer
from elastic_simulations.runs.manifest import NOT_COMPARED, asked_again
from elastic_simulations.runs.report import own_version
from elastic_simulations.traces.cache import checksum

VALIDATION = "validate"

Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A result made once more; `differ` names what came out otherwise. `which` tells rows of a file apart."""

    which: str
    answer: Answer
    differ: Sequence[str]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a trace may lie: the files named, else its path from here, or from the result's folder or its parent."""

    named: Sequence[Path]
    result: Path

    def file(self, path: str, file_sha256: str) -> Path:
        """The file of this checksum; SimulationError when there is none."""
        folders = (Path(), self.result.parent, self.result.parent.parent)
        candidates = [*self.named, *(folder / path for folder in folders)]
        there = [file for file in candidates if file.is_file()]
        right = next((file for file in there if checksum(file) == file_sha256), None)
        if right is not None:
            return right
        if there:
            raise SimulationError(f"{there[0]} is not the trace of {self.result}: its checksum is {checksum(there[0])}")
        raise SimulationError(f"{path}: not found; say where it lies now with --trace")


def rerun(path: Path, traces: Sequence[Path], cores: int, run: str = "") -> list[Again]:
    """What is in this file, made again; of a campaign's table every run, or the one that is named."""
    places = Places(named=traces, result=path)
    made = [_again(path, stored, places, cores) for stored in _stored(path) if run in {"", str(stored.get("run", ""))}]
    if not made:
        raise SimulationError(f"{path}: no run '{run}' in it")
    return made


def _again(path: Path, stored: Answer, places: Places, cores: int) -> Again:
    manifest = stored.get("manifest")
    if not isinstance(manifest, Mapping):
        raise SimulationError(f"{path}: no manifest in it; give what `elastic sim` printed with -o json, or its tables")
    version = str(manifest.get("version"))
    known = COMMANDS.get(str(manifest.get("command", "run")))
    try:
        if known is None:
            named = places.named[0] if places.named else None
            answer = run_answer(asked_again(path, stored, named))
        else:
            answer = known(manifest, places, cores)
    except SimulationError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SimulationError(f"{path}: its manifest is of another version of elastic ({version})") from error
    new = json.loads(json.dumps(answer))
    names = sorted({*new, *stored} - NOT_COMPARED)
    differ = [name for name in names if new.get(name) != stored.get(name)]
    return Again(which=str(stored.get("run", "")), answer=new, differ=differ, version=version)


def _run_of_campaign(manifest: Answer, places: Places, _cores: int) -> Answer:
    spec = single.from_manifest(manifest, "")
    source = spec.workload.source
    if isinstance(source, TraceFile):
        file = places.file(source.path, spec.file_sha256)
        spec = replace(spec, workload=replace(spec.workload, source=replace(source, path=str(file.resolve()))))
    return single.attempted(spec)


def _comparison(manifest: Answer, places: Places, cores: int) -> Answer:
    options = manifest["options"]
    path = options["trace"] if isinstance(options, Mapping) else ""
    file = str(places.file(path, str(manifest["file_sha256"]))) if path else ""
    return comparing.again(manifest, file, cores)


def _campaign(manifest: Answer, places: Places, cores: int) -> Answer:
    definition, files = manifest["definition"], manifest["files"]
    if not isinstance(definition, Mapping) or not isinstance(files, Mapping):
        raise TypeError
    where = {path: str(places.file(path, str(sha256)).resolve()) for path, sha256 in files.items()}
    moved = {
        **definition,
        "workload": [
            {**workload, "name": workload.get("name", Path(workload["trace"]).name), "trace": where[workload["trace"]]}
            if "trace" in workload
            else workload
            for workload in definition["workload"]
        ],
    }
    campaign = understood(moved, Path(str(manifest["name"])))
    return campaigns.in_memory(campaign, cores)


def _validation(manifest: Answer, places: Places, _cores: int) -> Answer:
    file_sha256 = str(manifest["file_sha256"])
    # Where no trace was, none is looked for now.
    data = places.file(str(manifest["data"]), file_sha256) if file_sha256 else places.result / "none"
    only, full = str(manifest["only"]), bool(manifest["full"])
    return validated(validation.validate(data, only, full=full), data, only, full=full)


def _replay(manifest: Answer, places: Places, _cores: int) -> Answer:
    files, parameters = manifest["files"], manifest["parameters"]
    if not isinstance(files, Mapping) or not isinstance(parameters, Mapping):
        raise TypeError
    records = places.named[0] if places.named else Path(str(manifest["records"]))
    expected = {Path(file).name: sha256 for file, sha256 in files.items()}
    if {file.name: checksum(file) for file in files_of(records)} != expected:
        raise SimulationError(f"{records} are not the records of {places.result}: their checksums differ")
    sets = [f"{name}={value}" for name, value in parameters.items()]
    return {**replaying.answered(records, str(manifest["policy"]), sets).plain(), "files": list(files)}


def validated(verdicts: Sequence[validation.Verdict], data: Path | None, only: str, *, full: bool) -> Answer:
    """What `elastic sim validate` found, with the manifest from which it is found again."""
    file = found(data)
    manifest = {
        "command": VALIDATION,
        "version": own_version(),
        "data": file.name if file is not None else "",
        "file_sha256": checksum(file) if file is not None else "",
        "only": only,
        "full": full,
    }
    return {"verdicts": [asdict(verdict) for verdict in verdicts], "manifest": manifest}


COMMANDS: Mapping[str, Callable[[Answer, Places, int], Answer]] = {
    single.COMMAND: _run_of_campaign,
    comparing.COMMAND: _comparison,
    campaigns.COMMAND: _campaign,
    VALIDATION: _validation,
    replaying.COMMAND: _replay,
}


def _stored(path: Path) -> list[Answer]:
    """One object, or one a line; SimulationError when it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SimulationError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        values = _values(text)
    except (ValueError, RecursionError) as error:
        raise SimulationError(f"{path}: no JSON ({error}); give what `elastic sim` printed with -o json") from error
    if not values or not all(isinstance(value, Mapping) for value in values):
        raise SimulationError(f"{path}: no manifest in it; give what `elastic sim` printed with -o json, or its tables")
    return [value for value in values if isinstance(value, Mapping)]


def _values(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:  # noqa: PLR2004 - one line is no table
            raise
        return [json.loads(line) for line in lines]
