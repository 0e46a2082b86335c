"""The sentences of the contract suite, on real daemons: what the simulator promises, HTCondor keeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from tests.contract.test_machines import *  # noqa: F403 - the same tests
from tests.contract.test_queue import *  # noqa: F403
from tests.contract.test_removal import *  # noqa: F403
from tests.lab.again import Shared
from tests.lab.real import RealRig, central
from tests.lab.support import Client

CONFIG = {"LICENCE_LIMIT": "1"}


@pytest.fixture(scope="module")
def pools(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[tuple[Pool, Client]]]:
    """One central manager for all tests of this module, and another one after a test that failed."""
    with Shared(lambda: central(tmp_path_factory.mktemp("contract"), condor_prefix, CONFIG)) as shared:
        yield shared


@pytest.fixture
def rig(request: pytest.FixtureRequest, pools: Shared[tuple[Pool, Client]]) -> Iterator[RealRig]:
    """The pool, emptied when the test is over."""
    with pools.lent(request.node) as (pool, client), RealRig(pool, client) as real:
        yield real
