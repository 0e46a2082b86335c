"""The generated reference case and LCG-2005-1: figures on which independent programs agree to the last digit."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from elastic_simulations.checks.verdict import Verdict, not_run, printed
from elastic_simulations.runs.running import Result, run
from elastic_simulations.runs.settings import RunSettings
from elastic_simulations.traces.reading import read
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import MICROSECONDS, Trace

LCG = "LCG-2005-1.swf.gz"
ELASTIC = RunSettings(policy="backlog", slots=1, boot=234.0, tick=60.0, sets={"idle_seconds": "600"})
"""Start empty, on demand, a worker goes at 600 s idle."""

GENERATED: Mapping[int | None, Mapping[str, str]] = {
    200: {"mean wait": "87.499040", "P95 wait": "384", "max wait": "681", "last end": "606006"},
    195: {"mean wait": "1113.487680", "P95 wait": "2148", "max wait": "2557", "last end": "606814"},
    None: {"mean wait": "7.713300", "paid core-seconds": "123184720", "starts": "3982"},
}
"""By static cores (None = elastic)."""

REAL: Mapping[int | None, Mapping[str, str]] = {
    2500: {
        "jobs": "187520",
        "mean wait": "1000.963017",
        "P95 wait": "9457",
        "max wait": "13168",
        "last end": "1130900",
        "mean bounded slowdown": "9.1310",
    },
    2000: {"mean wait": "6196.578637"},
    1600: {"mean wait": "24300.796800"},
    None: {"mean wait": "44.773736", "paid core-seconds": "1537080628", "starts": "34679"},
}


def generated() -> Iterator[Verdict]:
    """The generated reference case: static 200, static 195, elastic."""
    yield from _compared("generated", reference_case(), GENERATED)


def real(data: Path | None) -> Iterator[Verdict]:
    """LCG-2005-1, where it can be found."""
    path = found(data)
    if path is None:
        for cores, figures in REAL.items():
            for figure, expected in figures.items():
                why = f"no {LCG}: name its folder with --data or in ELASTIC_TRACES"
                yield not_run(_name("LCG-2005-1", cores, figure), expected, why)
        return
    yield from _compared("LCG-2005-1", read(path), REAL)


def found(data: Path | None) -> Path | None:
    """The trace in the folder named (or that file itself), else beside this project."""
    beside = [start.resolve().parent / "shared" / "data" for start in (Path.cwd(), *Path(__file__).resolve().parents)]
    places = [data] if data is not None else beside
    files = [place if place.is_file() else place / LCG for place in places]
    return next((file for file in files if file.is_file()), None)


def _compared(name: str, trace: Trace, cases: Mapping[int | None, Mapping[str, str]]) -> Iterator[Verdict]:
    for cores, figures in cases.items():
        result = run(trace, RunSettings(static=cores) if cores is not None else ELASTIC)
        got = _figures(result)
        for figure, expected in figures.items():
            yield printed(_name(name, cores, figure), expected, got[figure])
        yield printed(_name(name, cores, "Little's law residual"), "0.000000000", result.littles_law_residual)


def _name(trace: str, cores: int | None, figure: str) -> str:
    return f"{trace}, {f'static {cores}' if cores is not None else 'elastic'}: {figure}"


def _figures(result: Result) -> Mapping[str, float]:
    wait = result.waiting.wait
    return {
        "jobs": len(result.trace),
        "mean wait": wait.mean,
        "P95 wait": wait.p95,
        "max wait": wait.max,
        "last end": result.outcome.ended_us / MICROSECONDS,
        "mean bounded slowdown": result.waiting.bounded_slowdown.mean,
        "paid core-seconds": result.paid.paid / MICROSECONDS,
        "starts": result.churn.starts,
    }
