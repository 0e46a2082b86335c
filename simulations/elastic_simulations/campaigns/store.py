"""The table of a campaign on disk: one line a run, added as they end, put in order when all are there."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from elastic_simulations.campaigns.single import canonical
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.report import Plain

RUNS = "runs.jsonl"
UNUSED = "unused.jsonl"
"""Runs that are in the folder and not in the campaign as it is now: found again when it asks for them again."""


class Store:
    """The folder of one campaign, held by one process at a time (`opened`)."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; a line that a kill cut off is left out, others that are no run are `damaged`."""
        self.folder = folder
        self.damaged: list[str] = []
        self._rows: dict[str, Plain] = {}
        for name in (UNUSED, RUNS):
            for row in _rows(folder / name, self.damaged):
                self._rows[str(row["run"])] = row
        self._file: BinaryIO | None = None

    def done(self, key: str) -> bool:
        """Whether this run is there, without an error."""
        return key in self._rows and "error" not in self._rows[key]

    def add(self, row: Plain) -> None:
        """Keep it; it is on disk when this returns, whatever kills us then."""
        if self._file is None:
            self._file = _appending(self.folder / RUNS)
        self._file.write(line(row))
        self._file.flush()
        self._rows[str(row["run"])] = row

    def row(self, key: str) -> Plain:
        """What there is of this run."""
        return self._rows[key]

    def finish(self, rows: Sequence[Plain]) -> None:
        """Make the table these rows, in this order, and put what else is there aside."""
        self.close()
        others = sorted(self._rows.keys() - {str(row["run"]) for row in rows})
        if others:
            replace(self.folder / UNUSED, b"".join(line(self._rows[key]) for key in others))
        replace(self.folder / RUNS, b"".join(map(line, rows)))
        if not others:
            (self.folder / UNUSED).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is added for now."""
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """The campaign's folder, made if need be; SimulationError when it cannot be, or another process is at it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise SimulationError(f"{folder}: cannot be written: {error.strerror or error}") from error
    with lock:
        try:
            _hold(lock.fileno())
        except OSError as error:
            raise SimulationError(f"{folder}: another process is at this campaign; wait for it or end it") from error
        store = Store(folder)
        try:
            yield store
        finally:
            store.close()


def line(row: Mapping[str, object]) -> bytes:
    """The row as its line."""
    return canonical(row).encode() + b"\n"


def replace(path: Path, content: bytes) -> None:
    """Write aside and put in place whole: nobody ever sees a half."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _hold(handle: int) -> None:
    try:
        locking = import_module("fcntl")
    except ImportError:  # Not on Windows: there, take care.
        return
    locking.flock(handle, locking.LOCK_EX | locking.LOCK_NB)


def _appending(path: Path) -> BinaryIO:
    """The file, positioned behind its last whole line."""
    file = path.open("ab+")
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    content = file.read(size)
    file.truncate(content.rfind(b"\n") + 1)
    return file


def _rows(path: Path, damaged: list[str]) -> Iterator[Plain]:
    if not path.exists():
        return
    *lines, _cut_off = path.read_bytes().split(b"\n")
    for number, text in enumerate(lines, 1):
        row = _row(text)
        if row is None:
            damaged.append(f"{path}:{number}: no run; it is made again")
        else:
            yield row


def _row(text: bytes) -> Plain | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"run", "manifest"} <= row.keys() else None
