"""Commands of other distributions, found by entry point: `elastic sim` comes from the simulator that way."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

import typer

GROUP = "elastic.commands"
"""Each member names a Typer application with several commands, or a function that is one; its name is the command.

A name with a dot, as `trace.export`, adds a command to the application before the dot, whoever brings that.
"""

Command = typer.Typer | Callable[..., object]


def add_to(app: typer.Typer, words: list[str]) -> None:
    """Add the commands of others to `app`, unless the first of `words` is one of its own: looking costs 25 ms."""
    if words and words[0] in {*_own(app)}:
        return
    places = {"": app}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        command = _loaded(entry)
        before, _, name = entry.name.rpartition(".")
        if command is None:
            continue
        if before not in places:
            print(f"elastic: command '{entry.name}' ({entry.value}) has no place: no '{before}'", file=sys.stderr)
        elif isinstance(command, typer.Typer):
            places[before].add_typer(command, name=name)
            places[entry.name] = command
        else:
            places[before].command(name)(command)


def _own(app: typer.Typer) -> list[str | None]:
    commands = [info.name or (info.callback.__name__ if info.callback else None) for info in app.registered_commands]
    return [*commands, *(group.name for group in app.registered_groups)]


def _loaded(entry: EntryPoint) -> Command | None:
    """The application or function; None (said on standard error) when a stranger's module does not load."""
    try:
        command: object = entry.load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything while it is imported
        print(f"elastic: command '{entry.name}' cannot be loaded from {entry.value}: {error}", file=sys.stderr)
        return None
    if isinstance(command, typer.Typer) or callable(command):
        return command
    print(f"elastic: command '{entry.name}' ({entry.value}) is no Typer application and no function", file=sys.stderr)
    return None
