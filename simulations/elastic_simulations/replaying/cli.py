"""The command `elastic replay`: recorded ticks of a live daemon through another policy; found by entry point."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How the answer is printed."""

    TABLE = "table"
    JSON = "json"


def replay(
    records: Annotated[Path, typer.Argument(help="The folder of a daemon's records, or one file of it.")],
    policy: Annotated[str, typer.Option("--policy", help="The other policy, by its name.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, a parameter of the policy; repeat.")
    ] = None,
    most: Annotated[
        int, typer.Option("--rows", min=0, help="Differing ticks in the table at most; JSON has all.")
    ] = 40,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print the answer.")] = Output.TABLE,
) -> None:
    """Decide the recorded ticks of a live daemon again, under another policy, and print where the two differ.

    Open loop: each tick sees the pool that the recorded decisions led to, not the one that the other policy would have
    made. Example: `elastic replay /var/lib/elastic/records --policy elastiq --set idle_seconds=600`
    """
    from elastic_simulations.replaying.answering import answered

    answer = answered(records, policy, sets or ())
    if output is Output.JSON:
        print(json.dumps(answer.plain(), indent=2))
        return
    from elastic_simulations.replaying.table import show

    show(answer, most)
