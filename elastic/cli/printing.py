"""How answers look in a terminal: tables, ages, JSON."""

import json
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from elastic.cli.options import Output

MINUTE, HOUR, DAY = 60, 3600, 86400


def show(output: Output, answer: object, table: Callable[[Console], None]) -> None:
    """Print the answer as JSON, or let `table` print it."""
    if output is Output.JSON:
        print(json.dumps(answer, indent=2))
        return
    table(Console(highlight=False))


def columns(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; the last column takes what width is left. Where a terminal is too narrow, nothing is cut off."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(names):
        last = position == len(names) - 1
        table.add_column(name, overflow="fold", ratio=1 if last else None)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def span(seconds: float | None) -> str:
    """A duration in a few characters: 14s, 3m20s, 2h05m, 4d02h; a dash for none."""
    if seconds is None:
        return "-"
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    if whole < MINUTE:
        return f"{sign}{whole}s"
    if whole < HOUR:
        return f"{sign}{whole // MINUTE}m{whole % MINUTE:02}s"
    if whole < DAY:
        return f"{sign}{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
    return f"{sign}{whole // DAY}d{whole % DAY // HOUR:02}h"


def _cell(value: object) -> str:
    from rich.markup import escape

    return "-" if value is None or value == "" else escape(str(value))
