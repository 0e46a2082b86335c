"""What a ledger's file says of itself, read without changing anything: no table, no file beside it, no lock."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from elastic.adapters.ledger import store
from elastic.adapters.ledger.lock import holder
from elastic.adapters.ledger.opening import BUSY_SECONDS, check_path, check_pool, found_revision, obstacles
from elastic.adapters.ledger.schema import HEAD
from elastic.ports import LedgerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A ledger as it lies there; `revision` is empty, like all else, in a file that no daemon has filled yet."""

    revision: str
    identity: str = ""
    mode: str = "observe"
    workers: int = 0
    in_use: str = ""
    """By whom, in words; empty where no daemon has it."""

    @property
    def migrates(self) -> bool:
        """Whether the next start brings it to a newer schema first."""
        return self.revision not in {"", HEAD}


def look(path: Path, *, pool: str, busy_seconds: float = BUSY_SECONDS) -> Look:
    """Look at the ledger of this pool; LedgerError says what would keep a daemon from starting with it."""
    path = path.resolve()
    check_path(path)
    with obstacles(str(path)):
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise LedgerError("it is read-only; let the user that elastic runs as write to the file and its folder")
        engine = _reading(path, busy_seconds)
        try:
            with engine.connect() as connection:
                return _seen(connection, pool, holder(path))
        finally:
            engine.dispose()


def _seen(connection: Connection, pool: str, in_use: str) -> Look:
    revision = found_revision(connection)
    if revision is None:
        return Look(revision="", in_use=in_use)
    check_pool(connection, pool)
    if revision != HEAD:
        own = store.introduced(connection)
        (workers,) = connection.exec_driver_sql("SELECT count(*) FROM workers WHERE gone_at IS NULL").one()
        return Look(revision=revision, identity=own["identity"], mode=own["mode"], workers=workers, in_use=in_use)
    memory, mode = store.load(connection)
    return Look(revision=revision, identity=memory.ledger, mode=mode, workers=len(memory.workers), in_use=in_use)


def _reading(path: Path, busy_seconds: float) -> Engine:
    # Without a log of writes nobody writes. Opened in the ordinary way, SQLite would leave a log and an index there
    # that belong to whoever looked: often root, and the daemon's user could write no more.
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if log.exists() else "immutable=1"
    address = f"file:{quote(str(path))}?{how}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False)

    return create_engine("sqlite+pysqlite://", poolclass=StaticPool, creator=connect)
