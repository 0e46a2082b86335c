"""One daemon in this process for all tests of its interface: the real one, on the simulated world."""

from collections.abc import Generator

import httpx
import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.daemon.daemon import Daemon
from elastic.settings import load
from tests.daemon_rig import TOKEN, eventually, write_settings

# The simulated grid's time starts here; a worker asked for now is REQUESTED, and stays in the fleet.
EPOCH = 1_800_000_000.0
WORKERS = ("small-1", "small-2", "small-3")


@pytest.fixture(scope="package")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Where a daemon with three workers in its ledger serves, after its first tick."""
    settings = load(write_settings(tmp_path_factory.mktemp("api"), ("tick_seconds = 5", "tick_seconds = 3600")), {})
    settings.folder.mkdir()
    ledger = SqlLedger.open(settings.ledger_path, pool=settings.pool)
    records = tuple(WorkerRecord(name=name, group="small", requested_at=EPOCH) for name in WORKERS)
    ledger.save(MemoryChange(workers=records, sequence=3))
    ledger.close()
    daemon = Daemon(settings)
    daemon.start()
    ready = httpx.Client(base_url=daemon.url, trust_env=False)
    eventually(lambda: ready.get("/readyz").status_code == 200 or None, "no first tick")
    yield daemon.url
    ready.close()
    assert daemon.stop(10)


@pytest.fixture
def reader(url: str) -> Generator[httpx.Client]:
    """Somebody without a token."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def operator(url: str) -> Generator[httpx.Client]:
    """Somebody with the token."""
    with httpx.Client(base_url=url, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client
