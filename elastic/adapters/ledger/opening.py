"""From a path to an open database in the newest schema; each obstacle on the way is one clear message."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from elastic.adapters.ledger.schema import APPLICATION_ID, HEAD, REVISIONS, metadata
from elastic.adapters.ledger.store import introduced, set_meta
from elastic.ports import LedgerError

BUSY_SECONDS = 5.0
"""How long another program (an operator's sqlite3, a backup) may hold the file before that is an error."""

OBSTACLES = {
    "readonly": "it is read-only; let the user that elastic runs as write to the file and its folder",
    "not a database": "it is not an SQLite file; restore it from a backup, or name another path",
    "malformed": "it is damaged; restore it from a backup (the servers are found again by their metadata)",
    "locked": "another program holds it open for writing; close that program",
    "full": "the disk is full; free some space",
    "unable to open": "it cannot be opened; let the user that elastic runs as read and write it",
    "disk I/O": "the disk failed to read or write it; see the system's log",
}
"""What SQLite says -> what it means and what to do."""


def connect(path: Path | None, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine with one connection, to this file or (None) in memory; transactions lock it at once."""
    engine = create_engine(
        # Not as text: a path may have a question mark.
        URL.create("sqlite+pysqlite", database=None if path is None else str(path)),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": busy_seconds, "isolation_level": None},
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(engine, "connect", _pragmas)
    return engine


@contextmanager
def obstacles(where: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into one LedgerError that names the ledger and says what to do."""
    try:
        yield
    except LedgerError as error:
        text = str(error)
        raise LedgerError(text if text.startswith("ledger ") else f"ledger {where}: {text}") from error
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        said = str(getattr(error, "orig", None) or error)
        meant = next((meaning for part, meaning in OBSTACLES.items() if part in said), "")
        raise LedgerError(f"ledger {where}: {meant + f' ({said})' if meant else said}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise LedgerError(f"ledger {where}: what was to be saved cannot be ({error})") from error


def check_path(path: Path) -> None:
    """Raise LedgerError for a path where no ledger can be."""
    if not path.parent.is_dir():
        raise LedgerError(f"ledger {path}: the folder {path.parent} does not exist; create it first")
    if path.exists() and not path.is_file():
        raise LedgerError(f"ledger {path}: this is not a file; name a file")


def prepare(engine: Engine, path: Path | None, pool: str, identity: str | None) -> None:
    """Bring the database to the newest schema, after a backup; give a new one its identity."""
    with engine.begin() as connection:
        found = found_revision(connection)
        if found is not None:
            # Before anything is changed: it may be another daemon's.
            check_pool(connection, pool)
    if found is not None and found != HEAD and path is not None:
        _back_up(path, path.with_name(f"{path.name}.before-{HEAD}"))
    with engine.begin() as connection:
        if found is None and path is None:
            metadata.create_all(connection)
        elif found != HEAD:
            migrate(connection, HEAD)
        # A file that may not be written is found out now, not at the first thing that must not be forgotten.
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        if found is None:
            set_meta(connection, identity=identity or str(uuid.uuid4()), pool=pool, mode="observe")


def migrate(connection: Connection, revision: str) -> None:
    """Run Alembic's migrations up to `revision`, inside the connection's transaction."""
    from alembic import command  # noqa: PLC0415 # 0.1 s that a start with the newest schema need not spend
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def found_revision(connection: Connection) -> str | None:
    """The schema found, None in an empty file; raise LedgerError for a damaged, foreign or newer one."""
    (verdict,) = connection.exec_driver_sql("PRAGMA quick_check(1)").one()
    if verdict != "ok":
        raise LedgerError(f"it is damaged ({verdict}); restore it from a backup")
    tables = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    (application,) = connection.exec_driver_sql("PRAGMA application_id").one()
    if application != APPLICATION_ID:
        raise LedgerError("this is a database of another program; name another path")
    (revision,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
    if revision not in REVISIONS:
        raise LedgerError(
            f"its schema is {revision}, newer than this program knows (up to {HEAD}); install the elastic that wrote it"
        )
    return str(revision)


def check_pool(connection: Connection, pool: str) -> None:
    """Raise LedgerError unless the ledger is this pool's."""
    own = introduced(connection)["pool"]
    if own != pool:
        raise LedgerError(f"it belongs to pool '{own}', the settings say '{pool}'; name another ledger")


def _pragmas(connection: Any, _record: object) -> None:
    # FULL: with NORMAL, a power cut may lose the intent of a call that was made.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _back_up(path: Path, wanted: Path) -> None:
    copies = (wanted, *(wanted.with_name(f"{wanted.name}-{number}") for number in range(2, 1000)))
    target = next(copy for copy in copies if not copy.exists())
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
