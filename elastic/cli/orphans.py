"""The command `elastic orphans`: what carries the pool's tag and belongs to nothing, and its removal on request."""

from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from elastic.cli.asker import Asker, asks
from elastic.cli.errors import CommandError, Exit
from elastic.cli.options import Output, in_minutes

if TYPE_CHECKING:
    from rich.console import Console

    from elastic.cli.client import Json

MINUTE_SECONDS = 60.0
LEAST_MINUTES = 10.0

OLDER = typer.Option(
    "--older-than",
    help="Keep what is younger: 90 (minutes), 2h, 1d; 10m at least.",
    parser=in_minutes,
    metavar="TIME",
)


@asks
def orphans(
    asker: Asker,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove those that nothing speaks for, after asking.")
    ] = False,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="Only this one; repeatable.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before removing.")] = False,
    older_than: Annotated[float, OLDER] = 60.0,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Without a daemon: ask cloud and ledger, as --config says.")
    ] = False,
) -> None:
    """List servers, volumes and ports that carry the pool's tag and belong to nothing; --remove removes them.

    Never removed: what the ledger knows, what is younger than --older-than, what another ledger asked for, and a server
    on which jobs may run. Exit codes: 0 nothing is left over (any more), 1 something is.

    Examples: `elastic orphans`, `elastic orphans -o json`, `elastic orphans --remove --older-than 1d`
    """
    from elastic.cli.printing import show

    if older_than < LEAST_MINUTES:
        raise CommandError(f"--older-than must be {LEAST_MINUTES:.0f} minutes at least", Exit.USAGE)
    seconds = older_than * MINUTE_SECONDS
    removals: dict[str, Any] = {"removals": []}
    with _Way(asker, standalone=standalone) as way:
        answer = way.listed(seconds)
        rows = [row for row in answer["orphans"] if not ids or row["id"] in ids]
        if missing := set(ids or ()) - {row["id"] for row in rows}:
            raise CommandError(f"not there, or it belongs to something: {', '.join(sorted(missing))}")
        answer = {**answer, "orphans": rows}
        chosen = [row for row in rows if not row["keep"]] if remove else []
        if not remove or asker.output is Output.TABLE:
            show(asker.output, answer, lambda console: _print(console, answer))
        if chosen:
            _confirm(chosen, yes=yes)
            removals = way.removed([row["id"] for row in chosen], asker.author, seconds)
            show(asker.output, {**answer, **removals}, lambda console: _print_removals(console, removals))
        elif remove and asker.output is Output.JSON:
            show(asker.output, {**answer, **removals}, lambda _: None)
    left = len(rows) - sum(one["done"] for one in removals["removals"])
    if left or answer["untold"]:
        raise typer.Exit(Exit.FAILED)


class _Way:
    """Who is asked: the daemon, or cloud and ledger themselves."""

    def __init__(self, asker: Asker, *, standalone: bool) -> None:
        self._client = None if standalone else asker.client()
        self._alone: Any = None
        if standalone:
            from elastic.cli.standalone import Alone

            self._alone = Alone(asker.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._alone is not None:
            self._alone.close()

    def listed(self, seconds: float) -> "dict[str, Any]":
        if self._client is None:
            return dict(self._alone.orphans(seconds))
        return dict(self._client.read("/v1/orphans", older_than_seconds=seconds))

    def removed(self, ids: list[str], author: str, seconds: float) -> "dict[str, Any]":
        if self._client is None:
            return dict(self._alone.remove_orphans(ids, seconds))
        body: Json = {"ids": list(ids), "author": author, "older_than_seconds": seconds}
        return dict(self._client.write("POST", "/v1/orphans/remove", body))


def _confirm(rows: list[dict[str, Any]], *, yes: bool) -> None:
    # Beside the answer, never in it: what is printed as JSON stays one document.
    named = ", ".join(f"{row['kind']} {row['name'] or row['id']}" for row in rows)
    if not yes and not typer.confirm(f"remove {len(rows)} for good ({named})?", err=True):
        raise CommandError("nothing was removed")


def _print(console: "Console", answer: "dict[str, Any]") -> None:
    from elastic.cli.printing import columns, span

    if answer["orphans"]:
        rows = [
            (
                row["kind"],
                row["name"],
                row["id"],
                span(row["age_seconds"]),
                row["state"],
                row["keep"] or "may be removed",
            )
            for row in answer["orphans"]
        ]
        console.print(columns(("kind", "name", "id", "age", "state", "what may be done"), rows))
    else:
        console.print("nothing is left over")
    for text in answer["untold"]:
        console.print(f"not everything was seen: {text}", markup=False)


def _print_removals(console: "Console", removals: "dict[str, Any]") -> None:
    from elastic.cli.printing import columns

    rows = [(row["kind"], row["name"], row["id"], row["text"]) for row in removals["removals"]]
    console.print(columns(("kind", "name", "id", "what became of it"), rows))


def add_to(app: typer.Typer) -> None:
    """Register this command."""
    app.command(rich_help_panel="Steer")(orphans)
