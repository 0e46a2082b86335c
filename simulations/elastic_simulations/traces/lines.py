"""Files as numbered lines of bytes, plain or gzip; what cannot be read is a TraceError with its line."""

import gzip
import io
import os
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from elastic_simulations.progress import shown as progress
from elastic_simulations.traces.errors import TraceError

GZIP = b"\x1f\x8b"
LONGEST_LINE = 1 << 20
"""Bytes; the longest line of any archive log is a few hundred."""

BLOCK = 1 << 20


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked when it is gzip (by its first bytes, whatever its name)."""
    try:
        with path.open("rb") as raw, progress(f"reading {path.name}", partial(_share, raw.fileno())):
            if raw.read(2) == GZIP:
                raw.seek(0)
                with io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) as unpacked:
                    yield cast("BinaryIO", unpacked)
            else:
                raw.seek(0)
                yield cast("BinaryIO", raw)
    except OSError as error:
        # gzip's own errors are raised where lines are read and carry their line; these are the operating system's.
        raise TraceError(path, 0, f"cannot be read: {error.strerror or error}") from error


def _share(descriptor: int) -> float:
    """How much of the file was taken from the system, 0..1."""
    size = os.fstat(descriptor).st_size
    return os.lseek(descriptor, 0, os.SEEK_CUR) / size if size else 0.0


def numbered(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line); TraceError for truncated gzip, NUL bytes and endless lines."""
    number = 0
    while True:
        number += 1
        with unpacking(path, number):
            line = file.readline(LONGEST_LINE)
        if not line:
            return
        if b"\0" in line:
            raise TraceError(path, number, "NUL bytes: this is a binary file, not a text trace")
        if len(line) >= LONGEST_LINE:
            raise TraceError(path, number, f"a line longer than {LONGEST_LINE} bytes: this is no text trace")
        yield number, line


def text_blocks(path: Path, file: BinaryIO) -> Iterator[str]:
    """The file's text in blocks, for formats that do not go by lines; TraceError names the line of a bad byte."""
    decoder = getincrementaldecoder("utf-8")()
    line = 1
    while True:
        with unpacking(path, line):
            block = file.read(BLOCK)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            bad = line + bytes(error.object[: error.start]).count(b"\n")
            raise TraceError(path, bad, f"not UTF-8 ({error.reason}): convert it first") from error
        line += text.count("\n")
        if "\0" in text:
            raise TraceError(path, line, "NUL bytes: this is a binary file, not a text trace")
        if text:
            yield text
        if not block:
            return


@contextmanager
def unpacking(path: Path, line: int) -> Iterator[None]:
    """Turn what gzip raises on the way into a TraceError of this line."""
    try:
        yield
    except EOFError as error:
        raise TraceError(path, line, "the gzip file is truncated here; fetch it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise TraceError(path, line, f"the gzip file is damaged here ({error}); fetch it again") from error


def shown(field: bytes | str, most: int = 40) -> str:
    """A field as it may stand in a message: printable, and not longer than `most` characters."""
    text = field.decode("ascii", "backslashreplace") if isinstance(field, bytes) else field
    text = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{text[:most]}...'" if len(text) > most else f"'{text}'"
