"""Parsed traces on disk, keyed by their file's checksum: a million lines cost seconds to parse, and 50 ms from here."""

import hashlib
import json
import os
import sys
import tempfile
import zlib
from array import array
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict, cast

from elastic_simulations.traces.trace import REQUIRED, Note, Trace

MAGIC = b"elastic trace 3\n"
"""Changes whenever a parser reads the same file differently: older entries are then parsed again."""

BLOCK = 1 << 20


class _Head(TypedDict):
    """The part of an entry that is JSON."""

    jobs: int
    columns: list[str]
    also_after: int
    crc: int
    users: list[str]
    groups: list[str]
    header: list[str]
    dropped: list[dict[str, int | str]]
    repaired: list[dict[str, int | str]]
    format: str


def folder() -> Path:
    """Where entries lie: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "elastic" / "traces"


def checksum(path: Path) -> str:
    """SHA-256 of the file as it lies there (packed, when it is packed)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def load(sha256: str, fmt: str, name: str) -> Trace | None:
    """The entry of this checksum and format; None when there is none, or when it is damaged."""
    try:
        raw = _entry(sha256, fmt).read_bytes()
    except OSError:
        return None
    if not raw.startswith(MAGIC):
        return None
    end = raw.find(b"\n", len(MAGIC))
    try:
        head = cast("_Head", json.loads(raw[len(MAGIC) : end]))
        return _trace(head, memoryview(raw)[end + 1 :], sha256, name)
    except (ValueError, KeyError, TypeError):
        return None


def store(trace: Trace, sha256: str, fmt: str) -> None:
    """Keep it; a folder that cannot be written costs time, never the run."""
    columns = {name: getattr(trace, name) for name in REQUIRED} | dict(trace.optional)
    crc = 0
    stored = [*columns.values(), trace.also_after]
    for column in stored:
        crc = zlib.crc32(column, crc)
    head = _Head(
        jobs=len(trace),
        columns=list(columns),
        also_after=len(trace.also_after),
        crc=crc,
        users=list(trace.users),
        groups=list(trace.groups),
        header=list(trace.header),
        dropped=[asdict(note) for note in trace.dropped],
        repaired=[asdict(note) for note in trace.repaired],
        format=trace.format,
    )
    path = _entry(sha256, fmt)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and put in place whole: two runs may read the same trace at once.
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + json.dumps(head, separators=(",", ":")).encode() + b"\n")
            for column in stored:
                file.write(column)
        Path(aside).replace(path)


def _entry(sha256: str, fmt: str) -> Path:
    # Columns lie there in the machine's own byte order.
    return folder() / f"{sha256}.{fmt}.{sys.byteorder}"


def _trace(head: _Head, body: memoryview, sha256: str, name: str) -> Trace | None:
    size = head["jobs"] * 8
    names = head["columns"]
    if len(body) != size * len(names) + head["also_after"] * 8 or zlib.crc32(body) != head["crc"]:
        return None
    columns: dict[str, array[int]] = {}
    for place, column in enumerate(names):
        columns[column] = array("q")
        columns[column].frombytes(body[place * size : (place + 1) * size])
    also_after = array("q")
    also_after.frombytes(body[size * len(names) :])
    return Trace(
        submit_us=columns.pop("submit_us"),
        run_us=columns.pop("run_us"),
        cores=columns.pop("cores"),
        line=columns.pop("line"),
        optional=columns,
        also_after=also_after,
        users=tuple(head["users"]),
        groups=tuple(head["groups"]),
        header=tuple(head["header"]),
        dropped=tuple(_note(note) for note in head["dropped"]),
        repaired=tuple(_note(note) for note in head["repaired"]),
        source=name,
        format=head["format"],
        sha256=sha256,
    )


def _note(stored: dict[str, int | str]) -> Note:
    return Note(what=str(stored["what"]), rows=int(stored["rows"]), first_line=int(stored["first_line"]))
