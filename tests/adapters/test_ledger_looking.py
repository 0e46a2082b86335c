"""Looking at a ledger: everything is said that a start would stumble over, and nothing is changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.ledger import HEAD, Look, SqlLedger, look
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.ports import LedgerError
from tests.adapters.old_ledgers import first_schema

ONE = WorkerRecord(name="small-1", group="small", requested_at=100.0, server_id="id-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def made(path: Path) -> str:
    """A ledger of pool p with one worker; its identity."""
    with closing(SqlLedger.open(path, pool="p")) as ledger:
        ledger.save(MemoryChange(workers=(ONE,), tick=7))
        return ledger.identity


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Whatever is done inside, every file stays as it is, and none comes."""
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}
    yield
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()} == before


def refusal(path: Path, pool: str = "p") -> str:
    with pytest.raises(LedgerError) as raised:
        look(path, pool=pool, busy_seconds=0.1)
    return str(raised.value)


def test_a_ledger_says_what_it_is(path: Path) -> None:
    identity = made(path)
    with untouched(path.parent):
        found = look(path, pool="p")
    assert found == Look(revision=HEAD, identity=identity, workers=1)
    assert not found.migrates


def test_an_older_one_says_so_and_stays_as_it_is(path: Path) -> None:
    first_schema(path, gone={"small-2": 50.0})
    with untouched(path.parent):
        found = look(path, pool="p")
    assert found == Look(revision="0001", identity="uuid", mode="act", workers=1)
    assert found.migrates


def test_another_pools_is_refused_and_stays_as_it_is_whatever_its_age(path: Path) -> None:
    first_schema(path, gone={"small-2": 50.0})
    with untouched(path.parent):
        assert refusal(path, pool="q") == (
            f"ledger {path}: it belongs to pool 'p', the settings say 'q'; name another ledger"
        )


def test_a_start_with_another_pools_older_one_migrates_nothing(path: Path) -> None:
    first_schema(path, gone={"small-2": 50.0})
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="it belongs to pool 'p'"):
        SqlLedger.open(path, pool="q")
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.before-*"))


def test_one_that_a_daemon_writes_is_read_as_it_is_now(path: Path) -> None:
    with closing(SqlLedger.open(path, pool="p")) as ledger:
        ledger.save(MemoryChange(workers=(ONE, replace(ONE, name="small-2")), tick=7))
        found = look(path, pool="p")
        assert found == Look(revision=HEAD, identity=ledger.identity, workers=2, in_use=found.in_use)
        assert found.in_use.startswith("pid ")
        # And whoever writes goes on writing.
        ledger.save(MemoryChange(forgotten=("small-2",), tick=8))
    assert (look(path, pool="p").workers, look(path, pool="p").in_use) == (1, "")


def test_looking_keeps_no_daemon_off(path: Path) -> None:
    made(path)
    look(path, pool="p")
    SqlLedger.open(path, pool="p").close()


def test_an_empty_file_has_nothing_to_say(path: Path) -> None:
    path.touch()
    with untouched(path.parent):
        assert look(path, pool="p") == Look(revision="")


@pytest.mark.parametrize("name", ["a b.sqlite", "50%?x=1#y.sqlite"])
def test_a_path_may_have_any_characters(tmp_path: Path, name: str) -> None:
    made(tmp_path / name)
    with untouched(tmp_path):
        assert look(tmp_path / name, pool="p").workers == 1


def test_a_newer_schema_a_record_that_is_damaged_and_a_file_of_another_kind_are_named(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE workers SET record = 'x'")
    assert refusal(path).startswith(f"ledger {path}: ")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0099'")
    assert "its schema is 0099, newer than this program knows" in refusal(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA application_id = 1")
    assert "a database of another program" in refusal(path)
    path.write_text("not SQLite at all, but long enough to be told apart from an empty file\n" * 20, encoding="utf-8")
    assert "it is not an SQLite file" in refusal(path)
