"""The words of `elastic sim campaign`: which file, where to, carried out by whom, and what is said on the way."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer

from elastic_simulations.campaigns.clusters import CondorJobs
from elastic_simulations.campaigns.command import Progress, Where, carry_out, in_pool, on_cores, on_dask
from elastic_simulations.campaigns.definition import read
from elastic_simulations.campaigns.fields import CampaignError
from elastic_simulations.campaigns.processes import own_cores

WRONG_USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where runs are carried out: on this machine unless `dask` or `htcondor` is given."""

    cores: int | None
    dask: str
    htcondor: int
    memory: str
    disk: str


def carried_out(file: Path, to: Path | None, place: Place) -> Mapping[str, object]:
    """The campaign's summary; exits with 2 when the file or the options are not right."""
    try:
        campaign = read(file)
    except CampaignError as error:
        _stop(str(error))
    print(f"{file}: {campaign.runs} runs", file=sys.stderr)
    return carry_out(campaign, file.parent, to or Path(f"{file.stem}-results"), _where(place), _tell)


def _where(place: Place) -> Where:
    if bool(place.dask) + bool(place.htcondor) + (place.cores is not None) > 1:
        _stop("--cores, --dask and --htcondor exclude each other")
    if place.dask:
        return on_dask(place.dask)
    if place.htcondor:
        return in_pool(CondorJobs(workers=place.htcondor, memory=place.memory, disk=place.disk))
    return on_cores(place.cores or own_cores())


def _tell(progress: Progress) -> None:
    for line in progress.damaged:
        print(line, file=sys.stderr)
    print(f"{progress.there} there, {progress.missing} to do", file=sys.stderr)


def _stop(text: str) -> NoReturn:
    print(f"elastic: {text}", file=sys.stderr)
    raise typer.Exit(WRONG_USAGE)
