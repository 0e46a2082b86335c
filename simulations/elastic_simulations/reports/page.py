"""The whole page: what stands where; the pictures come from `figures`, the words from `metrics`, the looks from CSS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from json import dumps
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from elastic_simulations.reports import figures, theme
from elastic_simulations.reports.comparing import MOST_NAMED, Answer, cost_against_wait, names, points
from elastic_simulations.reports.metrics import SECTIONS, Better, Figure, others, text, value_at
from elastic_simulations.reports.pareto import front
from elastic_simulations.runs.command import WRITTEN

if TYPE_CHECKING:
    from elastic_simulations.runs.running import Result

SPLIT = ("busy", "idle", "boot", "teardown", "wasted")
MOST_USERS = 25
MOST_SIDE_BY_SIDE = 8
"""Results whose every figure is shown, one beside the other."""

SHORT = (
    ("paid_core_h", "paid", "core h"),
    ("wait.mean", "mean wait", "s"),
    ("wait.p95", "P95 wait", "s"),
    ("bounded_slowdown.mean", "slowdown", ""),
    ("starts", "starts", ""),
    ("unserved", "unserved", ""),
)
"""Of each of several results: where it stands, name, unit."""

TILES = (
    ("jobs", "jobs", ""),
    ("wait.mean", "mean wait", "s"),
    ("wait.p95", "P95 wait", "s"),
    ("bounded_slowdown.mean", "mean slowdown", ""),
    ("paid_core_h", "paid", "core h"),
    ("starts", "workers started", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One result, and the run itself where it can be drawn; `name` where it has one of its own.

    Results are weighed against each other where their `workload` is the same.
    """

    answer: Answer
    result: "Result | None" = None
    why_not_drawn: str = ""
    name: str = ""
    workload: str = ""


def page(results: Sequence[Shown]) -> str:
    """One HTML document that needs nothing else; the same results give the same bytes."""
    answers = [shown.answer for shown in results]
    labels = [shown.name or label for shown, label in zip(results, names(answers), strict=True)]
    workloads = list(dict.fromkeys(shown.workload for shown in results))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["figure"] = text
    template = environment.from_string(files("elastic_simulations.reports").joinpath("page.html").read_text("utf-8"))
    rows = [_result(label, shown, place) for place, (label, shown) in enumerate(zip(labels, results, strict=True), 1)]
    whole = [*SECTIONS.items(), ("Others", _others(answers))] if len(results) <= MOST_SIDE_BY_SIDE else []
    return template.render(
        title=labels[0] if len(labels) == 1 else f"{len(labels)} results",
        style=Markup(files("elastic_simulations.reports").joinpath("page.css").read_text("utf-8")),  # noqa: S704 - ours
        results=rows,
        groups=[_group(name, place, rows, results) for place, name in enumerate(workloads, 1)],
        tables=[_table(name, figures, answers) for name, figures in whole],
        waits=_all_waits(results),
        short=SHORT,
        version=answers[0].get("version"),
    )


def _group(
    workload: str, number: int, rows: Sequence[dict[str, object]], results: Sequence[Shown]
) -> Mapping[str, object]:
    """The results on one workload, weighed against each other; who is on the front is noted in their rows."""
    mine = [place for place, shown in enumerate(results) if shown.workload == workload]
    answers = [results[place].answer for place in mine]
    best = front(points(answers))
    for series, place in enumerate(mine):
        rows[place]["ahead"] = series in best
        rows[place]["series"] = series % len(theme.SERIES) + 1
    members = [rows[place] for place in mine]
    return {
        "name": workload,
        "pareto": Markup(cost_against_wait([str(row["name"]) for row in members], answers, f"pareto{number}")),  # noqa: S704
        "members": members,
        "named": [row for row in members if row["ahead"] or len(members) <= MOST_NAMED],
        "coloured": len(members) <= MOST_NAMED,
        "used": any(answer.get("used_core_h") is not None for answer in answers),
    }


