"""Workers need no address that others can reach: a job runs, and the worker is removed, from outside its network."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.private_network import CENTRAL, LISTENING, SERVER, WORKER

ROOT = Path(__file__).parents[2]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    """The central manager's network and the worker's, joined by a cable on which only the worker begins to speak."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    number = os.urandom(3).hex()
    names = central, worker = f"elastic-c{number}", f"elastic-w{number}"
    made: list[str] = []
    try:
        for name in names:
            ip("netns", "add", name)
            made.append(name)
        ip("-n", central, "link", "add", "to", "type", "veth", "peer", "name", "to", "netns", worker)
        for name, address in zip(names, (CENTRAL, WORKER), strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "to")
            ip("-n", name, "link", "set", "to", "up")
            ip("-n", name, "link", "set", "lo", "up")
        answers = f"{LISTENING[0]}-{LISTENING[1]}"
        rule = ("-n", central, "rule", "add", "to", WORKER, "ipproto", "tcp")
        ip(*rule, "pref", "10", "sport", answers, "lookup", "main")
        ip(*rule, "pref", "20", "prohibit")
        yield central, worker
    finally:
        for name in made:
            ip("netns", "delete", name)


def test_a_worker_that_nobody_can_connect_to_works_and_is_drained_inspected_and_fenced(
    tmp_path: Path, condor_prefix: Path, namespaces: tuple[str, str]
) -> None:
    central, worker = namespaces
    story = [sys.executable, "-m", "tests.lab.private_network", str(tmp_path), str(condor_prefix), worker]
    done = subprocess.run(
        ["ip", "netns", "exec", central, *story], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {
        "server": SERVER,
        "broker": True,
        "connects": False,
        "granted": True,
        "idle": True,
        "drained": True,
        "fenced": True,
        "back": True,
    }
