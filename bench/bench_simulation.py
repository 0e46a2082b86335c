"""The simulator against SimPy: whole processes, interleaved, traces cached; prints JSON with medians and ratios.

SimPy simulates a static pool in first-come order and prints waits; `elastic` does the same, or more: an elastic pool
with a policy in Python every 60 s, all metrics, every job and worker as Parquet. Ratios are SimPy's time divided by
ours. LCG-2005-1 is used where it lies (see `elastic sim validate`).
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from elastic_simulations.checks.reference import found
from elastic_simulations.traces.exporting import write_swf
from elastic_simulations.traces.recipes import recipe
from elastic_simulations.traces.reference import reference_case
from elastic_simulations.traces.trace import Trace

PEER = Path(__file__).parent / "peers" / "simpy_fifo.py"
ELASTIC = (str(Path(sys.executable).parent / "elastic"), "sim", "run", "-o", "json", "--trace")
YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Ours, and SimPy's with its number of slots (None = no comparison); `bar` is the least ratio that is good."""

    name: str
    trace: Path
    ours: tuple[str, ...]
    slots: int | None = None
    bar: float | None = None


def main() -> None:
    """Run every case in turn, round after round."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", default="", help="cases whose name contains this")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = [case for case in _cases(Path(folder)) if given.only in case.name]
        times: dict[str, list[tuple[float, float]]] = {}
        for round_number in range(given.rounds + 1):
            for case in cases:
                for who, command in _commands(case):
                    took = _timed(command)
                    if round_number:  # The first round fills the cache of parsed traces.
                        times.setdefault(f"{case.name}/{who}", []).append(took)
        rows = [_row(case, times) for case in cases]
    versions = {name: version(name) for name in ("elastic", "simpy", "pyarrow")}
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "rounds": given.rounds, **versions}
    print(json.dumps({"machine": machine, "cases": rows}, indent=2))


def _cases(folder: Path) -> list[Case]:
    jobs = ("--jobs", str(folder / "jobs.parquet"), "--workers", str(folder / "workers.parquet"))
    small = _swf(reference_case(10_000), folder / "small.swf")
    # As dense as LCG-2005-1, which keeps 1,581 cores busy, and five times as long.
    dense = recipe("poisson", jobs=1_000_000, rate=1.0, run=1600.0, tail=0.0, bag=1, chain=1, seed=1)
    million = _swf(dense, folder / "million.swf")
    sparse = recipe("poisson", jobs=5000, rate=5000 / YEAR_SECONDS, run=600.0, tail=0.0, bag=1, chain=1, seed=1)
    year = _swf(sparse, folder / "year.swf")
    cases = [
        Case(name="10,000 jobs, static", trace=small, ours=("--static", "200"), slots=200, bar=1 / 1.5),
        Case(name="1,000,000 jobs, elastic, Parquet", trace=million, ours=jobs, slots=1700, bar=4.0),
        Case(name="a sparse year, every tick", trace=year, ours=()),
        Case(name="a sparse year, next_wake", trace=year, ours=("--set", "skips_quiet=true")),
    ]
    real = found(None)
    if real is not None:
        cases += [
            Case(name="LCG static", trace=real, ours=("--static", "2500"), slots=2500, bar=10.0),
            Case(name="LCG static, Parquet", trace=real, ours=("--static", "2500", *jobs), slots=2500, bar=6.0),
            Case(name="LCG elastic", trace=real, ours=(), slots=2500),
        ]
    return cases


def _commands(case: Case) -> list[tuple[str, tuple[str, ...]]]:
    ours = [("elastic", (*ELASTIC, str(case.trace), *case.ours))]
    if case.slots is None:
        return ours
    return [("simpy", (sys.executable, str(PEER), str(case.trace), str(case.slots))), *ours]


def _timed(command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds on the clock, and of processor time, of one process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


def _row(case: Case, times: dict[str, list[tuple[float, float]]]) -> dict[str, object]:
    ours = _medians(times[f"{case.name}/elastic"])
    row: dict[str, object] = {"case": case.name, "elastic_s": ours[0], "elastic_cpu_s": ours[1]}
    if case.slots is not None:
        peer = _medians(times[f"{case.name}/simpy"])
        row |= {"simpy_s": peer[0], "simpy_cpu_s": peer[1]}
        row |= {"ratio": round(peer[0] / ours[0], 2), "cpu_ratio": round(peer[1] / ours[1], 2), "bar": case.bar}
    return row


def _medians(took: list[tuple[float, float]]) -> tuple[float, float]:
    return round(statistics.median(wall for wall, _ in took), 3), round(statistics.median(cpu for _, cpu in took), 3)


def _swf(trace: Trace, path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        write_swf(trace, file)
    return path


if __name__ == "__main__":
    main()
