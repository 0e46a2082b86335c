"""Trace files written down in a few characters."""

import gzip
from collections.abc import Sequence
from pathlib import Path

SWF_TAIL = "-1 -1 1 -1 -1 1 1 1 -1 -1 -1 -1 -1"


def swf(*jobs: tuple[object, object, object]) -> str:
    """(submit, run, cores) of each job."""
    return "".join(f"{n} {submit} -1 {run} {cores} {SWF_TAIL}\n" for n, (submit, run, cores) in enumerate(jobs, 1))


def written(folder: Path, text: str | bytes, name: str = "trace.swf") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def packed(folder: Path, text: str, name: str = "trace.swf.gz") -> Path:
    return written(folder, gzip.compress(text.encode(), mtime=0), name)


def seconds(column: Sequence[int]) -> list[float]:
    return [value / 1_000_000 for value in column]
