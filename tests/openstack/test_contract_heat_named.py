"""The sentences of the contract suite about the cloud, on a real Heat ResourceGroup of real workers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from tests.contract.test_cloud import *  # noqa: F403 - the same tests
from tests.lab.again import Shared
from tests.lab.real import central
from tests.lab.support import Client
from tests.openstack.rig import OpenStackRig

# Small counts of the same are in test_heat_adapter.py and test_outside.py.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def pools(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[tuple[Pool, Client]]]:
    """One central manager for all tests of this module, and another one after a test that failed."""
    with Shared(lambda: central(tmp_path_factory.mktemp("named"), condor_prefix)) as shared:
        yield shared


@pytest.fixture
def rig(request: pytest.FixtureRequest, pools: Shared[tuple[Pool, Client]]) -> Iterator[OpenStackRig]:
    """The pool, emptied when the test is over."""
    number = int.from_bytes(os.urandom(4), "big")
    with (
        pools.lent(request.node) as (pool, client),
        OpenStackRig(pool, client, number, backend="heat", heat_kind="resource_group") as real,
    ):
        yield real
