"""Grids in the background: one command makes one, one command removes it, whatever happened in between."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import marked, teardown
from tests.lab.jobs import Jobs
from tests.lab.outcomes import histories, unhurt
from tests.lab.rounds import ROOT, elastic
from tests.lab.support import Client, wait

pytestmark = pytest.mark.usefixtures("condor_prefix")

SETTINGS = """\
tick_seconds = 1
site = { min_wake_seconds = 1 }
htcondor = { machine_update_seconds = 5 }
"""


@pytest.fixture
def home(tmp_path: Path) -> Generator[Path]:
    """A folder for grids with settings for a quick one; nothing runs below it when the test is over."""
    (tmp_path / "fast.toml").write_text(SETTINGS, encoding="utf-8")
    yield tmp_path
    left = marked(tmp_path)
    teardown(tmp_path)
    assert left == []


def up(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return elastic("grid", "up", "a", "--home", str(home), "-c", str(home / "fast.toml"), "-o", "json", *more)


def down(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return elastic("grid", "down", "a", "--home", str(home), *more)


def listed(home: Path) -> list[tuple[str, str]]:
    """Each grid with its phase, as `elastic grid list` shows it."""
    shown = elastic("grid", "list", "--home", str(home), "-o", "json")
    assert shown.returncode == 0, shown.stderr
    return [(row["name"], row["phase"]) for row in json.loads(shown.stdout)]


def test_one_command_makes_a_grid_and_one_removes_it(home: Path) -> None:
    first, second = up(home), up(home)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert json.loads(first.stdout)["url"] == json.loads(second.stdout)["url"]
    assert listed(home) == [("a", "ready")]
    status = elastic("status", "--config", str(home / "a" / "elastic.toml"), "-o", "json")
    assert json.loads(status.stdout)["state"] == "ok"
    removed = down(home)
    assert (removed.returncode, listed(home), (home / "a").exists()) == (0, [], False), removed.stderr
    again = down(home)
    assert (again.returncode, again.stdout) == (0, "no grid a is here\n")


def test_a_grid_with_jobs_is_removed_only_by_force(home: Path) -> None:
    assert up(home).returncode == 0
    with Client(PoolFolder(home / "a")) as client:
        batch = Jobs(client, PoolFolder(home / "a")).sleep("long", 3, 600)
        wait(batch.worker, what="the first job runs")
    refused = down(home)
    assert (refused.returncode, "3 jobs of grid a have not ended" in refused.stderr) == (1, True)
    assert listed(home) == [("a", "ready")]
    assert (down(home, "--force").returncode, (home / "a").exists()) == (0, False)


def test_a_grid_whose_daemon_was_killed_is_shown_and_keeps_its_jobs(home: Path) -> None:
    assert up(home).returncode == 0
    folder = PoolFolder(home / "a")
    with Client(folder) as client:
        batch = Jobs(client, folder).sleep("short", 1, 5)
        wait(batch.worker, what="the job runs")
        # Its askers came after it, and end with it.
        daemon, *_ = sorted(marked(home / "a" / "daemon"), key=lambda process: process.start_ticks)
        os.kill(daemon.pid, signal.SIGKILL)
        wait(lambda: listed(home) == [("a", "broken")], what="the grid is broken")
        batch.wait(30)
        assert histories(batch) == unhurt(batch)
        wait(lambda: not client.jobs(), what="the job leaves the queue")
    assert (down(home).returncode, (home / "a").exists()) == (0, False)


def test_a_grid_whose_keeper_was_killed_is_shown_and_removed_with_its_workers(home: Path) -> None:
    assert up(home, "--minimum", "2").returncode == 0
    servers = home / "a" / "servers"
    wait(lambda: len(list(servers.glob("*/log/StartLog"))) == 2, what="both workers run")
    state = json.loads((home / "a" / "state.json").read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGKILL)
    wait(lambda: listed(home) == [("a", "broken")], what="the grid is broken")
    assert marked(servers)
    assert "elastic grid down a" in up(home).stderr
    assert (down(home).returncode, (home / "a").exists()) == (0, False)


def test_a_grid_that_cannot_start_says_why_and_is_removed(home: Path) -> None:
    (home / "fast.toml").write_text('policy = { name = "backlg" }', encoding="utf-8")
    failed = up(home)
    assert (failed.returncode, "backlg" in failed.stderr, "known: backlog" in failed.stderr) == (1, True, True)
    assert (down(home).returncode, (home / "a").exists()) == (0, False)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_a_making_that_was_killed_is_removed(home: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "elastic", "grid", "up", "a", "--home", str(home), "-c", str(home / "fast.toml")]
    with subprocess.Popen(command, cwd=ROOT) as making:
        time.sleep(seconds)
        making.kill()
    removed = down(home)
    assert (removed.returncode, (home / "a").exists(), marked(home)) == (0, False, []), removed.stderr


def test_a_name_that_would_leave_the_folder_is_refused(home: Path) -> None:
    refused = elastic("grid", "down", "../a", "--home", str(home))
    assert (refused.returncode, "letters, digits and dashes" in refused.stderr) == (2, True)
