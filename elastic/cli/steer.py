"""Commands that steer: overrides, drains, protection, the breaker, observe to act; each needs the daemon's token."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

import typer

from elastic.cli.asker import Asker, asks
from elastic.cli.connect import connect
from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import (
    As,
    Config,
    Group,
    Output,
    Reason,
    TokenFile,
    Url,
    Worker,
    in_minutes,
)

MINUTE_SECONDS = 60.0


class Kind(StrEnum):
    """Kinds of overrides, as the interface names them."""

    PIN = "pin"
    FLOOR = "floor"
    CEILING = "ceiling"
    PAUSE = "pause"


override = typer.Typer(no_args_is_help=True, help="Impose a number of workers, or a pause, for a stated time.")
leftover = typer.Typer(no_args_is_help=True, help="What computes on workers that HTCondor calls idle.")
breaker = typer.Typer(no_args_is_help=True, help="The breaker that stops boots after too many failed ones.")


FOR = typer.Option("--for", "-m", help="For how long: 30 (minutes), 90s, 1h, 2d.", parser=in_minutes, metavar="TIME")


@override.command("set")
@asks
def override_set(
    asker: Asker,
    group: Group,
    kind: Annotated[Kind, typer.Argument(help="pin = exactly; floor = at least; ceiling = at most; pause.")],
    workers: Annotated[int | None, typer.Argument(help="How many workers; none for a pause.", min=0)] = None,
    reason: Reason = "by hand",
    minutes: Annotated[float, FOR] = 60.0,
) -> None:
    """Impose an override on a group (`'*'` = all groups); it replaces the group's override of the same kind.

    Examples: `elastic override set small pin 7 --for 30 -r "benchmark"`, `elastic override set '*' pause`
    """
    from elastic.cli.printing import show
    from elastic.cli.tables import overrides

    body: dict[str, object] = {
        "kind": kind.value,
        "workers": workers,
        "author": asker.author,
        "reason": reason,
        "expires_in_seconds": minutes * MINUTE_SECONDS,
    }
    answer = asker.client().write("PUT", f"/v1/groups/{_part(group)}/override", body)
    show(asker.output, answer, lambda console: console.print(overrides({"items": [answer]})))


@override.command("list")
def override_list(output: As = Output.TABLE, url: Url = None, config: Config = None) -> None:
    """Show the overrides in force."""
    from elastic.cli.printing import show
    from elastic.cli.tables import overrides

    answer = connect(url, config).read("/v1/overrides")
    show(output, answer["items"], lambda console: console.print(overrides(answer)))


@override.command("clear")
def override_clear(
    group: Group,
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind; else all of the group.")] = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Take a group's overrides back.

    Example: `elastic override clear small pin`
    """
    from elastic.cli.printing import show
    from elastic.cli.tables import overrides

    client = connect(url, config, token_file)
    wanted = kind.value if kind else None
    answer = client.write("DELETE", f"/v1/groups/{_part(group)}/override", kind=wanted)
    show(output, answer["items"], lambda console: console.print(overrides(answer)))


@breaker.command("reset")
@asks
def breaker_reset(
    asker: Asker,
    group: Group,
    reason: Reason = "by hand",
) -> None:
    """Close a group's breaker: its failed boots are forgotten.

    Example: `elastic breaker reset small -r "image mended"`
    """
    body: dict[str, object] = {"author": asker.author, "reason": reason}
    answer = asker.client().write("POST", f"/v1/groups/{_part(group)}/breaker/reset", body)
    asker.say(answer)


@leftover.command("ignore")
@asks
def leftover_ignore(
    asker: Asker,
    worker: Worker,
    cancel: Annotated[bool, typer.Option("--cancel", help="Heed it again; the worker is kept.")] = False,
    reason: Reason = "by hand",
) -> None:
    """Ignore what computes on a worker although HTCondor says idle: it counts as free again, and may be removed.

    Until that load ends; a later one is looked at anew. Examples: `elastic leftover ignore small-17 -r "my own test"`,
    `elastic leftover ignore small-17 --cancel`
    """
    client = asker.client()
    path = f"/v1/workers/{_part(worker)}/leftover"
    if cancel:
        asker.say(client.write("DELETE", path, author=asker.author))
        return
    asker.say(client.write("PUT", path, {"author": asker.author, "reason": reason}))


@asks
def drain(
    asker: Asker,
    worker: Worker,
    busy: Annotated[
        bool, typer.Option("--busy", help="Also when it is busy: after its jobs, where that is safe.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Now, killing its jobs; shows them first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before a force.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take the wish back; the worker may stay.")] = False,
    reason: Reason = "by hand",
) -> None:
    """Ask that one worker leave: once it is empty, or after its jobs (--busy), or now with its jobs (--force).

    Examples: `elastic drain small-17`, `elastic drain small-17 --busy`, `elastic drain small-17 --cancel`
    """
    if busy and force:
        raise CommandError("--busy and --force exclude each other", Exit.USAGE)
    client = asker.client()
    path = f"/v1/workers/{_part(worker)}/drain"
    if cancel:
        asker.say(client.write("DELETE", path, author=asker.author))
        return
    kind = "force" if force else "drain_busy" if busy else "drain"
    body: dict[str, object] = {"kind": kind, "author": asker.author, "reason": reason}
    answer = client.write("POST", path, body)
    if answer["accepted"] is False:
        # Beside the answer, never in it: what is printed as JSON stays one document.
        typer.echo(answer["text"], err=True)
        if not yes and not typer.confirm(f"kill {_listed(answer['jobs'])}?", err=True):
            raise CommandError(f"{worker} stays")
        answer = client.write("POST", path, {**body, "confirm": True})
    asker.say(answer)


@asks
def protect(
    asker: Asker,
    worker: Worker,
) -> None:
    """Keep one worker whatever the target is.

    Example: `elastic protect small-17`
    """
    client = asker.client()
    body: dict[str, object] = {"author": asker.author}
    asker.say(client.write("PUT", f"/v1/workers/{_part(worker)}/protect", body))


@asks
def unprotect(
    asker: Asker,
    worker: Worker,
) -> None:
    """Take a protection back.

    Example: `elastic unprotect small-17`
    """
    client = asker.client()
    asker.say(client.write("DELETE", f"/v1/workers/{_part(worker)}/protect", author=asker.author))


@asks
def go(asker: Asker) -> None:
    """From observe to act: what the daemon decides is done from now on. A new ledger starts in observe."""
    body: dict[str, object] = {"author": asker.author}
    asker.say(asker.client().write("POST", "/v1/go", body))


@asks
def adopt(
    asker: Asker,
    ledger: Annotated[str, typer.Option("--from", help="The other ledger's identity, as `elastic status` names it.")],
) -> None:
    """Take over the servers of this pool that another ledger asked for (its ledger is lost, or its daemon retired).

    Example: `elastic adopt --from 4f1c2a4e-...`
    """
    body: dict[str, object] = {"ledger": ledger, "author": asker.author}
    asker.say(asker.client().write("POST", "/v1/adopt", body))


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.add_typer(override, name="override", rich_help_panel="Steer")
    for command in (drain, protect, unprotect, go, adopt):
        app.command(rich_help_panel="Steer")(command)
    app.add_typer(breaker, name="breaker", rich_help_panel="Steer")
    app.add_typer(leftover, name="leftover", rich_help_panel="Steer")


def _part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def _listed(jobs: object) -> str:
    return ", ".join(str(job) for job in jobs) if isinstance(jobs, list) and jobs else "no job that is known"
