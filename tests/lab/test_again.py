"""What a second try gets, shown by tests that fail at first: in a run of pytest of their own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lab.rounds import ROOT

TESTS = """
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.lab.again import Beside, Shared

sites, tales = count(), count()


@contextmanager
def site():
    number = next(sites)
    with Path(__file__).with_name("log").open("a") as log:
        print("made", number, file=log)
    yield number
    with Path(__file__).with_name("log").open("a") as log:
        print("ended", number, file=log)


@pytest.fixture(scope="module")
def made():
    with Shared(site) as shared:
        yield shared


@pytest.fixture
def shared(request, made):
    with made.lent(request.node) as number:
        yield number


@pytest.fixture(scope="module")
def beside():
    with Beside(1) as begun:
        begun.begin("story", lambda: f"tale {next(tales)}", lambda: f"tale {next(tales)}, alone")
        yield begun


def test_passes_on_the_first_site(shared):
    assert shared == 0


def test_fails_on_the_first_site(shared):
    assert shared == 1


def test_comes_after_it(shared):
    assert shared == 1


def test_believes_only_what_is_told_anew(beside):
    assert beside.result("story") == "tale 1, alone"
"""


def test_a_second_try_gets_a_site_of_its_own_and_is_told_its_story_anew(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.lab.conftest import pytest_runtest_makereport  # noqa: F401\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reruns", "1", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "4 passed, 2 rerun" in ended.stdout, ended.stdout + ended.stderr
    assert (tmp_path / "log").read_text().splitlines() == ["made 0", "ended 0", "made 1", "ended 1"]
