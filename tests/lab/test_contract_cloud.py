"""The sentences of the contract suite about the cloud, on servers that are process trees with real startds."""

from collections.abc import Generator
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from elastic.local.processes import marked, teardown
from tests.contract.test_cloud import *  # noqa: F403 - the same tests
from tests.lab.real import RealRig
from tests.lab.support import Client


@pytest.fixture(scope="module")
def contract_pool(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Pool]:
    """One central manager for all tests of this module."""
    root = tmp_path_factory.mktemp("cloud")
    with Pool(root, condor_prefix) as pool:
        yield pool
    teardown(root)
    assert marked(root) == []


@pytest.fixture(scope="module")
def contract_client(contract_pool: Pool) -> Generator[Client]:
    """Its user."""
    with Client(contract_pool.folder) as user:
        yield user


@pytest.fixture
def rig(contract_pool: Pool, contract_client: Client) -> Generator[RealRig]:
    """The pool, emptied when the test is over."""
    real = RealRig(contract_pool, contract_client)
    try:
        yield real
    finally:
        real.close()
