"""The ledger's file: upgrades, and every obstacle as one clear message."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from elastic.adapters import ledger as package
from elastic.adapters.ledger import SqlLedger
from elastic.adapters.ledger.opening import connect, migrate, obstacles, prepare
from elastic.adapters.ledger.schema import HEAD, REVISIONS, metadata
from elastic.core.memory import MemoryChange, WorkerRecord
from elastic.ports import LedgerError
from tests.adapters.old_ledgers import first_schema

OURS = WorkerRecord(name="small-1", group="small", requested_at=100.0, server_id="id-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


def refusal(path: Path, pool: str = "p") -> str:
    with pytest.raises(LedgerError) as raised:
        SqlLedger.open(path, pool=pool, busy_seconds=0.1)
    return str(raised.value)


def made(path: Path) -> None:
    ledger = SqlLedger.open(path, pool="p")
    ledger.save(MemoryChange(workers=(OURS,), tick=7))
    ledger.close()


def test_the_first_schema_is_upgraded_after_a_backup_and_nothing_is_lost(path: Path) -> None:
    first_schema(path)
    ledger = SqlLedger.open(path, pool="p")
    memory = ledger.memory()
    assert (memory.ledger, memory.tick, memory.workers, ledger.mode) == ("uuid", 7, {"small-1": OURS}, "act")
    ledger.close()
    backup = path.with_name(f"ledger.sqlite.before-{HEAD}")
    assert (revision(path), revision(backup)) == (HEAD, "0001")
    with closing(sqlite3.connect(backup)) as database:
        assert database.execute("SELECT name FROM workers").fetchall() == [("small-1",)]


def test_an_earlier_backup_is_not_overwritten(path: Path) -> None:
    first_schema(path)
    earlier = path.with_name(f"ledger.sqlite.before-{HEAD}")
    earlier.write_text("an earlier one", encoding="utf-8")
    SqlLedger.open(path, pool="p").close()
    assert earlier.read_text(encoding="utf-8") == "an earlier one"
    assert revision(path.with_name(f"{earlier.name}-2")) == "0001"


def test_an_upgrade_that_fails_leaves_the_old_schema(path: Path) -> None:
    first_schema(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE INDEX events_by_group ON events (worker_group)")
    assert "events_by_group already exists" in refusal(path)
    assert revision(path) == "0001"
    with closing(sqlite3.connect(path)) as database:
        indexes = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert "workers_by_end" not in indexes


def test_a_new_ledger_needs_no_backup(path: Path) -> None:
    made(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.sqlite", "ledger.sqlite.lock"]


def test_the_migrations_lead_to_the_schema_that_the_program_uses(path: Path) -> None:
    engine = connect(path)
    with engine.begin() as connection:
        migrate(connection, HEAD)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_every_migration_is_known_by_number() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    walked = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS


def test_a_file_syncs_every_commit(path: Path) -> None:
    engine = connect(path)
    with engine.begin() as connection:
        said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    engine.dispose()
    assert said == ["wal", 2]


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '0099'")
        database.commit()
    assert refusal(path) == (
        f"ledger {path}: its schema is 0099, newer than this program knows (up to {HEAD}); "
        "install the elastic that wrote it"
    )
    assert revision(path) == "0099"


def test_another_pools_ledger_is_refused(path: Path) -> None:
    made(path)
    assert refusal(path, pool="q") == (
        f"ledger {path}: it belongs to pool 'p', the settings say 'q'; name another ledger"
    )
    SqlLedger.open(path, pool="p").close()


def test_another_programs_database_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert refusal(path) == f"ledger {path}: this is a database of another program; name another path"


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("tick = 7\n" * 1000, encoding="utf-8")
    assert refusal(path).startswith(f"ledger {path}: it is not an SQLite file; restore it from a backup")


def test_a_damaged_file_is_refused(path: Path) -> None:
    ledger = SqlLedger.open(path, pool="p")
    ledger.save(
        MemoryChange(workers=tuple(WorkerRecord(name=f"w{n}", group="g", requested_at=1.0) for n in range(500)))
    )
    ledger.close()
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 20] = b"\xff" * (4096 * 17)
    path.write_bytes(content)
    assert refusal(path).startswith(f"ledger {path}: it is damaged")


def test_a_truncated_file_is_refused(path: Path) -> None:
    made(path)
    path.write_bytes(path.read_bytes()[:5000])
    assert refusal(path).startswith(f"ledger {path}: it is damaged")


def test_an_unreadable_record_is_refused_with_its_kind(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE workers SET record = '{\"name\":7}'")
        database.commit()
    assert (
        refusal(path) == f"ledger {path}: a WorkerRecord in it cannot be read (7 is no str); restore it from a backup"
    )


def test_a_lost_identity_is_refused_not_made_anew(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM meta WHERE key = 'identity'")
        database.commit()
    assert refusal(path) == f"ledger {path}: it has lost its identity; restore it from a backup"


def test_a_lost_table_of_meta_is_refused_while_workers_are_known(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM meta")
        database.commit()
    assert refusal(path) == f"ledger {path}: it has lost its identity, mode, pool; restore it from a backup"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "ledger.sqlite"
    assert refusal(path) == f"ledger {path}: the folder {tmp_path}/none does not exist; create it first"


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"ledger {tmp_path}: this is not a file; name a file"


def test_a_file_that_another_program_writes_is_named_as_locked(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert refusal(path).startswith(f"ledger {path}: another program holds it open for writing")
    SqlLedger.open(path, pool="p").close()


def test_after_a_refusal_the_lock_is_free(path: Path) -> None:
    made(path)
    refusal(path, pool="q")
    SqlLedger.open(path, pool="p").close()


def test_a_second_ledger_on_one_file_is_refused_in_one_process_too(path: Path) -> None:
    one = SqlLedger.open(path, pool="p")
    assert f"ledger {path} is in use by pid " in refusal(path)
    one.close()
    SqlLedger.open(path, pool="p").close()


def test_a_second_ledger_through_a_symbolic_link_is_refused(path: Path) -> None:
    one = SqlLedger.open(path, pool="p")
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    assert f"ledger {path} is in use by pid " in refusal(link)
    one.close()


def test_housekeeping_empties_the_log_of_writes(path: Path) -> None:
    ledger = SqlLedger.open(path, pool="p")
    ledger.save(MemoryChange(workers=(OURS,)))
    log = path.with_name("ledger.sqlite-wal")
    before = log.stat().st_size
    ledger.housekeeping(1000.0, keep_days=1)
    assert (before > 0, log.stat().st_size) == (True, 0)
    assert ledger.memory().workers == {"small-1": OURS}
    ledger.close()


def test_a_ledger_that_may_not_be_written_is_refused_when_it_is_opened(path: Path) -> None:
    """SQLite begins even a writing transaction on such a file: only the first write failed, at each tick."""
    made(path)
    engine = connect(path)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    with pytest.raises(LedgerError, match="it is read-only; let the user that elastic runs as write"), obstacles("l"):
        prepare(engine, path, "p", None)
    engine.dispose()
