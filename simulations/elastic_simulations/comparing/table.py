"""A comparison in a terminal: a block for each figure, and below how to read it."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

Found: TypeAlias = Mapping[str, object]


def show(answer: Found) -> None:
    """Every difference with its interval; what was left out and what was corrected for."""
    console = Console(highlight=False)
    console.print(_head(answer))
    found = [one for one in _list(answer["differences"]) if isinstance(one, Mapping)]
    for figure in dict.fromkeys(str(one["figure"]) for one in found):
        console.print(_figure(str(answer["baseline"]), figure, [one for one in found if one["figure"] == figure]))
    console.print(_foot(answer))


def _head(answer: Found) -> str:
    workload, warmup, seeds = _mapping(answer["workload"]), _mapping(answer["warmup"]), len(_list(answer["seeds"]))
    days = workload["bootstrap_days"]
    drawn = f", {days} days drawn anew for each seed" if days else ""
    lines = [f"{workload['name']}{drawn}; {seeds} seeds, the same for every policy"]
    by = _mapping(warmup["by_policy"])
    how = f" (MSER-5 on the mean of {warmup['seeds']} seeds, the latest of all policies)" if by else ""
    lines.append(f"warm-up: jobs of the first {warmup['seconds']:,.6g} s left out of waits and slowdowns{how}")
    unsettled = [name for name, seconds in by.items() if seconds is None]
    if unsettled:
        lines.append(f"no end of the warm-up found for {', '.join(unsettled)}: the waits never settle; see --warmup")
    if answer["nothing_random"]:
        lines.append("every seed gave the same: nothing is random here, and there are no intervals")
    for name, jobs in _mapping(answer["unserved"]).items():
        if jobs:
            lines.append(f"{name} left {jobs} jobs unserved: its waits are those of the jobs that it served")
    return "\n".join(lines)


def _figure(baseline: str, figure: str, found: Sequence[Found]) -> Table:
    table = Table(title=f"\n{figure}", title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("policy", overflow="fold")
    for name in ("mean", "difference", "interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    table.add_row(baseline, _number(found[0]["baseline"]), "", "", "", "baseline")
    for one in found:
        interval = "-" if one["low"] is None else f"{_number(one['low'])} .. {_number(one['high'])}"
        relative = one["relative"]
        share = f" ({relative:+.1%})" if isinstance(relative, float) else ""
        change, p = f"{_number(one['difference'])}{share}", _number(one["p_holm"])
        table.add_row(str(one["policy"]), _number(one["mean"]), change, interval, p, _verdict(one))
    return table


def _verdict(one: Found) -> str:
    if not one["differs"]:
        return "not shown"
    return "more" if isinstance(more := one["difference"], float | int) and more > 0 else "less"


def _foot(answer: Found) -> str:
    confidence = answer["confidence"]
    share = f"{confidence:.4g}" if isinstance(confidence, float) else ""
    return f"\nintervals: {share}, each by itself; {answer['intervals']}\np: corrected by {answer['correction']}"


def _number(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, int | float) else "-"


def _mapping(value: object) -> Found:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