def _drawn(shown: Shown, place: int) -> dict[str, object]:
    """The pictures of one result; empty where the run is not there."""
    if shown.result is None:
        return {}
    trace, outcome = shown.result.trace, shown.result.outcome
    lives, chosen = figures.life_lines(trace, outcome, f"lives{place}")
    return {
        "over_time": Markup(figures.over_time(trace, outcome, f"time{place}")),  # noqa: S704 - ours
        "how_sliced": figures.how_sliced(trace, outcome),
        "evictions": outcome.evictions,
        "waiting": Markup(figures.waiting([figures.waits_of(trace, outcome)], f"wait{place}")),  # noqa: S704 - ours
        "lives": Markup(lives),  # noqa: S704 - ours
        "chosen": chosen,
    }


def _all_waits(results: Sequence[Shown]) -> Markup | None:
    """The waiting times of all results in one picture, where there are several and each can be drawn."""
    runs = [shown.result for shown in results if shown.result is not None]
    if len(runs) < len(results) or len(runs) == 1:
        return None
    return Markup(figures.waiting([figures.waits_of(run.trace, run.outcome) for run in runs], "waits"))  # noqa: S704


def _result(label: str, shown: Shown, place: int) -> dict[str, object]:
    answer = shown.answer
    return {
        "name": label,
        "ahead": False,
        "series": 1,
        "tiles": [(name, text(value_at(answer, path)), unit) for path, name, unit in TILES],
        "short": [text(value_at(answer, path)) for path, _, _ in SHORT],
        "split": _split(answer),
        "users": _users(answer),
        "notes": _notes(answer),
        "manifest": dumps(_manifest(answer), indent=2, sort_keys=True) if "manifest" in answer else "",
        "why_not_drawn": shown.why_not_drawn,
        "drawn": _drawn(shown, place),
    }


def _manifest(answer: Answer) -> object:
    """Without the names of the files written: they are no part of what was simulated."""
    manifest = answer.get("manifest")
    options = manifest.get("options") if isinstance(manifest, Mapping) else None
    if not isinstance(manifest, Mapping) or not isinstance(options, Mapping):
        return manifest
    # Nor which engine it was: all give the same, and the page is the same to the last byte.
    kept = {name: value for name, value in options.items() if name not in {*WRITTEN, "engine"}}
    return {**{name: value for name, value in manifest.items() if name != "engine"}, "options": kept}


def _split(answer: Answer) -> list[tuple[str, object, float]]:
    """Parts of the paid time: name, core-hours, percent."""
    values = [(name, value_at(answer, f"{name}_core_h")) for name in SPLIT]
    hours = [(name, value) for name, value in values if isinstance(value, float | int)]
    total = sum(value for _, value in hours)
    return [(name, value, 100 * value / total if total else 0.0) for name, value in hours]


def _users(answer: Answer) -> Mapping[str, object] | None:
    """Those with the most jobs, and how many more there are."""
    users = answer.get("users")
    if not isinstance(users, list) or not users:
        return None
    rows = sorted(users, key=lambda row: (-row["jobs"], row["user"]))
    return {"rows": rows[:MOST_USERS], "more": max(0, len(rows) - MOST_USERS)}


def _notes(answer: Answer) -> list[str]:
    notes: list[str] = []
    for kind, word in (("dropped_rows", "dropped"), ("repaired", "repaired")):
        found = answer.get(kind)
        notes += [
            f"{word}: {note['rows']:,} rows, {note['what']}, first in line {note['first_line']:,}"
            for note in (found if isinstance(found, list) else ())
        ]
    return notes


def _table(name: str, rows: Sequence[Figure], answers: Sequence[Answer]) -> Mapping[str, object]:
    lines = []
    for row in rows:
        values = [value_at(answer, row.path) for answer in answers]
        if any(value is not None for value in values):
            best = _best(row, values)
            lines.append((row, [(text(value), place in best) for place, value in enumerate(values)]))
    return {"name": name, "lines": lines}


def _best(row: Figure, values: Sequence[object]) -> list[int]:
    """Places of the best values of a row, where results differ in it."""
    numbers = {place: value for place, value in enumerate(values) if isinstance(value, int | float)}
    if row.better is Better.NEITHER or len(set(numbers.values())) < 2:  # noqa: PLR2004 - nothing to choose from
        return []
    best = min(numbers.values()) if row.better is Better.LESS else max(numbers.values())
    return [place for place, value in numbers.items() if value == best]


def _others(answers: Sequence[Answer]) -> list[Figure]:
    found = {figure.path: figure for answer in answers for figure in others(answer)}
    return list(found.values())
