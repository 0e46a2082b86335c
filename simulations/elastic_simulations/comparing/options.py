"""What `elastic sim compare` is asked for: options as given, and the policies, workload and seeds that they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.plugins import suggestion
from elastic_simulations.campaigns.configurations import Configuration, configuration
from elastic_simulations.campaigns.figures import problem_with
from elastic_simulations.campaigns.workloads import KINDS, RECIPE, Recipe, TraceFile, Workload, file_of
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.command import warmup_of
from elastic_simulations.runs.settings import RunSettings, check, checked
from elastic_simulations.traces.shaping import DAY_US

FIGURES = ("wait.mean", "wait.p95", "bounded_slowdown.mean", "paid_core_h")
"""What is compared unless the options say otherwise: waiting, and what it costs."""

MOST_SEEDS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """By the names of the command's parameters: everything that decides the answer."""

    policies: Sequence[str]
    trace: str = ""
    fmt: str = ""
    generate: str = ""
    baseline: str = ""
    figures: Sequence[str] = FIGURES
    seeds: int = 20
    bootstrap_days: int | None = None
    scale_arrivals: float = 1.0
    scale_runtime: float = 1.0
    warmup: str = "mser5"
    confidence: float = 0.95
    minimum: int = 0
    maximum: int = RunSettings().maximum
    slots: int = 1
    order: str = RunSettings().order
    boot: float = 234.0
    tick: float = 60.0
    engine: str = "auto"
    dependencies: str = RunSettings().dependencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The options understood; `folder` is where a relative path of the trace begins. The baseline is the first."""

    candidates: tuple[Configuration, ...]
    workload: Workload
    file_sha256: str
    folder: Path
    seeds: tuple[int, ...]
    figures: tuple[str, ...]
    confidence: float
    warmup: float | str


def understood(options: Options, folder: Path) -> Comparison:
    """SimulationError (or PluginError) says what makes no sense."""
    check(0 < options.seeds <= MOST_SEEDS, f"--seeds {options.seeds}: at least 1, at most {MOST_SEEDS:,}")
    check(0.5 <= options.confidence < 1, f"--confidence {options.confidence:g}: from 0.5 to below 1")  # noqa: PLR2004
    check(len(options.figures) > 0, "no figure to compare")
    check(len(set(options.figures)) == len(options.figures), "a --metric is given twice")
    for path in options.figures:
        problem = problem_with(path)
        check(problem is None, f"--metric: {problem}")
    candidates = _candidates(options)
    workload, file_sha256 = _workload(options, folder)
    return Comparison(
        candidates=candidates,
        workload=workload,
        file_sha256=file_sha256,
        folder=folder,
        seeds=tuple(range(options.seeds)),
        figures=tuple(options.figures),
        confidence=options.confidence,
        warmup=checked(RunSettings(warmup=warmup_of(options.warmup))).warmup,
    )


def _candidates(options: Options) -> tuple[Configuration, ...]:
    """The baseline first, the others as given."""
    defaults = RunSettings(
        minimum=options.minimum,
        maximum=options.maximum,
        slots=options.slots,
        order=options.order,
        boot=options.boot,
        tick=options.tick,
        engine=options.engine,
        dependencies=options.dependencies,
    )
    given = [configuration(text, checked(defaults)) for text in options.policies]
    labels = [one.label for one in given]
    check(len(given) > 1, "nothing to compare: give --policy twice or more")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    check(not twice, f"--policy {', '.join(twice)} is given twice")
    first = options.baseline or labels[0]
    check(
        first in labels, f"--baseline {first}: no such --policy; given: {', '.join(labels)}{suggestion(first, labels)}"
    )
    return tuple(sorted(given, key=lambda one: one.label != first))


def _workload(options: Options, folder: Path) -> tuple[Workload, str]:
    check(bool(options.trace) != bool(options.generate), "give either --trace FILE or --generate KIND")
    days = options.bootstrap_days
    file_sha256, source = "", TraceFile(path=options.trace, format=options.fmt)
    if options.trace:
        found = file_of(source, folder)
        file_sha256 = found.sha256
        days = found.submit_us[-1] // DAY_US + 1 if days is None else days
    workload = Workload(
        name=Path(options.trace).name if options.trace else options.generate,
        source=source if options.trace else recipe_of(options.generate),
        scale_arrivals=options.scale_arrivals,
        scale_runtime=options.scale_runtime,
        bootstrap_days=days or None,
    )
    return workload, file_sha256


def recipe_of(text: str) -> Recipe:
    """`poisson:jobs=5000,rate=0.1` as a recipe."""
    kind, _, rest = text.partition(":")
    known = {name: type(default) for name, default in RECIPE.items()}
    values: dict[str, int | float] = {}
    check(kind in KINDS, f"--generate: no '{kind}'; known: {', '.join(KINDS)}{suggestion(kind, KINDS)}")
    for part in rest.split(",") if rest else ():
        key, _, value = (word.strip() for word in part.partition("="))
        check(key in known, f"--generate {text}: no '{key}'; known: {', '.join(known)}{suggestion(key, known)}")
        try:
            values[key] = known[key](value)
        except ValueError as error:
            raise SimulationError(f"--generate {text}: {key} must be a number") from error
    return Recipe(kind=kind, **values)  # type: ignore[arg-type]
