"""Jobs of schedds on their way to a file: what is asked for, the process that asks, JSON lines or Parquet."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, Any

from elastic.ports import Malformed, Transient

WHOLE = ("ClusterId", "ProcId", "JobUniverse", "JobStatus", "QDate", "JobStartDate", "JobCurrentStartDate",
         "CompletionDate", "EnteredCurrentStatus", "NumJobStarts", "NumShadowStarts", "RequestCpus", "RequestMemory",
         "RequestDisk", "RequestGPUs", "ExitCode")  # fmt: skip
REAL = ("RemoteWallClockTime", "RemoteUserCpu", "RemoteSysCpu", "CommittedTime")
ANONYMISED = ("GlobalJobId", "Owner", "User", "AccountingGroup", "AcctGroup")
"""Names of people, groups and hosts."""

ATTRIBUTES = (*WHOLE, *REAL, *ANONYMISED)
"""What is taken of a job, and nothing else: no command, no argument, no path, no environment."""

ROWS = 50_000
"""Of a Parquet row group."""

Ad = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which jobs of whom; `since` is when they left the queue at the earliest, in seconds since the epoch.

    Without `schedds`, `everyone` (in the pool) and `pool` (its collector) it is the schedd of this machine.
    """

    schedds: tuple[str, ...] = ()
    everyone: bool = False
    pool: str = ""
    constraint: str = ""
    since: int | None = None
    queue: bool = True
    history: bool = True
    anonymise: bool = False


def jobs(wanted: Wanted, environment: Mapping[str, str]) -> Iterator[Ad]:
    """Every job, one ad each, as they come; raise Transient with what HTCondor said when it fails."""
    command = [sys.executable, "-m", "elastic.adapters.htcondor.export", json.dumps(asdict(wanted))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as asker:
        try:
            assert asker.stdout is not None  # noqa: S101 - a pipe was asked for
            for line in asker.stdout:
                ad = json.loads(line)
                if "error" in ad:
                    raise Transient(str(ad["error"]))
                yield ad
            assert asker.stderr is not None  # noqa: S101 - as above
            said = asker.stderr.read().decode("utf-8", "replace").strip()
            if asker.wait():
                raise Malformed(f"the jobs cannot be read: {said.splitlines()[-1] if said else asker.returncode}")
        finally:
            asker.kill()


def write_lines(ads: Iterable[Ad], file: IO[str]) -> None:
    """One JSON object a line, as `condor_history -jsonl` prints them."""
    for ad in ads:
        file.write(json.dumps(ad) + "\n")


def write_packed(ads: Iterable[Ad], path: Path) -> None:
    """As `write_lines`, in a gzip file; the same ads give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        for ad in ads:
            file.write(json.dumps(ad).encode() + b"\n")


def write_parquet(ads: Iterable[Ad], path: Path) -> None:
    """One column an attribute; raise Malformed where pyarrow is missing."""
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise Malformed("Parquet needs pyarrow: pip install 'elastic[parquet]'") from error
    kinds = ((WHOLE, pyarrow.int64()), (REAL, pyarrow.float64()), (ANONYMISED, pyarrow.string()))
    schema = pyarrow.schema([(name, kind) for names, kind in kinds for name in names])
    left = iter(ads)
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while rows := list(islice(left, ROWS)):
            file.write_table(pyarrow.Table.from_pylist([_typed(row) for row in rows], schema=schema))


def _typed(ad: Ad) -> dict[str, Any]:
    """Whole numbers where the column has such: a request may be an expression that comes to 2.0."""
    return {name: int(value) if name in WHOLE and isinstance(value, float) else value for name, value in ad.items()}
