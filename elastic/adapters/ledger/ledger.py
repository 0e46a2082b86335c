"""One SQLite database, a copy of it in memory, and the rule that a save is durable before it is seen."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Literal

from sqlalchemy import Connection, Engine

from elastic.adapters.ledger import store
from elastic.adapters.ledger.lock import LedgerLock
from elastic.adapters.ledger.opening import BUSY_SECONDS, check_path, connect, obstacles, prepare
from elastic.core.change import TICKS_UNTIL_READ, Reset, applied, cleared, overridden, with_group, with_worker
from elastic.core.memory import Event, GroupMemory, Memory, MemoryChange, Wish, WorkerRecord
from elastic.core.override import Override
from elastic.core.uses import Excuse
from elastic.ports import LedgerError, NotFound

Mode = Literal["observe", "act"]
MODES: tuple[Mode, ...] = ("observe", "act")

SECONDS_A_DAY = 86400.0


class SqlLedger:
    """Implements `elastic.ports.Ledger`; any thread may call any method at any time.

    `memory()` is a value that costs nothing to read. A write takes the lock, is committed (on a file: synced
    to the disk), and only then becomes visible; when it fails, neither the database nor the memory has
    changed. Who owns which field when the tick and an operator write at once: see `elastic.core.change`.
    """

    def __init__(self, engine: Engine, where: str, lock: LedgerLock | None) -> None:
        """Read everything from a database that `prepare` has prepared; use `open` or `in_memory`."""
        self._engine, self._where, self._file_lock = engine, where, lock
        self._lock = RLock()
        self._closed = False
        self._resets: dict[tuple[str, Reset], int] = {}
        with engine.begin() as connection:
            self._memory, mode = store.load(connection)
        self._mode: Mode = "act" if mode == "act" else "observe"

    @classmethod
    def open(cls, path: Path, *, pool: str, busy_seconds: float = BUSY_SECONDS) -> "SqlLedger":
        """Open the ledger of this pool, or make it; LedgerError says what is wrong and how to mend it.

        Another program that has the file open for writing is waited for, `busy_seconds` at most.
        """
        # Through a symbolic link there must be one lock as well.
        path = path.resolve()
        check_path(path)
        lock = LedgerLock(path)
        engine = connect(path, busy_seconds)
        try:
            with obstacles(str(path)):
                prepare(engine, path, pool, None)
                ledger = cls(engine, str(path), lock)
        except BaseException:
            engine.dispose()
            lock.release()
            raise
        return ledger

    @classmethod
    def in_memory(cls, *, pool: str, identity: str | None = None) -> "SqlLedger":
        """A ledger that goes with the process, for tests and simulations; `identity` may be fixed."""
        engine = connect(None)
        prepare(engine, None, pool, identity)
        return cls(engine, "in memory", None)

    # -- the port -------------------------------------------------------------------------------------------

    def memory(self) -> Memory:
        """Everything known, as it is in the database."""
        return self._memory

    def save(self, change: MemoryChange) -> None:
        """Write what the tick changes, but for the operator's fields; LedgerError = nothing written."""
        with self._writing():
            before, after = self._memory, applied(self._memory, change, self._resets)
            self._commit(after, lambda connection: store.write(connection, before, after, change))
            oldest = after.tick - TICKS_UNTIL_READ
            self._resets = {key: made_at for key, made_at in self._resets.items() if made_at > oldest}

    def put_override(self, override: Override) -> None:
        """Add an override; it replaces one of the same group and kind."""
        with self._writing():
            after = overridden(self._memory, override)
            self._commit(after, lambda connection: store.put_override(connection, override))

    def end_override(self, override_id: str) -> None:
        """Take an override back; unknown ids are no error."""
        self.save(MemoryChange(overrides_ended=(override_id,)))

    # -- the operator's own fields --------------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """The UUID that our servers carry in their metadata; made with the ledger, never changed."""
        return self._memory.ledger

    @property
    def mode(self) -> Mode:
        """`observe`: decide, log, do nothing; `act`: do it. A new ledger observes."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Change the mode, for good."""
        if mode not in MODES:
            raise ValueError(f"no mode named '{mode}'; known: {', '.join(MODES)}")
        with self._writing():
            self._commit(self._memory, lambda connection: store.set_meta(connection, mode=mode))
            self._mode = mode

    def adopt_from(self, ledger_id: str) -> None:
        """From now on, take servers that carry another ledger's identity for ours; safe to repeat."""
        if not ledger_id.strip():
            raise ValueError("the identity of a ledger is not empty")
        with self._writing():
            accepted = self._memory.accepted_ledgers
            if ledger_id == self.identity or ledger_id in accepted:
                return
            after = replace(self._memory, accepted_ledgers=(*accepted, ledger_id))
            self._commit(
                after,
                lambda connection: store.set_meta(connection, accepted_ledgers=after.accepted_ledgers),
            )

    def wish(self, worker: str, wish: Wish | None) -> None:
        """Note what an operator wants of a worker, or (None) take it back; NotFound without such a worker."""
        self._operate(worker, lambda record: replace(record, wish=wish))

    def protect(self, worker: str, by: str) -> None:
        """Keep a worker from being removed, or (empty) no longer; raise NotFound without such a worker."""
        self._operate(worker, lambda record: replace(record, protected_by=by))

    def excuse(self, worker: str, excuse: Excuse | None) -> None:
        """Note that an operator ignores its leftover process, or no longer; NotFound without such a worker."""
        self._operate(worker, lambda record: replace(record, excuse=excuse))

    def reset_breaker(self, group: str) -> None:
        """Close a group's breaker and forget its failures; raise NotFound for a group without memory."""
        self._reset(group, Reset.BREAKER)

    def allow_scale_down(self, group: str) -> None:
        """Let a group shrink again after it was stopped; raise NotFound for a group without memory."""
        self._reset(group, Reset.SCALE_DOWN)

    def enrol(self, server_id: str, group: str, proof: str, at: float) -> bool:
        """Write that this server gets credentials now; False if it has had some, and it was not who shows this proof.

        Only a hash of the proof is kept.
        """
        hashed = hashlib.sha256(proof.encode()).hexdigest()
        with self._writing(), self._engine.begin() as connection:
            written = store.enrol(connection, server_id, group, hashed, at)
        return hmac.compare_digest(written, hashed)

    # -- what was ------------------------------------------------------------------------------------------

    def events(
        self,
        limit: int = 100,
        since: float | None = None,
        group: str | None = None,
        worker: str | None = None,
    ) -> tuple[Event, ...]:
        """The newest `limit` events, oldest first; `since` in seconds since the epoch."""
        with self._writing(), self._engine.begin() as connection:
            return store.read_events(connection, limit, since, group, worker)

    def history(self, limit: int = 100) -> tuple[tuple[WorkerRecord, float], ...]:
        """Workers that were forgotten, newest first, each with when (the `last_now` of that save)."""
        with self._writing(), self._engine.begin() as connection:
            return store.read_history(connection, limit)

    def housekeeping(self, now: float, *, keep_days: float) -> int:
        """Delete older events and forgotten workers, empty the WAL; return the number of rows deleted."""
        with self._writing():
            with self._engine.begin() as connection:
                gone = store.prune(connection, now - keep_days * SECONDS_A_DAY)
            checkpoint = self._engine.raw_connection()
            try:
                checkpoint.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                checkpoint.close()
            return gone

    def close(self) -> None:
        """Close the database and let go of the lock; safe to repeat. Later writes raise LedgerError."""
        with self._lock:
            self._closed = True
            self._engine.dispose()
            if self._file_lock is not None:
                self._file_lock.release()

    # -- how ------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, obstacles(self._where):
            # The pool would connect anew, without the lock.
            if self._closed:
                raise LedgerError("it is closed")
            yield

    def _commit(self, after: Memory, write: Callable[[Connection], None]) -> None:
        with self._engine.begin() as connection:
            write(connection)
        self._memory = after

    def _operate(self, worker: str, change: Callable[[WorkerRecord], WorkerRecord]) -> None:
        with self._writing():
            known = self._memory.workers.get(worker)
            if known is None:
                raise NotFound(f"no worker named '{worker}' is in the fleet")
            record = change(known)
            after = with_worker(self._memory, record)
            self._commit(after, lambda connection: store.put_workers(connection, [record]))

    def _reset(self, group: str, kind: Reset) -> None:
        with self._writing():
            known: GroupMemory | None = self._memory.groups.get(group)
            if known is None:
                raise NotFound(f"nothing is remembered of a group named '{group}'")
            record = cleared(known, [kind])
            after = with_group(self._memory, record)
            self._commit(after, lambda connection: store.put_groups(connection, [record]))
            self._resets[group, kind] = after.tick
