"""What `elastic sim compare` does: the same traces and draws for every policy, the differences, and what they mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from elastic_simulations.campaigns.figures import figures, mean
from elastic_simulations.campaigns.processes import each
from elastic_simulations.campaigns.single import RunSpec, attempted, failed
from elastic_simulations.campaigns.workloads import Recipe, Workload
from elastic_simulations.comparing.options import Comparison
from elastic_simulations.comparing.paired import RESAMPLES, Difference, difference, draws, holm
from elastic_simulations.comparing.warming import Series, cut, series
from elastic_simulations.errors import SimulationError
from elastic_simulations.progress import shown
from elastic_simulations.runs.report import Plain, own_version
from elastic_simulations.runs.settings import RunSettings

T = TypeVar("T")

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""By policy, by figure: one value a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of one policy against the baseline's: means over the seeds, and policy minus baseline.

    `differs`: the p-value, corrected over the family, is at most 1 - confidence.
    """

    policy: str
    figure: str
    baseline: float
    mean: float
    difference: Difference
    p_holm: float
    differs: bool


def compared(of: Comparison, cores: int) -> Mapping[str, object]:
    """The answer as plain JSON types, without its manifest."""
    specs = _specs(of)
    warmup = cut(specs, of.warmup, lambda few: _answers("warm-up", series, few, cores, _no_series))
    rows = _rows([_with_warmup(spec, warmup.seconds) for spec in specs], cores)
    values, alike = _values(of, rows)
    family = _family(of, values)
    labels = [one.label for one in of.candidates]
    return {
        "baseline": labels[0],
        "policies": [{"policy": one.label, "settings": _settings(one.settings)} for one in of.candidates],
        "workload": _workload(of.workload),
        "seeds": of.seeds,
        "nothing_random": alike,
        "warmup": asdict(warmup),
        "warmup_s": warmup.seconds,
        "confidence": of.confidence,
        "intervals": f"symmetric studentised bootstrap of the paired differences, {RESAMPLES} resamples",
        "correction": f"Holm over a family of {len(family)}",
        "unserved": {label: sum(_unserved(row) for row in rows if row["policy"] == label) for label in labels},
        "values": values,
        "differences": [_plain(one) for one in family],
        "traces": {str(row["seed"]): row["trace_sha256"] for row in rows},
        "version": own_version(),
    }


def _specs(of: Comparison) -> list[RunSpec]:
    """Seed by seed: policies on the same trace are neighbours."""
    return [
        RunSpec(
            label=one.label,
            workload=of.workload,
            settings=replace(one.settings, seed=seed),
            file_sha256=of.file_sha256,
            folder=str(of.folder),
        )
        for seed in of.seeds
        for one in of.candidates
    ]


def _answers(
    what: str, function: Callable[[RunSpec], T], specs: Sequence[RunSpec], cores: int, died: Callable[[RunSpec, str], T]
) -> Iterator[T]:
    """In the order of the specs, with a bar."""
    found: dict[int, T] = {}
    with shown(what, lambda: len(found) / len(specs)):
        for place, answer in each(function, specs, cores, died):
            found[place] = answer  # noqa: PERF403 - the bar counts them as they come
    yield from (found[place] for place in range(len(specs)))


def _rows(specs: Sequence[RunSpec], cores: int) -> list[Plain]:
    rows = list(_answers("runs", attempted, specs, cores, lambda spec, how: failed(spec, "Died", how)))
    for row in rows:
        error = row.get("error")
        if isinstance(error, Mapping):
            raise SimulationError(f"{row['policy']}, seed {row['seed']}: {error['text']}")
    return rows


def _values(of: Comparison, rows: Sequence[Plain]) -> tuple[Values, bool]:
    """What is compared, and whether every seed gave the same: then one of them stands for all."""
    values: dict[str, dict[str, list[float]]] = {one.label: {name: [] for name in of.figures} for one in of.candidates}
    for row in rows:
        found = figures(row)
        for name in of.figures:
            if name not in found:
                raise SimulationError(f"--metric {name}: {row['policy']} has none on this workload; leave it out")
            values[str(row["policy"])][name].append(found[name])
    alike = len(of.seeds) > 1 and len({str(row["trace_sha256"]) for row in rows}) == 1
    alike = alike and all(len(set(series)) == 1 for by in values.values() for series in by.values())
    if alike:
        values = {label: {name: series[:1] for name, series in by.items()} for label, by in values.items()}
    return values, alike


def _family(of: Comparison, values: Values) -> list[Compared]:
    """Every figure of every policy but the baseline, corrected together."""
    first, *others = (one.label for one in of.candidates)
    pairs = [(name, label) for name in of.figures for label in others]
    resampled = draws(len(values[first][of.figures[0]]))
    found = [
        difference(
            [mine - its for mine, its in zip(values[label][name], values[first][name], strict=True)],
            resampled,
            of.confidence,
        )
        for name, label in pairs
    ]
    adjusted = holm([one.p for one in found])
    return [
        Compared(
            policy=label,
            figure=name,
            baseline=mean(values[first][name]).mean,
            mean=mean(values[label][name]).mean,
            difference=one,
            p_holm=p,
            differs=p <= round(1 - of.confidence, 12),
        )
        for (name, label), one, p in zip(pairs, found, adjusted, strict=True)
    ]


def _plain(one: Compared) -> Plain:
    relative = one.difference.mean / one.baseline if one.baseline else None
    names = {"policy": one.policy, "figure": one.figure, "baseline": one.baseline, "mean": one.mean}
    of = one.difference
    found = {"difference": of.mean, "low": of.low, "high": of.high, "relative": relative, "p": of.p}
    return {**names, **found, "p_holm": one.p_holm, "differs": one.differs}


def _workload(workload: Workload) -> Plain:
    """Not where a file lies: the manifest says that."""
    source = workload.source
    told = asdict(source) if isinstance(source, Recipe) else {"format": source.format}
    return {**asdict(workload), "source": told}


def _settings(settings: RunSettings) -> Plain:
    """What is the same under every seed."""
    return {name: value for name, value in asdict(settings).items() if name not in {"seed", "warmup"}}


def _with_warmup(spec: RunSpec, seconds: float) -> RunSpec:
    return replace(spec, settings=replace(spec.settings, warmup=seconds))


def _unserved(row: Plain) -> int:
    found = row["unserved"]
    return found if isinstance(found, int) else 0


def _no_series(spec: RunSpec, how: str) -> Series:
    raise SimulationError(f"{spec.label}, seed {spec.settings.seed}: {how}")
