"""The figures of a result in the order and words of a page: what each is, and whether less of it is better."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Better(Enum):
    """Which way a figure should go; some only describe."""

    LESS = "less"
    MORE = "more"
    NEITHER = ""


LESS, MORE, NEITHER = Better.LESS, Better.MORE, Better.NEITHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: where it stands in the result (names joined by dots), its unit, its meaning."""

    path: str
    name: str
    unit: str = ""
    better: Better = NEITHER
    meaning: str = ""


def _spread(path: str, name: str, unit: str, meaning: str, better: Better = LESS) -> tuple[Figure, ...]:
    parts = (("mean", "mean"), ("p50", "P50"), ("p90", "P90"), ("p95", "P95"), ("p99", "P99"), ("max", "largest"))
    return tuple(
        Figure(
            path=f"{path}.{part}", name=f"{name}, {word}", unit=unit, better=better, meaning="" if place else meaning
        )
        for place, (part, word) in enumerate(parts)
    )


SECTIONS: Mapping[str, tuple[Figure, ...]] = {
    "Jobs": (
        Figure(path="jobs", name="jobs", meaning="simulated ones"),
        Figure(path="dropped", name="rows dropped", meaning="of the trace, for the reasons below"),
        Figure(path="unserved", name="unserved", better=LESS, meaning="jobs that never started"),
        Figure(path="makespan_s", name="makespan", unit="s", better=LESS, meaning="first submit to last end"),
        Figure(path="last_end_s", name="last end", unit="s", meaning="since the start of the log"),
        Figure(path="scaling_factor", name="scaling factor", better=MORE, meaning="run times of all jobs / makespan"),
    ),
    "Waiting": (
        *_spread("wait", "wait", "s", "first start less submit; linear interpolation between jobs"),
        Figure(
            path="core_weighted_wait_s",
            name="wait, mean over cores",
            unit="s",
            better=LESS,
            meaning="each job weighs as many times as it has cores",
        ),
        *_spread("bounded_slowdown", "bounded slowdown", "", "max(1, (wait + run) / max(run, 10 s))"),
        Figure(path="jain.wait", name="Jain's index of waits", better=MORE, meaning="over users' means; 1 = all alike"),
        Figure(path="jain.bounded_slowdown", name="Jain's index of slowdowns", better=MORE),
        Figure(path="jain.users", name="users"),
    ),
    "Paid core time": (
        Figure(path="paid_core_h", name="paid", unit="core h", better=LESS, meaning="request to deletion, to last end"),
        Figure(path="used_core_h", name="used", unit="core h", meaning="run times x cores of the jobs that started"),
        Figure(path="busy_core_h", name="busy", unit="core h", meaning="paid = busy + idle + boot + teardown + wasted"),
        Figure(path="idle_core_h", name="idle", unit="core h", better=LESS),
        Figure(path="boot_core_h", name="boot", unit="core h", better=LESS),
        Figure(path="teardown_core_h", name="teardown", unit="core h", better=LESS, meaning="drained to deleted"),
        Figure(path="wasted_core_h", name="wasted", unit="core h", better=LESS, meaning="ran, and did not end there"),
        Figure(path="paid_tail_core_h", name="tail", unit="core h", better=LESS, meaning="after the last end"),
        Figure(path="paid_core_s", name="paid", unit="core s", better=LESS),
    ),
    "Elasticity": (
        Figure(path="accuracy_under", name="accuracy, under", unit="%", better=LESS, meaning="100/(T R) ∫ (d − s)⁺ dt"),
        Figure(path="accuracy_over", name="accuracy, over", unit="%", better=LESS, meaning="100/(T R) ∫ (s − d)⁺ dt"),
        Figure(
            path="accuracy_under_normalised",
            name="accuracy, under, normalised",
            unit="%",
            better=LESS,
            meaning="100/T ∫ (d − s)⁺ / max(d, 1) dt",
        ),
        Figure(
            path="accuracy_over_normalised",
            name="accuracy, over, normalised",
            unit="%",
            better=LESS,
            meaning="100/T ∫ (s − d)⁺ / max(s, 1) dt",
        ),
        Figure(path="timeshare_under", name="timeshare, under", unit="%", better=LESS, meaning="time with d > s"),
        Figure(path="timeshare_over", name="timeshare, over", unit="%", better=LESS, meaning="time with s > d"),
        Figure(path="instability", name="instability", unit="%", better=LESS, meaning="supply moves, demand does not"),
        Figure(path="instability_slow", name="instability, slow", unit="%", better=LESS, meaning="the other way round"),
    ),
    "Churn": (
        Figure(path="starts", name="starts", better=LESS, meaning="workers asked for"),
        Figure(path="stops", name="stops", better=LESS, meaning="workers deleted"),
        Figure(path="api_calls_per_h.changing", name="API calls that change", unit="1/h", better=LESS),
        Figure(path="api_calls_per_h.listing", name="API calls that list", unit="1/h", meaning="one a decision"),
        *_spread("worker_life", "life of a worker", "s", "request to deletion", MORE),
    ),
    "Waste": (
        Figure(path="evictions", name="evictions", better=LESS, meaning="executions that ended before their job did"),
        Figure(path="waste.evicted_core_h", name="evicted", unit="core h", better=LESS, meaning="lost by evictions"),
        Figure(path="waste.never_ready_workers", name="never ready", better=LESS, meaning="boots failed or cancelled"),
        Figure(
            path="waste.never_ready_core_h", name="never ready", unit="core h", better=LESS, meaning="paid for them"
        ),
    ),
    "Checks": (
        Figure(path="littles_law_residual", name="Little's law, residual", better=LESS, meaning="|L − λW| / L"),
        Figure(path="warmup_s", name="warm-up left out", unit="s", meaning="jobs submitted in it count for no wait"),
        Figure(path="seed", name="seed"),
        Figure(path="events", name="events"),
        Figure(path="decisions", name="decisions"),
    ),
}
"""Every figure with its words; those that a result has beside them are shown under their own names."""

ELSEWHERE = frozenset(
    {"manifest", "settings", "repaired", "dropped_rows", "users", "wall_s", "version", "mean_worker_life_s"}
)
"""Parts of a result that have a place of their own on the page, or (wall_s) would differ from run to run."""


def value_at(answer: Mapping[str, object], path: str) -> object:
    """What stands there; None when nothing does."""
    here: object = answer
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def others(answer: Mapping[str, object]) -> tuple[Figure, ...]:
    """Every figure of the result that has no words here."""
    known = {figure.path for figures in SECTIONS.values() for figure in figures}
    leaves = _leaves({name: value for name, value in answer.items() if name not in ELSEWHERE})
    return tuple(
        Figure(path=path, name=path.replace("_", " ").replace(".", ", ")) for path in leaves if path not in known
    )


def _leaves(answer: Mapping[str, object], before: str = "") -> Iterator[str]:
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


SMALL, LARGE = 1e-4, 1e6
"""Numbers between them need no exponent and have digits behind the point."""


def text(value: object) -> str:
    """A figure as it is read: thousands apart, six digits of what is no whole number."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return _number(value)
        case None:
            return "–"
        case list() | tuple():
            return ", ".join(map(text, value)) or "–"
        case _:
            return str(value)


def _number(value: float) -> str:
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:,.6g}" if value == 0 or abs(value) >= SMALL else f"{value:.3g}"
