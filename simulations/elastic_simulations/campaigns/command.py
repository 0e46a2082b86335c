"""What `elastic sim campaign` does: the runs of a file, those that are missing, where they are to be carried out."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from elastic_simulations.campaigns import parquet, store
from elastic_simulations.campaigns.clusters import CondorJobs, client_at, client_in_pool, each_there
from elastic_simulations.campaigns.definition import Campaign
from elastic_simulations.campaigns.processes import each
from elastic_simulations.campaigns.single import RunSpec, attempted, failed, renamed
from elastic_simulations.campaigns.summary import Axes, summary
from elastic_simulations.campaigns.workloads import TraceFile, Workload, file_of
from elastic_simulations.errors import SimulationError
from elastic_simulations.progress import shown
from elastic_simulations.runs.report import Plain, own_version

if TYPE_CHECKING:
    from distributed import Client

SUMMARY = "summary.json"
PARQUET = "runs.parquet"
COMMAND = "campaign"

Rows = Iterator[tuple[int, Plain]]
Where = Callable[[Sequence[RunSpec]], Rows]
"""Carries out runs, and gives (place, row) as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was there, what is to be done, and lines of the table that were no runs."""

    there: int
    missing: int
    damaged: Sequence[str]


def carry_out(
    campaign: Campaign, folder: Path, to: Path, where: Where, tell: Callable[[Progress], None]
) -> Mapping[str, object]:
    """The runs that are missing in `to`, then table and summary; traces lie relative to `folder`."""
    if campaign.parquet:
        parquet.needed()
    specs = runs_of(campaign, folder)
    with store.opened(to) as kept:
        missing = [spec for spec in specs if not kept.done(spec.key)]
        tell(Progress(there=len(specs) - len(missing), missing=len(missing), damaged=tuple(kept.damaged)))
        if missing:
            _carry_out(missing, where, kept, campaign.name)
        # Names are of the campaign as it is now; the results may be of one that called them otherwise.
        rows = [renamed(spec, kept.row(spec.key)) for spec in specs]
        kept.finish(rows)
        answer = outcome(campaign, specs, rows)
        store.replace(to / SUMMARY, json.dumps(answer, indent=2).encode() + b"\n")
        if campaign.parquet:
            parquet.write(rows, to / PARQUET)
    return answer


def _carry_out(missing: Sequence[RunSpec], where: Where, kept: store.Store, name: str) -> None:
    ended = [0]
    with shown(name, lambda: ended[0] / len(missing)):
        for _, row in where(missing):
            kept.add(row)
            ended[0] += 1


def outcome(campaign: Campaign, specs: Sequence[RunSpec], rows: Sequence[Plain]) -> Mapping[str, object]:
    """The summary with what it was made from."""
    files = {
        spec.workload.source.path: spec.file_sha256 for spec in specs if isinstance(spec.workload.source, TraceFile)
    }
    manifest = {
        "command": COMMAND,
        "name": campaign.name,
        "version": own_version(),
        "files": files,
        "seeds": campaign.seeds,
        "definition": campaign.definition,
    }
    found = summary(rows, Axes(cost=campaign.cost, wait=campaign.wait))
    return {"campaign": campaign.name, "search": campaign.search, **found, "manifest": manifest}


def in_memory(campaign: Campaign, cores: int) -> Mapping[str, object]:
    """The same summary from runs that are kept nowhere; the paths of its traces are absolute."""
    specs = runs_of(campaign, Path())
    rows = dict(each(attempted, specs, cores, _died))
    return outcome(campaign, specs, [rows[place] for place in range(len(specs))])


def runs_of(campaign: Campaign, folder: Path) -> list[RunSpec]:
    """All runs in the order of the table; every trace is read (and cached) once, here: what is wrong is told first."""
    checksums = _checksums(campaign.workloads, folder)
    specs = [
        RunSpec(
            label=configuration.label,
            workload=workload,
            settings=replace(configuration.settings, seed=seed),
            file_sha256=checksums[workload.name],
            folder=str(folder),
            version=own_version(),
        )
        for workload in campaign.workloads
        for seed in campaign.seeds
        for configuration in campaign.configurations
    ]
    _all_different(specs)
    return specs


def on_cores(cores: int) -> Where:
    """Processes on this machine."""
    return lambda specs: each(attempted, specs, cores, _died)


def on_dask(address: str) -> Where:
    """The workers of a Dask cluster."""
    return lambda specs: _on_cluster(client_at(address), specs)


def in_pool(jobs: CondorJobs) -> Where:
    """Dask workers that are jobs of an HTCondor pool."""
    return lambda specs: _on_cluster(client_in_pool(jobs), specs)


def _on_cluster(cluster: AbstractContextManager["Client"], specs: Sequence[RunSpec]) -> Rows:
    with cluster as client:
        yield from each_there(specs, client)


def _died(spec: RunSpec, how: str) -> Plain:
    return failed(spec, "Died", how)


def _checksums(workloads: Sequence[Workload], folder: Path) -> dict[str, str]:
    """Of the traces' files by the names of the workloads; SimulationError with all that cannot be read."""
    checksums: dict[str, str] = {}
    problems: list[str] = []
    for workload in workloads:
        try:
            checksums[workload.name] = (
                file_of(workload.source, folder).sha256 if isinstance(workload.source, TraceFile) else ""
            )
        except SimulationError as error:
            problems.append(f"workload {workload.name}: {error}")
    if problems:
        raise SimulationError("\n".join(problems))
    return checksums


def _all_different(specs: Sequence[RunSpec]) -> None:
    seen: dict[str, RunSpec] = {}
    for spec in specs:
        other = seen.setdefault(spec.key, spec)
        if other is not spec:
            names = [f"{one.label} on {one.workload.name}" for one in (other, spec)]
            raise SimulationError(f"{names[0]} and {names[1]} are the same run: leave one of them out")
