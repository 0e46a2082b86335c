"""Commands that look: status, workers, events, plan; nothing here changes anything."""

import time
from typing import Annotated

import typer

from elastic.cli.client import Client
from elastic.cli.connect import connect
from elastic.cli.options import As, Config, Output, Url

WATCH_SECONDS = 2.0
FOLLOW_SECONDS = 1.0


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it until Ctrl-C.")] = False,
    output: As = Output.TABLE,
    url: Url = None,
    config: Config = None,
) -> None:
    """How everything is: sources, queue, each group with its target and the reason; with JSON and --watch one a line.

    Examples: `elastic status`, `elastic status --watch`, `elastic status -o json | jq .groups`
    """
    from elastic.cli import status_view
    from elastic.cli.printing import show

    client = connect(url, config)
    if watch and output is Output.JSON:
        status_view.watch_lines(lambda: client.read("/v1/status"), WATCH_SECONDS)
    if watch:
        status_view.watch(lambda: client.read("/v1/status"), WATCH_SECONDS)
    answer = client.read("/v1/status")
    show(output, answer, lambda console: console.print(status_view.page(answer)))


def workers(
    group: Annotated[str | None, typer.Option("--group", "-g", help="Only this group's.")] = None,
    phase: Annotated[list[str] | None, typer.Option("--phase", "-p", help="Only in this phase; repeatable.")] = None,
    output: As = Output.TABLE,
    url: Url = None,
    config: Config = None,
) -> None:
    """Every worker with its phase, and why it is kept.

    Examples: `elastic workers`, `elastic workers -g small -p ready -p draining`, `elastic workers -o json`
    """
    from elastic.cli import tables
    from elastic.cli.printing import show

    answer = connect(url, config).read("/v1/workers", group=group, phase=phase)
    show(output, answer, lambda console: console.print(tables.workers(answer)))


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new ones until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 30,
    group: Annotated[str | None, typer.Option("--group", "-g", help="Only this group's.")] = None,
    worker: Annotated[str | None, typer.Option("--worker", help="Only this worker's.")] = None,
    output: As = Output.TABLE,
    url: Url = None,
    config: Config = None,
) -> None:
    """What happened, oldest first; with JSON and --follow one object a line.

    Examples: `elastic events -n 100`, `elastic events --follow`, `elastic events --worker small-17`
    """
    from elastic.cli import tables
    from elastic.cli.printing import show

    client = connect(url, config)
    if follow:
        _follow(client, limit, group, worker, output)
        return
    answer = client.read("/v1/events", limit=limit, group=group, worker=worker)
    show(output, answer, lambda console: console.print(tables.events(answer)))


def plan(
    output: As = Output.TABLE,
    url: Url = None,
    config: Config = None,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Without a daemon: ask the world itself, as --config says.")
    ] = False,
) -> None:
    """One dry tick: what would be done now, and why; nothing is done.

    Examples: `elastic plan`, `elastic plan --standalone --config elastic.toml`, `elastic plan -o json`
    """
    from elastic.cli import tables
    from elastic.cli.printing import show

    if standalone:
        from elastic.cli.standalone import dry_tick

        answer = dry_tick(config)
    else:
        answer = connect(url, config).read("/v1/plan")
    show(output, answer, lambda console: tables.print_plan(console, answer))


def _follow(client: Client, limit: int, group: str | None, worker: str | None, output: Output) -> None:
    from elastic.cli import tables

    shown: set[str] = set()
    since: float | None = None
    while True:
        answer = client.read("/v1/events", limit=1000 if since else limit, since=since, group=group, worker=worker)
        for line, at in tables.event_lines(answer, output):
            if line not in shown:
                print(line, flush=True)
                shown = shown if since == at else set()
                shown.add(line)
                since = at
        time.sleep(FOLLOW_SECONDS)


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    for command in (status, workers, events, plan):
        app.command(rich_help_panel="Look")(command)
