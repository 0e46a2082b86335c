"""HTCondor history as `condor_history` or `elastic trace export` writes it: one ClassAd a job, or one a run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import BinaryIO

from elastic_simulations.traces.building import MOST_SECONDS, Builder, number_of
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.lines import shown, text_blocks
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

VANILLA = 5
QUEUED = frozenset({1, 2, 5, 6, 7})
"""Of JobStatus: idle, running, held, transferring output, suspended. How long such a job will run is not known."""

LONGEST_AD = 1 << 24
"""Characters; the largest ads (with whole DAG environments in them) have a few hundred thousand."""

BETWEEN = " \t\r\n,[]"

Ad = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One job, times in us."""

    line: int
    submit: int
    run: int
    ad: Ad


def read(path: Path, file: BinaryIO) -> Trace:
    """Jobs of the vanilla universe that ran; of a job with several runs (epochs) the last."""
    return collected(Builder(path, "condor"), ads(path, file))


def collected(builder: Builder, ads: Iterable[tuple[int, Ad]]) -> Trace:
    """The trace of these (line, ad)."""
    rows: dict[object, _Row] = {}
    for line, ad in ads:
        row = _row(builder, line, ad)
        if row is None:
            continue
        key = _key(ad, line)
        if key in rows:
            builder.drop("an earlier run of a job that ran again", rows[key].line)
        rows[key] = row
    for row in rows.values():
        _add(builder, row)
    return builder.build()


def ads(path: Path, file: BinaryIO) -> Iterator[tuple[int, Ad]]:
    """(line, ad) of each object, whether in one array, one a line, or one after the other."""
    decoder = json.JSONDecoder()
    rest, line = "", 1
    for block in text_blocks(path, file):
        rest += block
        while True:
            text = rest.lstrip(BETWEEN)
            line += rest.count("\n", 0, len(rest) - len(text))
            rest = text
            if not rest:
                break
            try:
                ad, end = decoder.raw_decode(rest)
            except (ValueError, RecursionError):
                if len(rest) > LONGEST_AD:
                    raise TraceError(path, line, f"an ad longer than {LONGEST_AD} characters") from None
                break
            # A number may go on in the next block; an object never does.
            if not isinstance(ad, dict):
                raise TraceError(path, line, f"a ClassAd belongs here, not {shown(rest[:40])}")
            yield line, ad
            line += rest.count("\n", 0, end)
            rest = rest[end:]
    if rest:
        raise TraceError(path, line, f"no whole ClassAd: {shown(rest[:40])}; the file is cut off, or no JSON")


def _key(ad: Ad, line: int) -> object:
    if isinstance(name := ad.get("GlobalJobId"), str):
        return name
    cluster, proc = ad.get("ClusterId"), ad.get("ProcId")
    return (cluster, proc) if isinstance(cluster, int) and isinstance(proc, int) else ("line", line)


def _row(builder: Builder, line: int, ad: Ad) -> _Row | None:
    if ad.get("JobUniverse", VANILLA) != VANILLA:
        builder.drop("not of the vanilla universe", line)
        return None
    if ad.get("JobStatus") in QUEUED and not (ad.get("CompletionDate") or ad.get("EpochWriteDate")):
        builder.drop("still in the queue", line)
        return None
    submit = _number(builder, line, ad, "QDate")
    if submit is None:
        builder.drop("no QDate", line)
        return None
    run = _run(builder, line, ad)
    if run is None:
        builder.drop("never ran", line)
        return None
    return _Row(line=line, submit=round(submit * MICROSECONDS), run=round(run * MICROSECONDS), ad=ad)


def _run(builder: Builder, line: int, ad: Ad) -> float | None:
    """Seconds of the last run."""
    start = _number(builder, line, ad, "JobCurrentStartDate") or _number(builder, line, ad, "JobStartDate")
    end = _number(builder, line, ad, "CompletionDate") or _number(builder, line, ad, "EpochWriteDate")
    if start and end:
        return end - start
    wall = _number(builder, line, ad, "RemoteWallClockTime")
    if not wall:
        return None
    builder.repair("no start or no end known, RemoteWallClockTime taken as run time", line)
    return wall


def _add(builder: Builder, row: _Row) -> None:
    line, ad = row.line, row.ad
    cores = _number(builder, line, ad, "RequestCpus")
    place = builder.add(line, row.submit, row.run, UNKNOWN if cores is None else int(cores))
    if place == UNKNOWN:
        return
    for name, attribute, scale in (
        ("job", "ClusterId", 1.0),
        ("memory_mb", "RequestMemory", 1.0),
        ("disk_mb", "RequestDisk", 1 / 1024),
        ("gpus", "RequestGPUs", 1.0),
    ):
        value = _number(builder, line, ad, attribute)
        if value is not None and value >= 0:
            builder.know(place, name, -int(-value * scale // 1))
    used = [_number(builder, line, ad, name) for name in ("RemoteUserCpu", "RemoteSysCpu")]
    if any(value is not None for value in used):
        builder.know(place, "cpu_us", round(sum(value or 0.0 for value in used) * MICROSECONDS))
    for name, names, attributes in (
        ("user", builder.users, ("Owner", "User")),
        ("group", builder.groups, ("AccountingGroup", "AcctGroup")),
    ):
        owner = next((ad[known] for known in attributes if isinstance(ad.get(known), str)), None)
        if isinstance(owner, str):
            builder.know(place, name, number_of(names, owner))


def _number(builder: Builder, line: int, ad: Ad, name: str) -> float | None:
    """A number attribute; None when absent. TraceError out of range; expressions and the like count as unknown."""
    value = ad.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        builder.repair(f"{name} is an expression, taken as unknown", line)
        return None
    if (isinstance(value, float) and not isfinite(value)) or abs(value) > MOST_SECONDS:
        raise TraceError(builder.path, line, f"{name} is out of range: {shown(str(value)[:60])}")
    return value
