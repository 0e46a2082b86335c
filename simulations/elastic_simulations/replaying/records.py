"""Tick records from the files of a daemon's recorder, oldest first; what is broken is told with file and line."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from elastic.core.model import Snapshot
from elastic.core.policy import Target
from elastic_simulations.errors import SimulationError
from elastic_simulations.replaying.decoding import decoded

PATTERN = "ticks-*.jsonl.gz"
"""How a daemon names the files of its records; their names sort by time."""

LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, in seconds since the epoch: dates go no further."""

GZIP = b"\x1f\x8b"


class RecordError(SimulationError):
    """A file of records cannot be read; the text begins with file and line."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        """Say where."""
        super().__init__(f"{path}:{line}: {problem}" if line else f"{path}: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One tick as it was recorded: what it saw, what its policies wanted, what the guardrails made of that."""

    tick: int
    now: float
    snapshot: Snapshot
    proposal: Mapping[str, Target]
    targets: Mapping[str, Target]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A file that ends in the middle, as that of a running or killed daemon does; what was whole was read."""

    file: str
    line: int
    problem: str


def files_of(path: Path) -> Sequence[Path]:
    """The files of records in this folder, oldest first, or this file; RecordError when there is none."""
    if path.is_dir():
        found = sorted(path.glob(PATTERN))
        if not found:
            raise RecordError(path, 0, f"no {PATTERN} in it; name the folder of a daemon's records")
        return found
    if not path.exists():
        raise RecordError(path, 0, "no such file or folder; name the folder of a daemon's records")
    return [path]


def recorded(files: Iterable[Path], cut_off: list[CutOff]) -> Iterator[Recorded]:
    """Every record of these files; where a file is cut off is added to `cut_off`, what is damaged is a RecordError."""
    for file in files:
        for line, text in _lines(file, cut_off):
            yield _record(file, line, text)


def _record(file: Path, line: int, text: str) -> Recorded:
    try:
        record = decoded(Recorded, json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecordError(file, line, f"no record of a tick ({error})") from error
    if not 0 <= record.now <= LAST_MOMENT:
        raise RecordError(file, line, f"no record of a tick ({record.now} is no time)")
    return record


def _lines(file: Path, cut_off: list[CutOff]) -> Iterator[tuple[int, str]]:
    number = 0
    with _opened(file) as lines:
        while True:
            try:
                text = lines.readline()
            except EOFError:
                cut_off.append(CutOff(file=str(file), line=number + 1, problem="the gzip file has no end"))
                return
            except (OSError, zlib.error, UnicodeDecodeError) as error:
                raise RecordError(file, number + 1, f"damaged here: {error}") from error
            number += 1
            if not text:
                return
            if not text.endswith("\n"):
                cut_off.append(CutOff(file=str(file), line=number, problem="the line has no end"))
                return
            if text.strip():
                yield number, text


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    """The file's text, unpacked when it is gzip by its first bytes."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == GZIP
        with gzip.open(file, "rt", encoding="utf-8") if packed else file.open(encoding="utf-8") as lines:
            yield lines
    except OSError as error:
        raise RecordError(file, 0, f"cannot be read: {error.strerror or error}") from error
