"""The ledger between processes: killed at any moment, locked, on a disk that is read-only or full."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import WorkerRecord
from elastic.ports import LedgerError

SEED = 20

# Each save changes a worker, a group, an event and the tick: one whole, or nothing of it.
WRITES_FOREVER = """
import sys
from pathlib import Path
from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import Event, GroupMemory, MemoryChange, WorkerRecord

ledger = SqlLedger.open(Path(sys.argv[1]), pool="p")
tick = ledger.memory().tick
print(tick, flush=True)
while True:
    tick += 1
    name, failure = f"small-{tick % 7}", "x" * (tick % 5000)
    worker = WorkerRecord(name=name, group="small", requested_at=float(tick), failure=failure)
    group = GroupMemory(group="small", batch_joined=tick)
    event = Event(at=1.0, kind="tick", text=str(tick))
    ledger.save(MemoryChange(workers=(worker,), groups=(group,), events=(event,), tick=tick))
    print(tick, flush=True)
"""

HOLDS = """
import sys
from pathlib import Path
from elastic.adapters.ledger import SqlLedger

ledger = SqlLedger.open(Path(sys.argv[1]), pool="p")
print("open", flush=True)
sys.stdin.read()
"""

# Everything is imported before the rights to read it are given up.
OPENS_AS_NOBODY = """
import os
import sys
from pathlib import Path
from alembic import command
from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import MemoryChange
from elastic.ports import LedgerError

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    SqlLedger.open(Path(sys.argv[1]), pool="p").save(MemoryChange(tick=1))
except LedgerError as error:
    print(error)
"""

# A limit on the size of files is the smallest full disk.
FILLS_THE_DISK = """
import resource
import sys
from pathlib import Path
from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.ports import LedgerError

ledger = SqlLedger.open(Path(sys.argv[1]), pool="p")
ledger.save(MemoryChange(workers=(WorkerRecord(name="small-1", group="small", requested_at=1.0),), tick=1))
before = ledger.memory()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
big = WorkerRecord(name="small-2", group="small", requested_at=1.0, console="x" * 500_000)
try:
    ledger.save(MemoryChange(workers=(big,), tick=2))
except LedgerError as error:
    print(error)
print(ledger.memory() == before)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
ledger.save(MemoryChange(workers=(big,), tick=3))
ledger.close()
"""


def program(text: str, path: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", text, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def printed(text: str, path: Path) -> list[str]:
    command = [sys.executable, "-c", text, str(path)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout.splitlines()


def killed_after(seconds: float, path: Path) -> int:
    """The last tick that a writing process says is saved, before it is killed."""
    with program(WRITES_FOREVER, path) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(seconds)
        child.send_signal(signal.SIGKILL)
        said = (first + child.stdout.read()).rpartition("\n")[0]
    return int(said.splitlines()[-1])


@pytest.mark.parametrize("kills", [15, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(1800)])])
def test_a_kill_at_any_moment_leaves_exactly_what_was_saved(tmp_path: Path, kills: int) -> None:
    path, moments = tmp_path / "ledger.sqlite", random.Random(SEED)  # noqa: S311 # moments, no secrets
    total = 0
    for _ in range(kills):
        said = killed_after(moments.uniform(0.0, 0.1), path)
        ledger = SqlLedger.open(path, pool="p")
        memory = ledger.memory()
        # The last save may have become durable in the moment before it could be said.
        assert memory.tick in {said, said + 1}
        assert [int(event.text) for event in ledger.events(limit=10**6)] == list(range(1, memory.tick + 1))
        assert memory.groups["small"].batch_joined == memory.tick
        assert memory.workers == {
            f"small-{tick % 7}": WorkerRecord(
                name=f"small-{tick % 7}", group="small", requested_at=float(tick), failure="x" * (tick % 5000)
            )
            for tick in range(max(1, memory.tick - 6), memory.tick + 1)
        }
        total = memory.tick
        ledger.close()
    assert total > kills, "hardly anything was written: the test would pass on nothing"


def test_a_second_daemon_is_told_who_has_the_ledger_until_that_one_dies(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with program(HOLDS, path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(LedgerError) as raised:
            SqlLedger.open(path, pool="p")
        child.send_signal(signal.SIGKILL)
    assert str(raised.value) == (
        f"ledger {path} is in use by pid {child.pid} on host {os.uname().nodename}; "
        "stop that daemon, or give this one a ledger of its own"
    )
    SqlLedger.open(path, pool="p").close()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that a user without rights can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
        path.chmod(0o755)


def test_a_folder_that_is_read_only_is_named(public_folder: Path) -> None:
    public_folder.chmod(0o555)
    (said,) = printed(OPENS_AS_NOBODY, public_folder / "ledger.sqlite")
    assert said.startswith(f"ledger {public_folder}/ledger.sqlite cannot be locked: Permission denied")


def test_a_file_that_is_read_only_is_named(public_folder: Path) -> None:
    path = public_folder / "ledger.sqlite"
    SqlLedger.open(path, pool="p").close()
    path.chmod(0o444)
    path.with_name("ledger.sqlite.lock").chmod(0o666)
    (said,) = printed(OPENS_AS_NOBODY, path)
    assert said.startswith(f"ledger {path}: it is read-only; let the user that elastic runs as write to")


def test_a_full_disk_is_an_error_that_changes_nothing_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    said = printed(FILLS_THE_DISK, path)
    assert said[0].startswith(f"ledger {path}: ")
    assert said[1:] == ["True"]
    ledger = SqlLedger.open(path, pool="p")
    assert (ledger.memory().tick, set(ledger.memory().workers)) == (3, {"small-1", "small-2"})
    ledger.close()
