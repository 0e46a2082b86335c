"""The warm-up of a comparison: one time for all policies and seeds, by MSER-5 on means over a few seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from elastic_simulations.campaigns.single import RunSpec, trace_of
from elastic_simulations.measures.warmup import BATCH, MSER5, batched, truncation
from elastic_simulations.runs.running import run
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN

SEEDS = 5
"""Replications whose mean the rule looks at: what Hoad, Robinson and Davies (2010) take unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Waits of one run: their sums by batches of jobs in the order of submission, and when each batch begins (us)."""

    label: str
    waits: Sequence[int]
    begins: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is left out: jobs submitted before `seconds`. `by_policy` is what the rule found, None = no end of it."""

    rule: str
    seconds: float
    seeds: int
    by_policy: Mapping[str, float | None]


Each = Callable[[Sequence[RunSpec]], Iterable[Series]]


def cut(specs: Sequence[RunSpec], warmup: float | str, series_of: Each) -> Cut:
    """The time given, or what MSER-5 finds: for each policy on the mean of its first seeds, and of these the latest.

    All policies lose the same jobs, and nothing that is warm-up under one of them counts. Where a policy's waits have
    no end of the warm-up, as under a load that never settles, nothing is left out on its account.
    """
    if not isinstance(warmup, str):
        return Cut(rule="given", seconds=float(warmup), seeds=0, by_policy={})
    few = [replace(spec, settings=replace(spec.settings, warmup=0.0)) for spec in specs if spec.settings.seed < SEEDS]
    by_label: dict[str, list[Series]] = {spec.label: [] for spec in few}
    for series in series_of(few):
        by_label[series.label].append(series)
    found = {label: _latest(of) for label, of in by_label.items()}
    latest = max((seconds for seconds in found.values() if seconds is not None), default=0.0)
    return Cut(rule=MSER5, seconds=latest, seeds=len({spec.settings.seed for spec in few}), by_policy=found)


def series(spec: RunSpec) -> Series:
    """Of the run of this spec."""
    trace = trace_of(spec)
    outcome = run(trace, spec.settings).outcome
    started = [job for job, at in enumerate(outcome.start_us) if at != UNKNOWN]
    waits = batched([outcome.start_us[job] - trace.submit_us[job] for job in started])
    begins = [trace.submit_us[started[place * BATCH]] for place in range(len(waits))]
    return Series(label=spec.label, waits=waits, begins=begins)


def _latest(of: Sequence[Series]) -> float | None:
    """The rule on the sum over the seeds, as far as all of them go; the time at which the last of them is there."""
    length = min(len(one.waits) for one in of)
    where = truncation([sum(one.waits[place] for one in of) for place in range(length)])
    if where is None:
        return None
    return max(one.begins[where] for one in of) / MICROSECONDS if where else 0.0
