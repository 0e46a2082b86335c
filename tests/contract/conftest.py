"""The contract suite's world here: the simulator. tests/lab runs the same sentences on real daemons."""

import pytest

from tests.contract.rig import Rig
from tests.contract.simulated import SimulatedRig


@pytest.fixture
def rig() -> Rig:
    return SimulatedRig()
