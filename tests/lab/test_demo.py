"""`elastic demo`, which is `make run`: real daemons from the first job to the last process ended."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from elastic.cli.demo.stages import demo_home, sweep
from elastic.local.processes import marked
from tests.daemon_rig import COMMAND, environment

# Daemons are up after 10 s, known to be young for 15 s more, and the last worker goes 60 s after the last job.
WHOLE_SECONDS = 480


def demo(*arguments: str) -> subprocess.Popen[str]:
    """A demonstration that has just been started; its lines come on its standard output."""
    return subprocess.Popen(
        [*COMMAND, "demo", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def folder(process: subprocess.Popen[str]) -> Path:
    """Where everything of it lies."""
    return demo_home() / f"demo-{process.pid}"


def read_until(process: subprocess.Popen[str], pattern: str, seconds: float = 240) -> str:
    """What it says up to the first line with this pattern."""
    said = ""
    ends = time.monotonic() + seconds
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
        assert time.monotonic() < ends, said
    raise AssertionError(f"it ended without {pattern!r}:\n{said}")


def assert_nothing_left(process: subprocess.Popen[str]) -> None:
    root = folder(process)
    assert marked(root) == []
    assert not root.exists()
    assert str(root) not in Path("/proc/mounts").read_text(encoding="utf-8")


def test_it_grows_from_zero_works_the_queue_off_and_shrinks_to_zero() -> None:
    with demo("--until-empty", "--jobs", "16") as process:
        said, _ = process.communicate(timeout=WHOLE_SECONDS)
    assert process.returncode == 0, said
    for line in (
        r"interface http://127\.0\.0\.1:\d+/v1/status .* metrics http://127\.0\.0\.1:\d+/metrics",
        r"16 jobs are submitted; the pool has no worker",
        r"small: target 0 → [1-5]: ",
        r"large: target 0 → [12]: ",
        r"launch small-\S+: ",
        r"small-\S+ joined: ",
        r"drain small-\S+: idle for \d+ s and not needed",
        r"delete small-\S+: drained and empty for \d+ s",
        r"small-\S+ gone: ",
        r"0 idle, 0 running, 16/16 done",
        r"back at zero workers",
        r"nothing is left running",
    ):
        assert re.search(line, said), f"{line} is not in\n{said}"
    assert_nothing_left(process)


def test_an_interrupt_leaves_no_process_and_no_mount() -> None:
    with demo("--jobs", "8") as process:
        read_until(process, r"small-\S+ joined: ")
        assert any("condor" in name for name in names(process))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "nothing is left running" in said
    assert_nothing_left(process)


def test_what_a_killed_one_left_is_swept_away_by_the_next() -> None:
    with demo("--jobs", "8") as process:
        read_until(process, r"launch small-")
        time.sleep(2)
        process.kill()
        process.wait()
    assert marked(folder(process)), "nothing was left: the test shows nothing"
    said: list[str] = []
    sweep(said.append)
    assert any(folder(process).name in line for line in said)
    assert_nothing_left(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_simulated_one_ends_with_nothing_left_too(number: signal.Signals) -> None:
    with demo("--simulated", "--jobs", "8") as process:
        read_until(process, r"launch small-")
        process.send_signal(number)
        said, _ = process.communicate(timeout=120)
    assert (process.returncode, "nothing is left running" in said) == (0, True)
    assert_nothing_left(process)


def names(process: subprocess.Popen[str]) -> list[str]:
    """The programs that run in it."""
    links = (Path(f"/proc/{found.pid}/comm") for found in marked(folder(process)))
    return [link.read_text(encoding="utf-8").strip() for link in links if link.exists()]
