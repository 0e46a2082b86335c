"""A real OpenStack for the tests of this folder: the one-machine lab, which must be up (`make lab`)."""

from pathlib import Path

import pytest

from tests.lab.conftest import condor_prefix, pytest_runtest_makereport, say

__all__ = ["condor_prefix", "pytest_runtest_makereport", "say"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that who has no lab can leave them out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.openstack)
