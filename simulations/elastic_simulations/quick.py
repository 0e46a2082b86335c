"""`elastic sim run ... -o json` without typer, which takes longer to start than ten thousand jobs to simulate.

Understands well-formed runs only; help, tables and every mistake go the long way (`cli`), which says what is wrong.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import NoReturn

from elastic_simulations.runs.command import Asked, answer, lost


class _NotUnderstood(Exception):
    """Let the full command line look at it."""


class _Parser(argparse.ArgumentParser):
    """Never prints and never exits."""

    def error(self, message: str) -> NoReturn:
        """Leave it to others to say what is wrong."""
        raise _NotUnderstood(message)


def sim(words: list[str]) -> bool:
    """Carry out a run that is to be printed as JSON; False for everything else."""
    if words[:1] != ["run"]:
        return False
    try:
        given = vars(_parser().parse_args(words[1:]))
    except _NotUnderstood:
        return False
    policy = given.pop("policy")
    if given.pop("output") != "json" or (given["static"] is not None and policy is not None):
        return False
    asked = Asked(policy="backlog" if policy is None else policy, **given)
    print(json.dumps(answer(asked), indent=2))  # noqa: T201 - the result
    if said := lost(asked):
        print(said, file=sys.stderr)  # noqa: T201 - beside it
    return True


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--policy")
    parser.add_argument("--static", type=int)
    parser.add_argument("--min", type=int, dest="minimum", default=0)
    parser.add_argument("--max", type=int, dest="maximum", default=1_000_000)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--order", default="fullest")
    parser.add_argument("--boot", type=float, default=234.0)
    parser.add_argument("--tick", type=float, default=60.0)
    parser.add_argument("--set", dest="sets", action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--warmup", default="0")
    parser.add_argument("--format", dest="fmt", default="")
    parser.add_argument("--scale-arrivals", type=float, default=1.0)
    parser.add_argument("--scale-runtime", type=float, default=1.0)
    parser.add_argument("--bootstrap-days", type=int)
    parser.add_argument("--dependencies", default="honour")
    parser.add_argument("--jobs", type=Path, dest="jobs_to")
    parser.add_argument("--workers", type=Path, dest="workers_to")
    parser.add_argument("--quantum", type=int, dest="quanta", action="append", default=[])
    parser.add_argument("--price", type=float)
    parser.add_argument("--html", type=Path, dest="html_to")
    parser.add_argument("--from-live", default="")
    parser.add_argument("--group", default="")
    parser.add_argument("--output", "-o", default="table")
    return parser
