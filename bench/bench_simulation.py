"""The simulator against SimPy: whole processes, interleaved, traces cached; prints JSON with medians, ratios and bars.

SimPy simulates a static pool in first-come order and prints waits; `elastic` does the same, or more: an elastic pool
with a policy in Python every 60 s, all metrics, every job and worker as Parquet. Ratios are SimPy's time divided by
ours. LCG-2005-1 is used where it lies (`--data`, ELASTIC_TRACES, `../shared/data`). `--huge` adds ten million jobs.
"""

import argparse
import json
import os
import platform
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
COMMAND = (str(Path(sys.executable).parent / "elastic"), "sim")
YEAR_SECONDS = 365 * 86_400
POLICIES = 100
PACKAGES = ("elastic", "simpy", "numba", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Ours (words after `elastic sim`), and SimPy's with its number of slots (None = no comparison).

    Good is a ratio of at least `ratio`, at most `seconds` and `megabytes`; None = no bar.
    """

    name: str
    ours: tuple[str, ...]
    trace: Path | None = None
    slots: int | None = None
    ratio: float | None = None
    seconds: float | None = None
    megabytes: float | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """One process: on the clock, of processors (its children's too), and its largest memory."""

    wall_s: float
    cpu_s: float
    megabytes: float


def main() -> None:
    """Run every case in turn, round after round."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", default="", help="cases whose name contains this")
    folders = os.environ.get("ELASTIC_TRACES")
    options.add_argument("--data", type=Path, default=Path(folders) if folders else None, help="folder of LCG-2005-1")
    options.add_argument("--huge", action="store_true", help="ten million jobs too: minutes to make, 4 GB of disk")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [case for case in _cases(folder, given.data, huge=given.huge) if given.only in case.name]
        times: dict[str, list[Took]] = {}
        load = os.getloadavg()[0]
        for round_number in range(given.rounds + 1):
            for case in cases:
                for who, command in _commands(case, folder / f"results-{round_number}"):
                    took = _timed(command)
                    if round_number:  # The first round fills the caches of parsed traces and compiled loops.
                        times.setdefault(f"{case.name}/{who}", []).append(took)
        rows = [_row(case, times) for case in cases]
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "rounds": given.rounds}
    loads = {"load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1)}
    versions = {package: version(package) for package in PACKAGES}
    print(json.dumps({"machine": machine | loads | versions, "cases": rows}, indent=2))


def _cases(folder: Path, data: Path | None, *, huge: bool) -> list[Case]:
    tables = _tables(folder)
    small = _swf(reference_case(10_000), folder / "small.swf")
    # As dense as LCG-2005-1, which keeps 1,581 cores busy, and five times as long.
    dense = recipe("poisson", jobs=1_000_000, rate=1.0, run=1600.0, tail=0.0, bag=1, chain=1, seed=1)
    million = _swf(dense, folder / "million.swf")
    sparse = recipe("poisson", jobs=5000, rate=5000 / YEAR_SECONDS, run=600.0, tail=0.0, bag=1, chain=1, seed=1)
    year = _swf(sparse, folder / "year.swf")
    plain = (*tables, "--engine", "python")
    cases = [
        _run("10,000 jobs, static", small, ("--static", "200"), slots=200, ratio=1 / 1.5),
        _run("a million jobs, elastic, Parquet", million, plain, slots=1700, ratio=4.0, megabytes=400.0),
        _run("a million jobs, elastic, Parquet, compiled", million, tables, slots=1700, ratio=8.0),
        _run("a sparse year, every tick", year, (), seconds=15.0),
        _run("a sparse year, next_wake", year, ("--set", "skips_quiet=true"), seconds=3.0),
    ]
    real = found(data)
    if real is not None:
        cases += _of_lcg(real, folder, tables)
    return cases + ([_huge(folder)] if huge else [])


def _of_lcg(real: Path, folder: Path, tables: tuple[str, ...]) -> list[Case]:
    static = ("--static", "2500")
    return [
        _run("LCG static", real, static, slots=2500, ratio=10.0),
        _run("LCG static, Parquet", real, (*static, *tables), slots=2500, ratio=6.0),
        _run("LCG elastic", real, (), slots=2500),
        _campaign(f"{POLICIES} policies on LCG", folder, real, "python", 60.0),
        _campaign(f"{POLICIES} policies on LCG, compiled", folder, real, "auto", 20.0),
    ]


def _run(
    name: str,
    trace: Path,
    words: tuple[str, ...],
    *,
    slots: int | None = None,
    ratio: float | None = None,
    seconds: float | None = None,
    megabytes: float | None = None,
) -> Case:
    ours = ("run", "-o", "json", "--trace", str(trace), *words)
    return Case(name=name, trace=trace, ours=ours, slots=slots, ratio=ratio, seconds=seconds, megabytes=megabytes)


def _tables(folder: Path) -> tuple[str, ...]:
    return ("--jobs", str(folder / "jobs.parquet"), "--workers", str(folder / "workers.parquet"))


def _campaign(name: str, folder: Path, trace: Path, engine: str, seconds: float) -> Case:
    """Ten headrooms under ten idle timeouts, on all cores; each round has results of its own."""
    path = folder / f"policies-{engine}.toml"
    timeouts = [120 * count for count in range(1, 11)]
    path.write_text(
        f'[campaign]\nname = "policies"\nseeds = [0]\n[run]\nengine = "{engine}"\n'
        f'[[workload]]\nname = "LCG"\ntrace = {json.dumps(str(trace.resolve()))}\n'
        f'[[policy]]\nname = "backlog"\n[policy.set]\nheadroom = {list(range(10))}\nidle_seconds = {timeouts}\n',
        encoding="utf-8",
    )
    return Case(name=name, ours=("campaign", str(path), "-o", "json"), seconds=seconds)


def _huge(folder: Path) -> Case:
    """As dense in jobs a worker as the million, ten times as many workers."""
    trace = recipe("poisson", jobs=10_000_000, rate=10.0, run=1600.0, tail=0.0, bag=1, chain=1, seed=1)
    path = _swf(trace, folder / "huge.swf")
    return _run("ten million jobs, elastic", path, (), seconds=30.0, megabytes=3000.0)


def _commands(case: Case, results: Path) -> list[tuple[str, tuple[str, ...]]]:
    ours = (*COMMAND, *case.ours)
    if case.ours[0] == "campaign":
        ours = (*ours, "--to", str(results / Path(case.ours[1]).stem))
        results.mkdir(exist_ok=True)
    if case.slots is None:
        return [("elastic", ours)]
    return [("simpy", (sys.executable, str(PEER), str(case.trace), str(case.slots))), ("elastic", ours)]


def _timed(command: tuple[str, ...]) -> Took:
    """One process from its start to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _row(case: Case, times: dict[str, list[Took]]) -> dict[str, object]:
    ours = _median(times[f"{case.name}/elastic"])
    row: dict[str, object] = {"case": case.name, "elastic_s": round(ours.wall_s, 3), "cpu_s": round(ours.cpu_s, 3)}
    row["megabytes"] = round(ours.megabytes)
    good = [case.seconds is None or ours.wall_s <= case.seconds]
    good.append(case.megabytes is None or ours.megabytes <= case.megabytes)
    if case.slots is not None:
        peer = _median(times[f"{case.name}/simpy"])
        ratio = peer.wall_s / ours.wall_s
        row |= {"simpy_s": round(peer.wall_s, 3), "simpy_cpu_s": round(peer.cpu_s, 3)}
        row |= {"ratio": round(ratio, 2), "cpu_ratio": round(peer.cpu_s / ours.cpu_s, 2)}
        good.append(case.ratio is None or ratio >= case.ratio)
    bars = {"ratio": case.ratio, "seconds": case.seconds, "megabytes": case.megabytes}
    return row | {"bars": {name: bar for name, bar in bars.items() if bar is not None}, "met": all(good)}


def _median(took: list[Took]) -> Took:
    columns = ([one.wall_s for one in took], [one.cpu_s for one in took], [one.megabytes for one in took])
    return Took(*map(statistics.median, columns))


def _swf(trace: Trace, path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        write_swf(trace, file)
    return path


if __name__ == "__main__":
    main()
