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


def author_or_user(author: str | None) -> str:
    """The author given, else who runs this command."""
    return author or getpass.getuser()
