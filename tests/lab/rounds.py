"""Requirement 2: a grid is made, runs ten jobs and is torn down, by one command each, several times in a row."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import marked
from tests.lab.jobs import Jobs
from tests.lab.support import Client

JOBS = 10
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """\
tick_seconds = 1
site = { min_wake_seconds = 1 }
htcondor = { machine_update_seconds = 5 }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One attempt: how long each command took, and what went wrong ("" = nothing)."""

    created_seconds: float
    removed_seconds: float
    failure: str


def attempt(home: Path, number: int) -> Round:
    """Make a grid, run ten jobs, remove it; never raises."""
    settings = home / "fast.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    began = time.monotonic()
    made = elastic("grid", "up", "round", "--home", str(home), "--config", str(settings), "-o", "json")
    created = time.monotonic() - began
    failure = _run_jobs(Path(json.loads(made.stdout)["folder"])) if made.returncode == 0 else made.stderr
    began = time.monotonic()
    removed = elastic("grid", "down", "round", "--home", str(home))
    left = [*marked(home / "round"), *(["files"] if (home / "round").exists() else [])]
    failure = failure or removed.stderr or (f"left behind: {left}" if left else "")
    shown = f"round {number}: {failure}" if failure else ""
    return Round(created_seconds=created, removed_seconds=time.monotonic() - began, failure=shown)


def elastic(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    command = [sys.executable, "-m", "elastic", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=480, check=False)


def summary(rounds: list[Round]) -> str:
    """For the log of the tests."""
    times = [each.created_seconds for each in rounds if not each.failure] or [float("nan")]
    failures = [each.failure for each in rounds if each.failure]
    return "\n  ".join(
        (
            f"requirement 2: {len(rounds)} attempts, {len(failures)} failures; each ran {JOBS} jobs",
            f"created in {min(times):.1f}/{mean(times):.1f}/{max(times):.1f} s (min/mean/max)",
            f"removed in {mean(each.removed_seconds for each in rounds):.1f} s on average",
            "(thesis: 91 attempts, 19 failures, created in 208/234/504 s, on OpenStack)",
            *failures,
        )
    )


def run_ten(jobs: Jobs) -> str:
    """Run ten jobs; return what was wrong with them."""
    batch = jobs.shell("ten", JOBS, "echo $((3 * $(Process)))")
    try:
        batch.wait(90)
    except TimeoutError as error:
        return str(error)
    wrong = [n for n in range(JOBS) if batch.output(n) != f"{3 * n}\n"]
    return f"wrong output of jobs {wrong}" if wrong else ""


def _run_jobs(folder: Path) -> str:
    """Run ten jobs on a grid; return what was wrong with them."""
    pool = PoolFolder(folder)
    with Client(pool) as client:
        return run_ten(Jobs(client, pool))
