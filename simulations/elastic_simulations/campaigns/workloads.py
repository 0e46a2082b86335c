"""What is simulated, as a value: a trace's file or a recipe for one, at what pace, with which days."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from elastic_simulations.traces.reading import read
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.shaping import shaped
from elastic_simulations.traces.trace import Trace

KINDS = ("poisson", "modulated", "cycles", "bursts", "reference")
"""What can be generated; `reference` is the same under every seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFile:
    """A file, its path as it was written down; `format` where its name does not say."""

    path: str
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A generated workload: what `elastic trace generate` takes, rates in jobs a second, `run` in seconds."""

    kind: str
    jobs: int = 10_000
    rate: float = 0.2
    run: float = 500.0
    tail: float = 0.0
    bag: int = 1
    chain: int = 1
    levels: int = 0
    width: int = 4
    fan_in: int = 2


RECIPE: Mapping[str, int | float] = {
    item.name: item.default for item in fields(Recipe) if isinstance(item.default, int | float)
}
"""The numbers of a recipe and their defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A source and what is done to it; `bootstrap_days` None = the days as they are."""

    name: str
    source: TraceFile | Recipe
    scale_arrivals: float = 1.0
    scale_runtime: float = 1.0
    bootstrap_days: int | None = None

    @property
    def drawn(self) -> bool:
        """Whether another seed makes another trace."""
        generated = isinstance(self.source, Recipe) and self.source.kind != "reference"
        return generated or self.bootstrap_days is not None


def file_of(source: TraceFile, folder: Path) -> Trace:
    """The trace as it lies in its file; `folder` is where relative paths begin."""
    return read(folder / source.path, source.format)


def generated(source: Recipe, seed: int) -> Trace:
    """The trace of the recipe; the same for the same seed."""
    if source.kind == "reference":
        return reference_case(source.jobs)
    return recipe(**asdict(source), seed=seed)


def shaped_for(workload: Workload, seed: int, source: Trace) -> Trace:
    """`source` with days drawn by this seed, at the workload's pace."""
    return shaped(
        source,
        arrivals=workload.scale_arrivals,
        runtime=workload.scale_runtime,
        days=workload.bootstrap_days,
        seed=seed,
    )


def from_plain(plain: Mapping[str, object]) -> Workload:
    """A workload from what `asdict` made of it; TypeError when it is of another version."""
    given = dict(plain)
    source = given.pop("source")
    if not isinstance(source, Mapping):
        raise TypeError("no source")
    made = Recipe(**source) if "kind" in source else TraceFile(**source)
    return Workload(**given, source=made)  # type: ignore[arg-type]  # wrong types are found when it is run
