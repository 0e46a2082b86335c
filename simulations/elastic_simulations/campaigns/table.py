"""The summary of a campaign in a terminal."""

from collections.abc import Mapping
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

Found: TypeAlias = Mapping[str, object]


def show(answer: Found) -> None:
    """One table a workload, who is on the Pareto front marked; errors below."""
    console = Console(highlight=False)
    axes = _mapping(answer["axes"])
    for workload in _list(answer["workloads"]):
        console.print(_workload(workload, str(axes["cost"]), str(axes["wait"])))
    console.print(f"● on the Pareto front: none has less {axes['cost']} without more {axes['wait']}, or the other way")
    for error in _list(answer["errors"]):
        what = _mapping(error["error"])
        where = f"{error['policy']} on {error['workload']}, seed {error['seed']}"
        console.print(f"[red]failed[/red]: {where}: {what['type']}: {what['text']}", markup=True)


def _workload(workload: Found, cost: str, wait: str) -> Table:
    table = Table(title=str(workload["workload"]), title_justify="left", box=None, pad_edge=False, header_style="bold")
    names = list(dict.fromkeys((cost, wait, "starts")))
    for name in ("", "policy", *names, "runs", ""):
        table.add_column(name, justify="left" if name in {"", "policy"} else "right", no_wrap=True)
    for one in _list(workload["configurations"]):
        means = _mapping(one["means"])
        figures = [_figure(means.get(name)) for name in names]
        table.add_row("●" if one["front"] else "", str(one["policy"]), *figures, str(one["runs"]), _faults(one))
    return table


def _figure(value: object) -> str:
    if not isinstance(value, Mapping):
        return "-"
    error = value["standard_error"]
    return f"{value['mean']:,.5g}" + (f" ± {error:,.2g}" if error is not None else "")


def _faults(one: Found) -> str:
    return ", ".join(f"{one[name]} {name}" for name in ("failed", "unserved") if one[name])


def _mapping(value: object) -> Found:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Found]:
    return value if isinstance(value, list) else []
