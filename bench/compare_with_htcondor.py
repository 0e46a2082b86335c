"""The full simulator against real HTCondor on this machine, under the real daemon: prints both, and the differences.

One calibration run measures the pool's parameters; then three workloads run on the real pool and, with these parameters
and twenty drawn phases, in the simulator. Makespan, mean and P95 waiting time and paid core-hours must agree within ten
percent: exit 1 when they do not. Needs what `make run` needs, and a quarter of an hour.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.against_htcondor.calibration import Calibration, calibrate
from bench.against_htcondor.real import Figures, RealRun, Submitted, run_real
from bench.against_htcondor.twin import run_twin
from bench.against_htcondor.workloads import WORKLOADS
from elastic.local.processes import teardown
from elastic.local.runtime import prepare

BOUND = 0.10


def main() -> None:
    """Print a table, or JSON with everything that was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="how to print the result")
    parser.add_argument("--only", default="", help="only workloads whose name contains this")
    parser.add_argument("--calibration", type=Path, help="take the parameters from this file, or keep them there")
    parser.add_argument("--again", type=Path, help="simulate anew what this earlier result of -o json has really run")
    options = parser.parse_args()
    prefix = prepare().prefix
    with tempfile.TemporaryDirectory() as folder:
        try:
            answer = compare(Path(folder), prefix, options)
        finally:
            teardown(Path(folder))
    if options.output == "json":
        print(json.dumps(answer, indent=2))
    raise SystemExit(0 if answer["ok"] else 1)


def compare(root: Path, prefix: Path, options: argparse.Namespace) -> Mapping[str, object]:
    """All that is asked for, told as it comes."""
    say = partial(print, file=sys.stderr if options.output == "json" else sys.stdout, flush=True)
    measured = _calibration(root, prefix, options.calibration)
    say(f"calibration: {measured}")
    earlier = {} if options.again is None else real_runs(options.again)
    found: dict[str, object] = {}
    good = True
    for number, workload in enumerate(WORKLOADS):
        if options.only not in workload.name:
            continue
        real = earlier.get(workload.name) or run_real(root / f"site-{number}", prefix, workload)
        twin = run_twin(workload, real.jobs, measured)
        off = differences(real.figures, twin)
        good = good and real.restarted == 0 and all(abs(share) <= BOUND for share in off.values())
        found[workload.name] = {
            "jobs": workload.jobs,
            "real": asdict(real.figures),
            "simulated": asdict(twin),
            "difference": off,
            "restarted": real.restarted,
            "submitted": [asdict(job) for job in real.jobs],
        }
        say(f"{workload.name}: {workload.jobs} jobs, {real.restarted} started more than once")
        for name, share in off.items():
            ours, theirs = getattr(twin, name), getattr(real.figures, name)
            say(f"  {name:18} real {theirs:9.3f}   simulated {ours:9.3f}   {share:+6.1%}")
    return {"calibration": asdict(measured), "workloads": found, "bound": BOUND, "ok": good}


def real_runs(path: Path) -> Mapping[str, RealRun]:
    """The real runs of an earlier result, by the names of their workloads."""
    told = json.loads(path.read_text(encoding="utf-8"))["workloads"]
    return {
        name: RealRun(
            figures=Figures(**run["real"]),
            jobs=[Submitted(**job) for job in run["submitted"]],
            restarted=run["restarted"],
        )
        for name, run in told.items()
    }


def differences(real: Figures, simulated: Figures) -> Mapping[str, float]:
    """The simulator's figure over the real one, less one."""
    ours = asdict(simulated)
    return {name: ours[name] / figure - 1 for name, figure in asdict(real).items()}


def _calibration(root: Path, prefix: Path, kept: Path | None) -> Calibration:
    if kept is not None and kept.exists():
        return Calibration(**json.loads(kept.read_text(encoding="utf-8")))
    measured = calibrate(root / "calibration", prefix)
    if kept is not None:
        kept.write_text(json.dumps(asdict(measured), indent=2), encoding="utf-8")
    return measured


if __name__ == "__main__":
    main()
