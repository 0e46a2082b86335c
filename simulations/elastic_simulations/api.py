"""The simulator for programs and notebooks: load or generate a trace, simulate, compare, report; kept stable.

Everything else in this package may change between versions; docs/simulation-api.md describes these names.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import report as _plain
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings, SettingsError
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.shaping import shaped
from elastic_simulations.traces.trace import Trace

__all__ = [
    "Result",
    "SimulationError",
    "Trace",
    "compare",
    "figures",
    "front",
    "generate",
    "load",
    "report",
    "scenario",
    "shape",
    "simulate",
]

Settings = Mapping[str, Any]
"""Fields of a run by name, as `policy`, `maximum`, `slots`, `boot` (s), `static` (cores); `sets` for all others."""

FIELDS = tuple(item.name for item in fields(RunSettings))


def load(path: str | Path, fmt: str = "") -> Trace:
    """The trace in this file (SWF, GWF, HTCondor history, CSV, Parquet); TraceError names file and line."""
    return read(Path(path), fmt)


def generate(  # noqa: PLR0913 - each has a meaning of its own
    kind: str = "poisson",
    *,
    jobs: int = 10_000,
    rate: float = 0.2,
    run: float = 500.0,
    tail: float = 0.0,
    bag: int = 1,
    chain: int = 1,
    levels: int = 0,
    width: int = 4,
    fan_in: int = 2,
    seed: int = 0,
) -> Trace:
    """A trace that never was: `kind` is poisson, modulated, cycles, bursts or reference.

    `rate` jobs a second that run `run` seconds on average (`tail` > 1: Pareto, 0: exponential), `bag` at once, `chain`
    after one another, or DAGs of `levels` of `width` jobs, each after up to `fan_in` of the level above. The same seed
    gives the same jobs. The reference case is fixed but for its number of jobs.
    """
    if kind == "reference":
        return reference_case(jobs)
    dag = {"levels": levels, "width": width, "fan_in": fan_in}
    return recipe(kind, jobs=jobs, rate=rate, run=run, tail=tail, bag=bag, chain=chain, seed=seed, **dag)


def shape(
    trace: Trace, *, arrivals: float = 1.0, runtime: float = 1.0, days: int | None = None, seed: int = 0
) -> Trace:
    """`arrivals` times as many jobs a second, run times `runtime` times as long, or `days` drawn from its own."""
    return shaped(trace, arrivals=arrivals, runtime=runtime, days=days, seed=seed)


def simulate(trace: Trace, *, sets: Mapping[str, object] | None = None, **settings: Any) -> Result:  # noqa: ANN401
    """One run. Settings are those of `elastic sim run`, by the names of RunSettings; `sets` are its `--set`.

    SettingsError, PluginError and TraceError say what is wrong, and what would be right.
    """
    return run(trace, _settings(sets, settings))


def scenario(path: str | Path, *, sets: Mapping[str, object] | None = None, **settings: Any) -> Result:  # noqa: ANN401
    """A scenario's file, run by the daemon's whole controller; `policy`, its `sets` and `seed` replace the file's own.

    ScenarioError (a ValueError) has every mistake of the file in `problems`.
    """
    from elastic_simulations.full.scenario import run_file  # noqa: PLC0415 - the controller: `import` stays quick

    result, _ = run_file(Path(path), _settings(sets, settings))
    return result


def _settings(sets: Mapping[str, object] | None, settings: Settings) -> RunSettings:
    unknown = sorted(settings.keys() - set(FIELDS))
    if unknown:
        raise SettingsError(f"no setting '{unknown[0]}'; known: {', '.join(FIELDS)}")
    return RunSettings(sets={name: _word(value) for name, value in (sets or {}).items()}, **settings)


def compare(trace: Trace, runs: Mapping[str, Settings]) -> dict[str, Result]:
    """Several runs of the same jobs under the same random numbers, by name."""
    return {name: simulate(trace, **settings) for name, settings in runs.items()}


def figures(result: Result) -> dict[str, Any]:
    """What `elastic sim run -o json` prints: waits in seconds, core time in core-hours, everything by name."""
    return dict(_plain(result))


def front(results: Mapping[str, Result]) -> list[str]:
    """Names of the results that no other beats in both paid core-hours and mean wait, cheapest first."""
    from elastic_simulations.reports.pareto import front as places  # noqa: PLC0415 - `import` stays quick

    names = list(results)
    points = [(results[name].paid.paid, results[name].waiting.wait.mean) for name in names]
    return [names[place] for place in places(points)]


def report(results: Result | Mapping[str, Result], path: str | Path | None = None) -> str:
    """The HTML page of a result, or of several by name; written to `path` if one is given. Needs the extra `report`."""
    from elastic_simulations.reports.writing import check_libraries, written  # noqa: PLC0415 - as above

    check_libraries()
    from elastic_simulations.reports.page import Shown, page  # noqa: PLC0415 - as above

    named = {"": results} if isinstance(results, Result) else dict(results)
    text = page([Shown(answer=_plain(result), result=result, name=name) for name, result in named.items()])
    if path is not None:
        written(text, Path(path))
    return text


def _word(value: object) -> str:
    """A parameter as `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
