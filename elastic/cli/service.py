"""Commands that run the daemon or ask it nothing: run, check, demo, settings, version."""

from typing import Annotated

import typer

from elastic.cli.errors import Exit
from elastic.cli.options import As, Config, Output


def run(config: Config = None) -> None:
    """Run the daemon in the foreground, as the systemd unit does; SIGTERM ends it, SIGHUP reloads the settings.

    It waits for what is missing and says so. Example: `elastic run --config /etc/elastic/elastic.toml`
    """
    from elastic.daemon.main import main

    raise SystemExit(main(config))


def check(
    output: As = Output.TABLE,
    config: Config = None,
) -> None:
    """Try every connection that the settings name, ask one worker's startd, ask for the right to drain.

    Each finding says how to mend it; exits with 1 if one is bad. Example: `elastic check --config elastic.toml`
    """
    from elastic.cli.printing import show
    from elastic.cli.standalone import findings, print_findings

    found = findings(config)
    answer = [{"what": f.what, "ok": f.ok, "seen": f.seen, "mend": f.mend} for f in found]
    show(output, answer, lambda console: print_findings(console, found))
    if not all(finding.ok for finding in found):
        raise SystemExit(Exit.FAILED)


def settings(
    reference: Annotated[
        bool, typer.Option("--reference", help="Every setting with its default and the reason for it.")
    ] = False,
    output: As = Output.TABLE,
    config: Config = None,
) -> None:
    """Show the settings in effect, from file, environment and defaults; or the reference of all of them.

    Examples: `elastic settings`, `elastic settings --reference`, `elastic settings -o json --config elastic.toml`
    """
    from elastic.cli.standalone import print_reference, print_settings

    if reference:
        print_reference(output)
    else:
        print_settings(config, output)


def demo(
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="End by itself after this long; else at Ctrl-C.", min=1)
    ] = None,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End by itself once the pool is back at zero workers.")
    ] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Without real HTCondor daemons: a simulated pool and cloud.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="How many jobs the burst has.", min=1, max=1000)] = 40,
    suite: Annotated[str | None, typer.Option("--suite", help="The Debian suite to fetch HTCondor from.")] = None,
) -> None:
    """A real HTCondor pool on this machine that grows from zero with a burst of jobs, and shrinks to zero again.

    HTCondor's daemons are fetched and unpacked into a folder of their own; a "server" is a worker started as processes.
    Ctrl-C ends everything. Where real daemons cannot be had, a simulated pool takes their place.

    Examples: `elastic demo`, `elastic demo --until-empty`, `elastic demo --simulated --seconds 60`
    """
    from elastic.cli.demo.run import run_demo

    raise SystemExit(run_demo(seconds=seconds, until_empty=until_empty, simulated=simulated, jobs=jobs, suite=suite))


def version(output: As = Output.TABLE) -> None:
    """The version of this program."""
    from elastic import __version__

    print(f'{{"version": "{__version__}"}}' if output is Output.JSON else f"elastic {__version__}")


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    for command in (demo, run, check, settings, version):
        app.command(rich_help_panel="Run")(command)
