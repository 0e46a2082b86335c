"""Options that several commands share."""

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"


As = Annotated[Output, typer.Option("--output", "-o", help="How to print the answer.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="ELASTIC_SETTINGS", help="The settings file (TOML).", show_default=False),
]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="ELASTIC_URL", help="The daemon's API; else as the settings say.", show_default=False),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", envvar="ELASTIC_TOKEN_FILE", help="File with the token for writes.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is shown wherever the wish has an effect.")]
Author = Annotated[str | None, typer.Option("--author", help="Who asks; else your user name.", show_default=False)]
Group = Annotated[str, typer.Argument(help="A worker group's name.")]
Worker = Annotated[str, typer.Argument(help="A worker's name, as `elastic workers` shows it.")]


SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def in_minutes(text: str | float) -> float:
    """A time as an operator writes it, in minutes: 30, 30m, 90s, 1h, 2d."""
    if isinstance(text, float):
        return text
    number, unit = (text[:-1], text[-1]) if text[-1:] in SECONDS else (text, "m")
    try:
        found = float(number) * SECONDS[unit] / 60
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise typer.BadParameter(f"{text} is no time; write for instance 30 (minutes), 90s, 1h or 2d")
    return found


def author_or_user(author: str | None) -> str:
    """The author given, else who runs this command."""
    return author or getpass.getuser()
