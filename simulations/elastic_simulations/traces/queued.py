"""Jobs that were still in the queue when a file of ClassAds was written: no trace, but the state of a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elastic_simulations.traces.condor import VANILLA
from elastic_simulations.traces.reading import classads

RUNNING = frozenset({2, 6, 7})
IDLE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One job; times in seconds since the epoch, `started` is None while it waits."""

    cores: int
    submitted: float
    started: float | None


def queued(path: Path, fmt: str = "") -> list[Queued]:
    """Running and idle jobs of this file, by submission; none where its format is not HTCondor's. Held ones are not."""
    jobs = [job for ad in classads(path, fmt) if (job := _job(ad)) is not None]
    return sorted(jobs, key=lambda job: (job.submitted, job.started or 0.0))


def _job(ad: Mapping[str, object]) -> Queued | None:
    status = ad.get("JobStatus")
    waits = status == IDLE
    if not (waits or status in RUNNING) or ad.get("JobUniverse", VANILLA) != VANILLA:
        return None
    if ad.get("CompletionDate") or ad.get("EpochWriteDate"):
        return None
    submitted, started = _seconds(ad, "QDate"), _seconds(ad, "JobCurrentStartDate")
    cores = _seconds(ad, "RequestCpus")
    return Queued(cores=max(1, int(cores)), submitted=submitted, started=None if waits else started or submitted)


def _seconds(ad: Mapping[str, object], name: str) -> float:
    value = ad.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
