"""Commands of other distributions, found by entry point: `elastic sim` comes from the simulator that way."""

import sys
from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "elastic.commands"
"""Each member names a Typer application; its name is the command."""


def add_to(app: typer.Typer, words: list[str]) -> None:
    """Add the commands of others to `app`, unless the first of `words` is one of its own: looking costs 25 ms."""
    if words and words[0] in {*_own(app)}:
        return
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        command = _loaded(entry)
        if command is not None:
            app.add_typer(command, name=entry.name)


def _own(app: typer.Typer) -> list[str | None]:
    commands = [info.name or (info.callback.__name__ if info.callback else None) for info in app.registered_commands]
    return [*commands, *(group.name for group in app.registered_groups)]


def _loaded(entry: EntryPoint) -> typer.Typer | None:
    """The application; None (said on standard error) when a stranger's module does not load: ours go on."""
    try:
        command = entry.load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything while it is imported
        print(f"elastic: command '{entry.name}' cannot be loaded from {entry.value}: {error}", file=sys.stderr)
        return None
    if isinstance(command, typer.Typer):
        return command
    print(f"elastic: command '{entry.name}' ({entry.value}) is no Typer application", file=sys.stderr)
    return None
