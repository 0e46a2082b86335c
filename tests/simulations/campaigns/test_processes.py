import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elastic_simulations.campaigns.processes import each, own_cores


def doubled(value: int) -> int:
    return 2 * value


def killed_at_three(value: int) -> int:
    if value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if value == 5:
        os._exit(7)
    return 2 * value


def slow(value: int) -> int:
    time.sleep(600)
    return value


def died(value: int, how: str) -> tuple[int, str]:
    return value, how


def test_every_value_has_its_answer_whoever_worked_on_it() -> None:
    for cores in (1, 2, 5):
        assert dict(each(doubled, range(5), cores, died)) == {0: 0, 1: 2, 2: 4, 3: 6, 4: 8}
    assert list(each(doubled, [], 2, died)) == []


def test_a_process_that_dies_takes_only_its_own_value_with_it() -> None:
    assert dict(each(killed_at_three, range(7), 2, died)) == {
        0: 0,
        1: 2,
        2: 4,
        3: (3, "its process was killed by signal 9"),
        4: 8,
        5: (5, "its process ended with 7"),
        6: 12,
    }


def test_who_stops_asking_leaves_no_process_behind() -> None:
    answers = each(doubled, range(1000), 2, died)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert not children()


def test_processes_end_with_a_parent_that_was_killed() -> None:
    program = (
        "from tests.simulations.campaigns.test_processes import each, slow, died\n"
        "import threading, multiprocessing, time\n"
        "threading.Thread(target=lambda: list(each(slow, range(4), 2, died)), daemon=True).start()\n"
        "while len(multiprocessing.active_children()) < 2: time.sleep(0.05)\n"
        "print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "time.sleep(600)"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    until = time.monotonic() + 60
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def children() -> list[int]:
    return [child.pid or 0 for child in multiprocessing.active_children()]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="not on this system")
def test_cores_are_those_that_this_process_may_use() -> None:
    assert own_cores() == len(os.sched_getaffinity(0))
