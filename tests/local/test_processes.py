"""Knowing and ending processes: never another one than was meant."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from elastic.local.processes import ProcessId, alive, children, identify, marked, name_of, send, teardown
from elastic.local.sandbox import FOLDER_MARK


@pytest.fixture
def sleeper() -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def started(root: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, FOLDER_MARK: str(root)})
    while name_of(ProcessId(pid=process.pid, start_ticks=0)) != "sleep":
        time.sleep(0.01)
    return process


def test_a_process_is_known_until_it_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    known = identify(sleeper.pid)
    assert known is not None
    assert alive(known)
    assert known in children(os.getpid())
    sleeper.kill()
    while identify(sleeper.pid):
        time.sleep(0.01)
    assert not alive(known), "its zombie is nobody"
    sleeper.wait()
    assert identify(sleeper.pid) is None


def test_a_process_of_the_same_id_but_another_start_is_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    known = identify(sleeper.pid)
    assert known is not None
    send(ProcessId(pid=known.pid, start_ticks=known.start_ticks - 1), signal.SIGKILL)
    assert alive(known)
    send(known, signal.SIGKILL)
    assert sleeper.wait(5) == -signal.SIGKILL


def test_teardown_ends_what_belongs_to_a_folder_and_nothing_else(tmp_path: Path) -> None:
    ours = [started(tmp_path / "pool"), started(tmp_path / "pool" / "servers" / "w0")]
    other = started(tmp_path / "pool-2")
    assert {process.pid for process in marked(tmp_path / "pool")} == {process.pid for process in ours}
    assert teardown(tmp_path / "pool") == 2
    assert [process.wait(5) for process in ours] == [-signal.SIGKILL] * 2
    assert other.poll() is None
    assert teardown(tmp_path / "pool") == 0
    assert teardown(tmp_path / "pool-2") == 1
    other.wait(5)


def test_teardown_spares_the_process_that_calls_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from elastic.local.processes import teardown; "
        "print(teardown(Path(sys.argv[1])))"
    )
    environment = {**os.environ, FOLDER_MARK: str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
