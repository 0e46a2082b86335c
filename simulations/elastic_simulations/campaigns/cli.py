"""The command `elastic sim campaign`: which file, where to, carried out by whom; what is said on the way."""

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from elastic_simulations.campaigns.command import Progress, Where

WRONG_USAGE = 2


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where runs are carried out: on this machine unless `dask` or `htcondor` is given."""

    cores: int | None
    dask: str
    htcondor: int
    memory: str
    disk: str


def campaign(
    file: Annotated[Path, typer.Argument(help="The campaign, as TOML.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder of the results; else FILE without its ending and -results.")
    ] = None,
    cores: Annotated[int | None, typer.Option("--cores", min=1, help="Runs at once; else as many as cores.")] = None,
    dask: Annotated[
        str, typer.Option("--dask", metavar="ADDRESS", help="Carry the runs out on this Dask cluster: tcp://host:8786.")
    ] = "",
    htcondor: Annotated[
        int,
        typer.Option("--htcondor", metavar="JOBS", min=0, help="Carry them out in so many jobs of an HTCondor pool."),
    ] = 0,
    memory: Annotated[str, typer.Option("--memory", help="What each of these jobs asks for.")] = "2GB",
    disk: Annotated[str, typer.Option("--disk", help="What each of these jobs asks for.")] = "1GB",
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print the summary.")] = Output.TABLE,
) -> None:
    """Every configuration on every workload under every seed; interrupted, it goes on where it was.

    Exit codes: 0 done, 1 some runs failed (they are tried again by the same command), 2 the file is not right.
    """
    from elastic_simulations.campaigns.command import carry_out
    from elastic_simulations.campaigns.definition import read
    from elastic_simulations.campaigns.fields import CampaignError

    where = _where(Place(cores=cores, dask=dask, htcondor=htcondor, memory=memory, disk=disk))
    try:
        defined = read(file)
    except CampaignError as error:
        _stop(str(error))
    answer = carry_out(defined, file.parent, to or Path(f"{file.stem}-results"), where, _tell)
    if output is Output.JSON:
        print(json.dumps(answer, indent=2))
    else:
        from elastic_simulations.campaigns.table import show

        show(answer)
    if answer["failed"]:
        raise typer.Exit(1)


def _where(place: Place) -> "Where":
    from elastic_simulations.campaigns.clusters import CondorJobs
    from elastic_simulations.campaigns.command import in_pool, on_cores, on_dask
    from elastic_simulations.campaigns.processes import own_cores

    if bool(place.dask) + bool(place.htcondor) + (place.cores is not None) > 1:
        _stop("--cores, --dask and --htcondor exclude each other")
    if place.dask:
        return on_dask(place.dask)
    if place.htcondor:
        return in_pool(CondorJobs(workers=place.htcondor, memory=place.memory, disk=place.disk))
    return on_cores(place.cores or own_cores())


def _tell(progress: "Progress") -> None:
    for line in progress.damaged:
        print(line, file=sys.stderr)
    there = f"{progress.there} there already, " if progress.there else ""
    print(f"{progress.there + progress.missing} runs: {there}{progress.missing} to do", file=sys.stderr)


def _stop(text: str) -> NoReturn:
    print(f"elastic: {text}", file=sys.stderr)
    raise typer.Exit(WRONG_USAGE)
