"""Results in a terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from elastic_simulations.validate import Verdict

HIDDEN = frozenset({"manifest", "users", "settings", "repaired", "dropped_rows", "trace_sha256"})


def show(answer: Mapping[str, object]) -> None:
    """The figures of a run, one a line; notes about the trace below."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in answer.items():
        if name not in HIDDEN:
            table.add_row(name, _text(value))
    console.print(table)
    for kind in ("dropped_rows", "repaired"):
        notes = answer[kind]
        for note in notes if isinstance(notes, list) else ():
            word = "dropped" if kind == "dropped_rows" else "repaired"
            console.print(f"{word}: {note['rows']} rows, {note['what']}, first in line {note['first_line']}")


def show_verdicts(verdicts: "Sequence[Verdict]") -> None:
    """One line a check."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("check", "expected", "got", "tolerance", "verdict"):
        table.add_column(name, overflow="fold")
    for verdict in verdicts:
        word = "not run" if verdict.kind == "not-run" else "ok" if verdict.ok else "FAILED"
        word = f"{word} (calibration)" if verdict.kind == "calibration" else word
        table.add_row(verdict.check, _text(verdict.expected), _text(verdict.got), verdict.tolerance, word)
    Console(highlight=False).print(table)


def _text(value: object) -> str:
    match value:
        case float():
            return f"{value:,.6g}"
        case Mapping():
            return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
        case None:
            return "-"
        case _:
            return str(value)
