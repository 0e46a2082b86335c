"""A replay in a terminal: the sums, then the ticks at which the two differ."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from elastic_simulations.replaying.answering import LABEL, Answer
from elastic_simulations.replaying.replay import Compared
from elastic_simulations.replaying.sums import GroupSum


def show(answer: Answer, most: int) -> None:
    """At most `most` rows of differing ticks; how many there are besides is said."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{answer.policy}[/bold] over {len(answer.sha256)} files of records. {LABEL}.\n")
    console.print(_sums(answer))
    if answer.differing and most:
        console.print(_ticks(answer.differing[:most]))
    if len(answer.differing) > most:
        console.print(f"... and {len(answer.differing) - most:,} more differing ticks; --rows, or all with -o json")
    if not answer.differing:
        console.print("no tick differs")
    for cut in answer.cut_off:
        console.print(f"cut off: {cut.file}:{cut.line}: {cut.problem}; what was whole before it was read", markup=False)


def _sums(answer: Answer) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("group", "ticks", "differ", "by at most", "", "worker-hours", "least", "most", "up", "down"):
        table.add_column(title, justify="left" if title in {"group", ""} else "right")
    for name, group in answer.groups.items():
        for row in _rows(name, group, answer.policy):
            table.add_row(*row)
    return table


def _rows(name: str, group: GroupSum, policy: str) -> list[list[str]]:
    first = [name, f"{group.ticks:,}", f"{group.ticks_that_differ:,}", f"{group.largest_difference:,}"]
    sides = ((first, "recorded", group.recorded), ([""] * len(first), policy, group.other))
    return [
        [*head, title, f"{side.worker_h:,.2f}", *map("{:,}".format, (side.least, side.most, side.up, side.down))]
        for head, title, side in sides
    ]


def _ticks(differing: Sequence[Compared]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("tick", "time (UTC)", "group", "there", "recorded", "other", "why the other"):
        table.add_column(title, justify="right" if title in {"tick", "there", "recorded", "other"} else "left")
    for each in differing:
        when = f"{datetime.fromtimestamp(each.now, UTC):%Y-%m-%d %H:%M:%S}"
        numbers = (str(each.existing), str(each.recorded.workers), str(each.other.workers))
        table.add_row(str(each.tick), when, each.group, *numbers, each.other.reason)
    return table
