"""Commands that steer: overrides, drains, protection, the breaker, observe to act; each needs the daemon's token."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

import typer

from elastic.cli.connect import connect
from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import (
    As,
    Author,
    Config,
    Group,
    Output,
    Reason,
    TokenFile,
    Url,
    Worker,
    author_or_user,
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
def override_set(  # noqa: PLR0917  options are named
    group: Group,
    kind: Annotated[Kind, typer.Argument(help="pin = exactly; floor = at least; ceiling = at most; pause.")],
    workers: Annotated[int | None, typer.Argument(help="How many workers; none for a pause.", min=0)] = None,
    reason: Reason = "by hand",
    minutes: Annotated[float, FOR] = 60.0,
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Impose an override on a group (`'*'` = all groups); it replaces the group's override of the same kind.

    Examples: `elastic override set small pin 7 --for 30 -r "benchmark"`, `elastic override set '*' pause`
    """
    from elastic.cli.printing import show
    from elastic.cli.tables import overrides

    body: dict[str, object] = {
        "kind": kind.value,
        "workers": workers,
        "author": author_or_user(author),
        "reason": reason,
        "expires_in_seconds": minutes * MINUTE_SECONDS,
    }
    client = connect(url, config, token_file)
    answer = client.write("PUT", f"/v1/groups/{_part(group)}/override", body)
    show(output, answer, lambda console: console.print(overrides({"items": [answer]})))


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
def breaker_reset(
    group: Group,
    reason: Reason = "by hand",
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Close a group's breaker: its failed boots are forgotten.

    Example: `elastic breaker reset small -r "image mended"`
    """
    body: dict[str, object] = {"author": author_or_user(author), "reason": reason}
    answer = connect(url, config, token_file).write("POST", f"/v1/groups/{_part(group)}/breaker/reset", body)
    _say(output, answer)


@leftover.command("ignore")
def leftover_ignore(  # noqa: PLR0917  options are named
    worker: Worker,
    cancel: Annotated[bool, typer.Option("--cancel", help="Heed it again; the worker is kept.")] = False,
    reason: Reason = "by hand",
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Ignore what computes on a worker although HTCondor says idle: it counts as free again, and may be removed.

    Until that load ends; a later one is looked at anew. Examples: `elastic leftover ignore small-17 -r "my own test"`,
    `elastic leftover ignore small-17 --cancel`
    """
    client = connect(url, config, token_file)
    path = f"/v1/workers/{_part(worker)}/leftover"
    if cancel:
        _say(output, client.write("DELETE", path, author=author_or_user(author)))
        return
    _say(output, client.write("PUT", path, {"author": author_or_user(author), "reason": reason}))


def drain(  # noqa: PLR0917  options are named
    worker: Worker,
    busy: Annotated[
        bool, typer.Option("--busy", help="Also when it is busy: after its jobs, where that is safe.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Now, killing its jobs; shows them first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before a force.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take the wish back; the worker may stay.")] = False,
    reason: Reason = "by hand",
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Ask that one worker leave: once it is empty, or after its jobs (--busy), or now with its jobs (--force).

    Examples: `elastic drain small-17`, `elastic drain small-17 --busy`, `elastic drain small-17 --cancel`
    """
    if busy and force:
        raise CommandError("--busy and --force exclude each other", Exit.USAGE)
    client = connect(url, config, token_file)
    path = f"/v1/workers/{_part(worker)}/drain"
    if cancel:
        _say(output, client.write("DELETE", path, author=author_or_user(author)))
        return
    kind = "force" if force else "drain_busy" if busy else "drain"
    body: dict[str, object] = {"kind": kind, "author": author_or_user(author), "reason": reason}
    answer = client.write("POST", path, body)
    if answer["accepted"] is False:
        # Beside the answer, never in it: what is printed as JSON stays one document.
        typer.echo(answer["text"], err=True)
        if not yes and not typer.confirm(f"kill {_listed(answer['jobs'])}?", err=True):
            raise CommandError(f"{worker} stays")
        answer = client.write("POST", path, {**body, "confirm": True})
    _say(output, answer)


def protect(
    worker: Worker,
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Keep one worker whatever the target is.

    Example: `elastic protect small-17`
    """
    client = connect(url, config, token_file)
    body: dict[str, object] = {"author": author_or_user(author)}
    _say(output, client.write("PUT", f"/v1/workers/{_part(worker)}/protect", body))


def unprotect(
    worker: Worker,
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Take a protection back.

    Example: `elastic unprotect small-17`
    """
    client = connect(url, config, token_file)
    _say(output, client.write("DELETE", f"/v1/workers/{_part(worker)}/protect", author=author_or_user(author)))


def go(
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """From observe to act: what the daemon decides is done from now on. A new ledger starts in observe."""
    body: dict[str, object] = {"author": author_or_user(author)}
    _say(output, connect(url, config, token_file).write("POST", "/v1/go", body))


def adopt(
    ledger: Annotated[str, typer.Option("--from", help="The other ledger's identity, as `elastic status` names it.")],
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Take over the servers of this pool that another ledger asked for (its ledger is lost, or its daemon retired).

    Example: `elastic adopt --from 4f1c2a4e-...`
    """
    body: dict[str, object] = {"ledger": ledger, "author": author_or_user(author)}
    _say(output, connect(url, config, token_file).write("POST", "/v1/adopt", body))


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.add_typer(override, name="override", rich_help_panel="Steer")
    for command in (drain, protect, unprotect, go, adopt):
        app.command(rich_help_panel="Steer")(command)
    app.add_typer(breaker, name="breaker", rich_help_panel="Steer")
    app.add_typer(leftover, name="leftover", rich_help_panel="Steer")


def _say(output: Output, answer: dict[str, object]) -> None:
    from elastic.cli.printing import show

    show(output, answer, lambda console: console.print(str(answer["text"]), markup=False))


def _part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def _listed(jobs: object) -> str:
    return ", ".join(str(job) for job in jobs) if isinstance(jobs, list) and jobs else "no job that is known"
