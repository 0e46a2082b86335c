"""The five requirements of the thesis on a real Heat: the same tests as on the servers of one machine."""

import pytest

from tests.lab.ground import Ground
from tests.lab.requirements import *  # noqa: F403 - the same tests everywhere
from tests.openstack.ground import ground as openstack


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Worker groups of the backend heat."""
    return openstack("heat")
