"""Who asks something of the daemon, where it is and how its answer is printed: options of many commands, said once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from elastic.cli.connect import connect
from elastic.cli.options import As, Author, Config, Output, TokenFile, Url, author_or_user

if TYPE_CHECKING:
    from elastic.cli.client import Client

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Asker:
    """What the common options say."""

    named: str | None
    output: Output
    url: str | None
    token_file: Path | None
    config: Path | None

    @property
    def author(self) -> str:
        """Who asks."""
        return author_or_user(self.named)

    def client(self) -> "Client":
        """The daemon, for writing too."""
        return connect(self.url, self.config, self.token_file)

    def say(self, answer: dict[str, object]) -> None:
        """Print the daemon's answer to a wish: its text, or all of it."""
        from elastic.cli.printing import show

        show(self.output, answer, lambda console: console.print(str(answer["text"]), markup=False))


def _asker(
    author: Author = None,
    output: As = Output.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> Asker:
    return Asker(author, output, url, token_file, config)


COMMON = inspect.signature(_asker).parameters


def asks(command: Callable[Concatenate[Asker, P], None]) -> Callable[..., None]:
    """The command with the common options behind its own; its first parameter is what they say."""
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def run(*args: P.args, **given: P.kwargs) -> None:
        common = {name: given.pop(name) for name in COMMON if name in given}
        command(_asker(**common), *args, **given)  # type: ignore[arg-type]  # Typer has made them so

    # By its signature Typer knows a command's options.
    run.__signature__ = inspect.Signature([*own, *COMMON.values()])  # type: ignore[attr-defined]
    return run
