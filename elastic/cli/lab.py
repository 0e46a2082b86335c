"""Commands for the one-machine cloud: a real OpenStack control plane whose servers are real HTCondor workers."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import As, Output
from elastic.lab.release import Release

if TYPE_CHECKING:
    from elastic.lab.lab import Lab

lab = typer.Typer(
    no_args_is_help=True,
    help="The one-machine cloud: real Keystone, Nova, Glance, Heat, Senlin, Gnocchi and Aodh, whose servers are real "
    "HTCondor workers. Needs root on Debian 12, and a clone.",
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The lab's folder; else `.local/lab` of this clone.", show_default=False),
]


@lab.command("up")
def lab_up(
    home: Home = None,
    first_port: Annotated[
        int | None,
        typer.Option("--first-port", help="Ports of a new lab, from here on; else any free ones.", show_default=False),
    ] = None,
    release: Annotated[
        Release | None,
        typer.Option(
            "--release",
            help="Of a new lab: the newest releases, or zed, Debian 12's own of 2022.",
            show_default="newest",
        ),
    ] = None,
    output: As = Output.TABLE,
) -> None:
    """Start all of it, or what of it does not run, and return once servers can be booted.

    The first time, software is installed below `.local`: some minutes. Examples: `elastic lab up`,
    `elastic lab up --home /srv/lab --first-port 21000`
    """
    from elastic.cli.printing import show

    chosen, began = _lab(home), time.monotonic()

    def report(step: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {step}", file=sys.stderr, flush=True)

    _tried(lambda: chosen.up(report, release=release, first_port=first_port))
    folder = chosen.folder
    row = {
        "folder": str(folder.root),
        "clouds": str(folder.clouds),
        "condor": str(folder.condor / "environment"),
        "seconds": round(time.monotonic() - began, 1),
    }
    show(output, row, lambda console: console.print(_welcome(row), soft_wrap=True))


@lab.command("down")
def lab_down(
    home: Home = None,
    purge: Annotated[bool, typer.Option("--purge", help="Remove its folder too: databases, logs, images.")] = False,
) -> None:
    """End every process of it, servers and their jobs too. Safe to repeat; 0 when nothing runs any more.

    `elastic lab up` starts it again with the same ports, users and stacks.
    """
    chosen = _lab(home)
    count: list[int] = []
    _tried(lambda: count.append(chosen.down(purge=purge)))
    print(f"{count[0]} processes were ended" + (f"; {chosen.folder.root} is removed" if purge else ""))


@lab.command("status")
def lab_status(home: Home = None, output: As = Output.TABLE) -> None:
    """Show every service: port, first process, how many, memory, health. Exit code 1 if one is not well."""
    from dataclasses import asdict

    from elastic.cli.printing import columns, show

    found: list[dict[str, object]] = []
    _tried(lambda: found.extend(asdict(row) for row in _lab(home).status()))
    names = ("service", "port", "pid", "processes", "memory_mb", "health")
    show(output, found, lambda console: console.print(columns(names, [[row[n] for n in names] for row in found])))
    if any(row["health"] != "ok" for row in found):
        raise typer.Exit(Exit.FAILED)


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.add_typer(lab, name="lab", rich_help_panel="Run")


def _lab(home: Path | None) -> "Lab":
    from elastic.lab.folder import LabFolder, default_root
    from elastic.lab.lab import Lab
    from elastic.local.errors import LocalError

    try:
        return Lab(LabFolder((home or default_root()).resolve()))
    except LocalError as error:
        raise CommandError(str(error), Exit.USAGE) from error


def _tried(action: Callable[[], object]) -> None:
    from elastic.local.errors import LocalError

    try:
        action()
    except (LocalError, OSError) as error:
        raise CommandError(str(error)) from error


def _welcome(row: dict[str, object]) -> str:
    return "\n".join(
        (
            f"the lab is ready after {row['seconds']} s",
            f"  clouds     export OS_CLIENT_CONFIG_FILE={row['clouds']} OS_CLOUD=lab",
            f"  condor     the environment in {row['condor']}",
            "  look       elastic lab status",
            "  end        elastic lab down, or with --purge",
        )
    )
