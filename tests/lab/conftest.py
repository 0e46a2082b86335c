"""Real HTCondor daemons for the tests of this folder. Where they cannot be had, tests/conftest.py skips all of it."""

import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import pytest

from elastic.local.pool import Pool
from elastic.local.processes import marked, teardown
from elastic.local.runtime import STABLE, prepare
from elastic.local.sandbox import availability
from tests.lab.again import FAILED
from tests.lab.jobs import Jobs
from tests.lab.support import Client, Lab

# What fails in a story is shown as in a test.
pytest.register_assert_rewrite("tests.lab.expired", "tests.lab.requirements", "tests.lab.shown", "tests.lab.troubles")

StartPool = Callable[..., Pool]
Say = Callable[[object], None]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note for what tests share whether this try has failed."""
    report = yield
    item.stash[FAILED] = report.failed or (report.when != "setup" and item.stash.get(FAILED, False))
    return report


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Prints a figure into the log of the tests, passed or not."""

    def printed(figure: object) -> None:
        with capsys.disabled():
            # On standard error: tests that run side by side have no standard output.
            print(f"\n{figure}", file=sys.stderr)  # noqa: T201  figures that reports quote

    return printed


@pytest.fixture(scope="session")
def condor_prefix() -> Path:
    """The unpacked daemons; ELASTIC_LOCAL_SUITE names another Debian suite than the stable one."""
    if not (found := availability()):
        pytest.skip(found.reason)
    return prepare(os.environ.get("ELASTIC_LOCAL_SUITE", STABLE)).prefix


@pytest.fixture
def start_pool(condor_prefix: Path, tmp_path: Path) -> Generator[StartPool]:
    """Starts pools, one folder each; when the test is over, not one process of them is left."""
    roots: list[Path] = []

    def start(
        extra_config: Mapping[str, str] | None = None, extra_schedds: Sequence[str] = (), name: str = "pool"
    ) -> Pool:
        roots.append(tmp_path / name)
        pool = Pool(tmp_path / name, condor_prefix, extra_config=extra_config, extra_schedds=extra_schedds)
        pool.start()
        return pool

    yield start
    for root in roots:
        teardown(root)
        assert marked(root) == []


@pytest.fixture
def pool(start_pool: StartPool) -> Pool:
    """A fresh central manager without workers."""
    return start_pool()


@pytest.fixture
def client(pool: Pool) -> Generator[Client]:
    """A user of `pool`, in a process of its own."""
    with Client(pool.folder) as user:
        yield user


@pytest.fixture
def jobs(pool: Pool, client: Client) -> Jobs:
    """What that user submits."""
    return Jobs(client, pool.folder)


@pytest.fixture
def lab(pool: Pool, client: Client) -> Lab:
    """`pool` with helpers to start workers."""
    return Lab(pool, client)


@pytest.fixture
def bindings(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let htcondor2 in this very process speak to `pool`, for tests of what imports it."""
    for name, value in pool.folder.environment().items():
        monkeypatch.setenv(name, value)
    import htcondor2  # noqa: PLC0415  it reads the environment when it is imported

    htcondor2.reload_config()
