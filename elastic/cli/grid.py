"""Commands that make, list and remove whole grids, on this machine or on OpenStack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import As, Output

if TYPE_CHECKING:
    from elastic.cli.cloud_grid import Place
    from elastic.local.grid import Grid

grid = typer.Typer(
    no_args_is_help=True, help="Whole grids, on this machine or on OpenStack: made, listed and removed by one command."
)

ON_OPENSTACK = "On OpenStack"
Name = Annotated[str, typer.Argument(help="What to call it: small letters, digits, dashes.")]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The folder that grids are in; else one beside the unpacked daemons.", show_default=False
    ),
]
Cloud = Annotated[
    str | None,
    typer.Option(
        "--cloud",
        help="A cloud of clouds.yaml: the grid is a stack there; else on this machine.",
        show_default=False,
        rich_help_panel=ON_OPENSTACK,
    ),
]
CloudsFile = Annotated[
    Path | None,
    typer.Option(
        "--clouds-file",
        envvar="OS_CLIENT_CONFIG_FILE",
        help="clouds.yaml; else where OpenStack's clients look for it.",
        show_default=False,
        rich_help_panel=ON_OPENSTACK,
    ),
]
Minutes = Annotated[
    float, typer.Option("--minutes", help="How long to wait for Heat.", min=0.0, rich_help_panel=ON_OPENSTACK)
]
LEAST, MOST = 0, 4
OURS = {"reserve": {"cpus": 0, "memory_mb": 0, "disk_mb": 0}, "idle_seconds": 60.0, "scale_down_window_seconds": 30.0}


@grid.command("up")
def grid_up(
    name: Name = "local",
    *,
    maximum: Annotated[
        int | None, typer.Option("--maximum", help="At most this many workers.", min=1, show_default=str(MOST))
    ] = None,
    minimum: Annotated[
        int | None, typer.Option("--minimum", help="At least this many workers.", min=0, show_default=str(LEAST))
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings (TOML) that are merged over the grid's own.", show_default=False),
    ] = None,
    suite: Annotated[str | None, typer.Option("--suite", help="The Debian suite to fetch HTCondor from.")] = None,
    home: Home = None,
    cloud: Cloud = None,
    clouds_file: CloudsFile = None,
    environment: Annotated[
        list[Path] | None,
        typer.Option("--environment", "-e", help="Parameters in a file of Heat's.", rich_help_panel=ON_OPENSTACK),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", help="NAME=VALUE, or NAME=@FILE, of hot/grid.yaml.", rich_help_panel=ON_OPENSTACK
        ),
    ] = None,
    minutes: Minutes = 60.0,
    output: As = Output.TABLE,
) -> None:
    """Make a grid and return once it is ready; the same again goes on after whatever failed.

    On this machine it is real HTCondor daemons and `elastic run`, in the background; with `--cloud` a Heat stack of
    network, master and worker group.

    Examples: `elastic grid up`, `elastic grid up night --maximum 7 --minimum 1`,
    `elastic grid up night --cloud mine -e hot/env/small.yaml -p ssh_from=192.0.2.0/24`
    """
    from elastic.cli.printing import show

    if cloud is not None:
        _only("on this machine", minimum=minimum, config=config, suite=suite, home=home)
        asked = [*(parameter or ()), *([] if maximum is None else [f"maximum={maximum}"])]
        return _place(name, cloud, clouds_file, minutes).up(name, environment or (), asked, output)
    _only("with --cloud", environment=environment, parameter=parameter)
    least, most = LEAST if minimum is None else minimum, MOST if maximum is None else maximum
    row = _started(_grid(name, home), _settings(least, most, config), suite)
    return show(output, row, lambda console: console.print(_welcome(row), soft_wrap=True))


@grid.command("down")
def grid_down(
    name: Name = "local",
    force: Annotated[
        bool, typer.Option("--force", help="Also when jobs have not ended, on OpenStack with workers: they are lost.")
    ] = False,
    home: Home = None,
    cloud: Cloud = None,
    clouds_file: CloudsFile = None,
    minutes: Minutes = 60.0,
    output: As = Output.TABLE,
) -> None:
    """Remove everything of a grid: its jobs' files, workers, daemons, ledger. Safe to repeat; 0 when nothing is left.

    It refuses while jobs wait or run; on OpenStack, where only the master knows its jobs, while there are workers.
    Examples: `elastic grid down`, `elastic grid down night --force`, `elastic grid down night --cloud mine`
    """
    from elastic.cli.printing import show
    from elastic.local.errors import LocalError
    from elastic.local.grid import JobsInQueue

    if cloud is not None:
        _only("on this machine", home=home)
        return _place(name, cloud, clouds_file, minutes).down(name, output, force=force)
    chosen = _grid(name, home)
    existed = chosen.exists
    try:
        ended = chosen.down(force=force)
    except JobsInQueue as error:
        raise CommandError(f"{error}; `elastic grid down {name} --force` removes the grid with them") from error
    except (LocalError, OSError) as error:
        raise CommandError(str(error)) from error
    row = {"name": name, "existed": existed, "ended_processes": ended, "folder": str(chosen.folder)}
    text = f"grid {name} is removed; {ended} processes were ended" if existed else f"no grid {name} is here"
    return show(output, row, lambda console: console.print(text, soft_wrap=True))


@grid.command("list")
def grid_list(
    home: Home = None, cloud: Cloud = None, clouds_file: CloudsFile = None, output: As = Output.TABLE
) -> None:
    """Show every grid of which something is left, on this machine or in a project of OpenStack.

    Examples: `elastic grid list`, `elastic grid list --cloud mine -o json`
    """
    from elastic.cli.printing import columns, show
    from elastic.local.grid import grids

    if cloud is not None:
        _only("on this machine", home=home)
        return _place("any", cloud, clouds_file, 1.0).list(output)
    rows = [_row(each) for each in grids(home)]
    names = ("name", "phase", "url", "collector", "folder", "detail")
    return show(output, rows, lambda console: console.print(columns(names, [[row[n] for n in names] for row in rows])))


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.add_typer(grid, name="grid", rich_help_panel="Run")


def _only(where: str, **given: object) -> None:
    """Refuse options that mean nothing here."""
    if wrong := ", ".join(f"--{name}" for name, value in given.items() if value not in (None, [])):
        raise CommandError(f"{wrong}: only for grids {where}", Exit.USAGE)


def _place(name: str, cloud: str, clouds_file: Path | None, minutes: float) -> "Place":
    from elastic.cli.cloud_grid import NAME, Place

    if not NAME.fullmatch(name):
        text = f"grid name {name!r}: small letters, digits and inner dashes, a letter first, at most 39"
        raise CommandError(text, Exit.USAGE)
    return Place(cloud, clouds_file, minutes)


def _grid(name: str, home: Path | None) -> "Grid":
    from elastic.local.errors import LocalError
    from elastic.local.grid import grid as found

    try:
        return found(name, home)
    except LocalError as error:
        raise CommandError(str(error), Exit.USAGE) from error


def _settings(minimum: int, maximum: int, config: Path | None) -> dict[str, object]:
    import tomllib

    from elastic.local.daemon import merged

    ours: dict[str, object] = {"groups": [{"name": "small", "minimum": minimum, "maximum": maximum, **OURS}]}
    if config is None:
        return ours
    try:
        return dict(merged(ours, tomllib.loads(config.read_text(encoding="utf-8"))))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{config}: {error}", Exit.USAGE) from error


def _started(chosen: "Grid", settings: dict[str, object], suite: str | None) -> dict[str, object]:
    import time

    from elastic.local.errors import LocalError
    from elastic.local.runtime import STABLE, prepare
    from elastic.local.sandbox import require

    began = time.monotonic()
    try:
        require()
        runtime = prepare(suite or STABLE)
        chosen.up(runtime.prefix, settings)
    except (LocalError, OSError) as error:
        raise CommandError(str(error)) from error
    return {**_row(chosen), "seconds": round(time.monotonic() - began, 1)}


def _row(each: "Grid") -> dict[str, object]:
    state = each.state()
    shown = {"name": each.name, "folder": str(each.folder)}
    if state is None:
        return {**shown, "phase": "broken", "url": "", "collector": "", "detail": "it never started"}
    detail = state.detail.partition("\n")[0]
    return {**shown, "phase": state.phase.value, "url": state.url, "collector": state.collector, "detail": detail}


def _welcome(row: dict[str, object]) -> str:
    folder, url = row["folder"], row["url"]
    return "\n".join(
        (
            f"grid {row['name']} is ready after {row['seconds']} s",
            f"  interface  {url}/v1/status   metrics  {url}/metrics   all of it  {url}/docs",
            f"  steer      elastic status --watch --config {folder}/elastic.toml",
            f"  submit     with the bindings and the environment in {folder}/environment; files below {folder}/work",
            f"  remove     elastic grid down {row['name']}",
        )
    )
