"""The command `elastic trace export`: the jobs of a live schedd as a trace, beside the simulator's `elastic trace`."""

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import Config

if TYPE_CHECKING:
    from elastic.adapters.htcondor.exported import Ad, Wanted

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def export(  # noqa: PLR0917 - options
    to: Annotated[
        Path | None, typer.Option("--to", help="FILE.jsonl, .jsonl.gz or .parquet; else JSON lines to standard output.")
    ] = None,
    schedds: Annotated[
        list[str] | None, typer.Option("--schedd", help="A schedd by its name; repeat. Else that of this machine.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every schedd that the collector knows.")] = False,
    pool: Annotated[str, typer.Option("--pool", help="The collector of another pool than this machine's.")] = "",
    since: Annotated[
        str, typer.Option("--since", help="Jobs that left the queue after: 7d, 12h, 2026-01-31, 2026-01-31T12:00.")
    ] = "",
    constraint: Annotated[str, typer.Option("--constraint", help="A ClassAd expression that jobs must meet.")] = "",
    queue: Annotated[bool, typer.Option("--queue/--no-queue", help="Jobs that are still in the queue, too.")] = True,
    history: Annotated[bool, typer.Option("--history/--no-history", help="Jobs that have left the queue.")] = True,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="Other names for owners, groups and jobs; they cannot be traced back.")
    ] = False,
    config: Config = None,
) -> None:
    """Write the jobs of a live HTCondor schedd, queued and past, as a file that `elastic trace info` reads.

    Asked as this machine's own HTCondor configuration says; with --config as the daemon asks, by its collector and
    tokens. Of a job are taken its times, requests, usage and names, nothing else. Examples:
    `elastic trace export --since 30d --to jobs.jsonl.gz`, `elastic trace export --all --anonymise --to pool.parquet`
    """
    from elastic.adapters.htcondor.exported import Wanted

    wanted = Wanted(
        schedds=tuple(schedds or ()),
        everyone=everyone or (config is not None and not schedds),
        pool=pool,
        constraint=constraint,
        since=moment(since, time.time()) if since else None,
        queue=queue,
        history=history,
        anonymise=anonymise,
    )
    with _counted(wanted, _environment(config)) as ads:
        _write(ads, to)


def moment(text: str, now: float) -> int:
    """Seconds since the epoch: so long ago, or a date and time as ISO 8601 has them (local where it names no zone)."""
    if found := AGO.fullmatch(text):
        return round(now - float(found[1]) * UNITS[found[2]])
    try:
        return round(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        problem = f"--since {text}: so long ago (30d, 12h, 90m), or a date (2026-01-31, 2026-01-31T12:00)"
        raise CommandError(problem, Exit.USAGE) from error


def _environment(config: Path | None) -> Mapping[str, str]:
    """Of the process that asks: this machine's own, or what the daemon's settings say."""
    if config is None:
        return os.environ
    from elastic.adapters.htcondor.settings import HTCondorSettings
    from elastic.cli.standalone import settings_or_exit

    given = settings_or_exit(config).htcondor
    asked = HTCondorSettings(collector=given.collector, token_folder=given.token_folder, ledger="")
    return asked.environment()


@contextmanager
def _counted(wanted: "Wanted", environment: Mapping[str, str]) -> Iterator[Iterator["Ad"]]:
    """The jobs as they come; how many is shown on a terminal while they do, and said at the end."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from elastic.adapters.htcondor.exported import jobs

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} jobs"), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task("jobs")
    found = 0

    def counted() -> Iterator["Ad"]:
        nonlocal found
        for ad in jobs(wanted, environment):
            found += 1
            progress.update(task, completed=found)
            yield ad

    with progress:
        yield counted()
    print(f"{found:,} jobs", file=sys.stderr)


def _write(ads: Iterator["Ad"], to: Path | None) -> None:
    from elastic.adapters.htcondor.exported import write_lines, write_packed, write_parquet

    name = to.name if to is not None else ".jsonl"
    try:
        if to is None:
            write_lines(ads, sys.stdout)
        elif name.endswith((".jsonl", ".json")):
            with to.open("w", encoding="utf-8") as file:
                write_lines(ads, file)
        elif name.endswith((".jsonl.gz", ".json.gz")):
            write_packed(ads, to)
        elif name.endswith(".parquet"):
            write_parquet(ads, to)
        else:
            raise CommandError(f"{to}: must end in .jsonl, .jsonl.gz or .parquet", Exit.USAGE)
    except OSError as error:
        raise CommandError(f"{to}: cannot be written: {error.strerror or error}") from error
