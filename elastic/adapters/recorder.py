"""Tick records as JSON lines in gzip files that grow, close and, oldest first, go; what they hold is the core's."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import structlog

from elastic.core.record import TickRecord, to_json

LOGGER = structlog.stdlib.get_logger("elastic.recorder")

BYTES_A_MB = 1_000_000
SECONDS_A_DAY = 86400.0
PATTERN = "ticks-*.jsonl.gz"
MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much is kept: a file's size when it is closed, the size of all files, and the age of a file's last record."""

    file_mb: float = 16.0
    total_mb: float = 1024.0
    days: float = 90.0


class FileRecorder:
    """Implements `elastic.ports.Recorder`; a full or broken disk costs records, never a tick.

    A file is named after the first record in it, ticks-20260131T235959Z-000000042.jsonl.gz, and holds those of one day
    (UTC) at most. Each record is flushed, so that a SIGKILL loses none; a new process begins a new file.
    """

    def __init__(self, folder: Path, keep: Keep | None = None) -> None:
        """Nothing is made before the first record."""
        self._folder = folder
        self._keep = keep or Keep()
        self._open: _File | None = None
        self._failing = False
        self._lock = Lock()

    def record(self, record: TickRecord) -> None:
        """Append one record; a failure is logged once, until it works again."""
        # The promise of the port: no fault here may stop the daemon, not even a log on the same full disk.
        with self._lock, suppress(Exception):
            try:
                self._append(record)
            except Exception as error:  # noqa: BLE001 # as above
                self._failed(error)
            else:
                self._worked()

    def close(self) -> None:
        """Finish the file; a later record begins another."""
        with self._lock:
            self._finish()

    def _append(self, record: TickRecord) -> None:
        line = to_json(record).encode() + b"\n"
        day = int(record.now // SECONDS_A_DAY)
        if self._open is not None and self._open.day != day:
            self._finish()
        if self._open is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._open = _File(_unused(self._folder, record), day)
            self._prune(record.now)
        if self._open.append(line) >= self._keep.file_mb * BYTES_A_MB:
            self._finish()

    def _finish(self) -> None:
        file, self._open = self._open, None
        if file is not None:
            file.close()

    def _worked(self) -> None:
        before, self._failing = self._failing, False
        if before:
            LOGGER.info("recording again", folder=str(self._folder))

    def _failed(self, error: Exception) -> None:
        # What fails while a broken file is closed has been said already.
        with suppress(OSError):
            self._finish()
        before, self._failing = self._failing, True
        if not before:
            LOGGER.warning("cannot record ticks", folder=str(self._folder), error=str(error))

    def _prune(self, now: float) -> None:
        """Delete files that are too old or too many, oldest first; the newest always stays."""
        files = sorted(self._folder.glob(PATTERN))
        total = sum(file.stat().st_size for file in files)
        for file, following in pairwise(files):
            # A file ends where the next one begins.
            too_old = now - _begins(following) > self._keep.days * SECONDS_A_DAY
            if too_old or total > self._keep.total_mb * BYTES_A_MB:
                total -= file.stat().st_size
                file.unlink()


class _File:
    """One open file of records; one that got none is taken away when it is closed, or a full disk would leave many."""

    def __init__(self, path: Path, day: int) -> None:
        self.day = day
        self._path = path
        self._raw: BinaryIO = path.open("xb")
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw)
        self._empty = True

    def append(self, line: bytes) -> int:
        """Write a line through to the system; return the file's size in bytes."""
        self._gzip.write(line)
        self._gzip.flush()
        self._raw.flush()
        self._empty = False
        return self._raw.tell()

    def close(self) -> None:
        try:
            self._gzip.close()
        finally:
            if self._empty:
                self._path.unlink(missing_ok=True)
            self._raw.close()


def read_lines(folder: Path) -> Iterator[str]:
    """Every record kept, oldest first, as its line of JSON; what is cut off or damaged ends its file only."""
    for file in sorted(folder.glob(PATTERN)):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            try:
                yield from (line.rstrip("\n") for line in lines if line.endswith("\n"))
            except (EOFError, OSError, UnicodeDecodeError, zlib.error) as error:
                LOGGER.debug("a file of records ends early", file=str(file), error=str(error))


def _unused(folder: Path, record: TickRecord) -> Path:
    """The name for a file that begins with this record, numbered where a tick was recorded before."""
    first = f"ticks-{datetime.fromtimestamp(record.now, UTC):{MOMENT}}-{record.tick:09}"
    names = (first if number == 1 else f"{first}-{number}" for number in count(1))
    return next(path for name in names if not (path := folder / f"{name}.jsonl.gz").exists())


def _begins(file: Path) -> float:
    """When the first record of a file was made, in seconds since the epoch."""
    return datetime.strptime(file.name.split("-")[1], MOMENT).replace(tzinfo=UTC).timestamp()
