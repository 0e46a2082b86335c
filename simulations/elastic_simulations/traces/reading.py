"""Any trace file to a Trace: which format it is, whether it has been parsed before, and by whom it is parsed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from elastic_simulations.errors import UsageError
from elastic_simulations.traces import cache
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.lines import opened, unpacking
from elastic_simulations.traces.trace import Trace

Reader = Callable[[Path, BinaryIO], Trace]

MODULES: Mapping[str, str] = {"swf": "swf", "gwf": "swf", "condor": "condor", "csv": "table", "parquet": "parquet"}
"""Which module of this package reads a format; imported when first needed."""

SUFFIXES: Mapping[str, str] = {
    ".swf": "swf",
    ".gwf": "gwf",
    ".json": "condor",
    ".jsonl": "condor",
    ".csv": "csv",
    ".parquet": "parquet",
}
SNIFFED = 4096
"""Bytes from which a format is told where the name does not say."""


def read(path: Path, fmt: str = "", *, cached: bool = True) -> Trace:
    """The trace in this file, from the cache when it was parsed before; TraceError says where and what is wrong."""
    if fmt and fmt not in MODULES:
        raise UsageError(f"{path}: no format '{fmt}'; known: {', '.join(MODULES)}")
    try:
        sha256 = cache.checksum(path)
    except OSError as error:
        raise TraceError(path, 0, f"cannot be read: {error.strerror or error}") from error
    known = fmt or _by_name(path)
    if cached and known and (trace := cache.load(sha256, known, path.name)) is not None:
        return trace
    with opened(path) as file:
        known = known or _by_content(path, file)
        trace = replace(_reader(known)(path, file), sha256=sha256)
    if cached:
        cache.store(trace, sha256, known)
    return trace


def classads(path: Path, fmt: str = "") -> Iterator[Mapping[str, object]]:
    """Every ClassAd in this file as it stands there; none where its format is not HTCondor's."""
    known = fmt or _by_name(path)
    with opened(path) as file:
        known = known or _by_content(path, file)
        if known in {"condor", "parquet"}:
            module = import_module(f"elastic_simulations.traces.{MODULES[known]}")
            ads = cast("Callable[[Path, BinaryIO], Iterator[tuple[int, Mapping[str, object]]]]", module.ads)
            yield from (ad for _, ad in ads(path, file))


def _reader(fmt: str) -> Reader:
    module = import_module(f"elastic_simulations.traces.{MODULES[fmt]}")
    read_it = cast("Callable[..., Trace]", module.read)
    return partial(read_it, layout=module.GWF) if fmt == "gwf" else cast("Reader", read_it)


def _by_name(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return next((SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in SUFFIXES), "")


def _by_content(path: Path, file: BinaryIO) -> str:
    """The format by its first bytes, without taking them from the reader."""
    peek = getattr(file, "peek", None)
    with unpacking(path, 1):
        start: bytes = peek(SNIFFED) if peek is not None else b""
    if start.startswith(b"PAR1"):
        return "parquet"
    text = start.lstrip()
    if text[:1] in (b"[", b"{"):
        return "condor"
    first = text.split(b"\n", 1)[0]
    if text[:1] == b";" or _numbers(first, 18):
        return "swf"
    if text[:1] == b"#" or _numbers(first, 29):
        return "gwf"
    if b"," in first:
        return "csv"
    raise TraceError(path, 1, f"not a known format; name one of {', '.join(MODULES)} with --format")


def _numbers(line: bytes, count: int) -> bool:
    fields = line.split()
    return len(fields) >= count and all(field.lstrip(b"-").replace(b".", b"").isdigit() for field in fields[:5])
