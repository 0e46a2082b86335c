"""The figures of a report by their paths, such as `wait.mean`, and means over seeds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum, sqrt

from elastic.plugins import suggestion
from elastic_simulations.runs.report import report
from elastic_simulations.runs.running import run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.made import made

NO_FIGURES = frozenset({"settings", "seed", "wall_s", "manifest", "error"})


OF_QUANTA = re.compile(r"(cost|billed_core_h)\.[1-9][0-9]* s")
"""Figures of billing periods that a run may be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Over the seeds, with the standard error of the mean; None where there are fewer than two seeds."""

    mean: float
    standard_error: float | None


def figures(of: Mapping[str, object], above: str = "") -> dict[str, float]:
    """Every number in it."""
    found: dict[str, float] = {}
    for name, value in of.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping) and path not in NO_FIGURES:
            found |= figures(value, f"{path}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and path not in NO_FIGURES:
            found[path] = value
    return found


@cache
def known() -> tuple[str, ...]:
    """The path of every figure that a report may have, sorted: those of a small run are looked at."""
    second = 1_000_000
    optional, users = {"user": [0, 1]}, ("anna", "bert")
    trace = made([0, second], [second, second], source="two jobs", optional=optional, users=users)
    return tuple(sorted(figures(report(run(trace, RunSettings(minimum=1, boot=0.0, price=1.0))))))


def problem_with(path: str) -> str | None:
    """What is wrong with the path of a figure; None if it is right."""
    if path in known() or OF_QUANTA.fullmatch(path):
        return None
    return f"no figure '{path}'; known: {', '.join(known())}{suggestion(path, known())}"


def mean(values: Sequence[float]) -> Mean:
    """Of at least one value."""
    count = len(values)
    middle = fsum(values) / count
    if count == 1:
        return Mean(mean=middle, standard_error=None)
    spread = fsum((value - middle) ** 2 for value in values) / (count - 1)
    return Mean(mean=middle, standard_error=sqrt(spread / count))
