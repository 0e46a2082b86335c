"""A real OpenStack for the tests of this folder: the one-machine lab, which must be up (`make lab`)."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import condor_prefix, pytest_runtest_makereport, say
from tests.openstack.rig import lab_folder

__all__ = ["condor_prefix", "pytest_runtest_makereport", "say"]

HERE = Path(__file__).parent


TIMEOUT_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that who has no lab can leave them out.

    As all that meets real daemons on a machine that others use, they have their time, and are tried once more.
    """
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.openstack)
        item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture
def alone() -> None:
    """Asked for by a test that disturbs the whole lab, which waits until no other test uses it."""


@pytest.fixture(autouse=True)
def lab_to_share(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold the lab: with others, or `alone`."""
    run = lab_folder() / "run"
    if not run.is_dir():
        yield
        return
    with (run / "tests.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if "alone" in request.fixturenames else fcntl.LOCK_SH)
        yield
