"""All commands put together."""

import sys

import typer

from elastic.cli import grid, lab, look, orphans, service, steer
from elastic.cli.errors import CommandError, Exit
from elastic.core.errors import ElasticError, WrongUsage

HELP = """Keeps the number of HTCondor workers on OpenStack equal to what the job queue needs, without losing
a job.

`elastic demo` shows it on this machine.
Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 daemon not reachable.
"""


class Cli(typer.Typer):
    """Typer, with our errors as one line on standard error."""

    def __call__(self, *args: object, **kwargs: object) -> None:
        """Run a command."""
        try:
            super().__call__(*args, **kwargs)
        except CommandError as error:
            print(f"elastic: {error}", file=sys.stderr)
            raise SystemExit(error.code) from None
        except ElasticError as error:
            print(f"elastic: {error}", file=sys.stderr)
            raise SystemExit(Exit.USAGE if isinstance(error, WrongUsage) else Exit.FAILED) from None


app = Cli(help=HELP, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """What holds for every command."""


for module in (service, grid, lab, look, steer, orphans):
    module.add_to(app)
