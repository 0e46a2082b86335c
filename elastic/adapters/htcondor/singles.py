"""What is told by single jobs and by counts, asked of a schedd while it groups its queue: it answers side by side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import classad2
import htcondor2

from elastic.adapters.htcondor import shapes
from elastic.adapters.htcondor.bindings import translated
from elastic.adapters.htcondor.groups import GROUP_BY, VANILLA
from elastic.adapters.htcondor.values import whole

HELD = 5
FACTORY = ("ClusterId", "ProcId", "JobUniverse", "TotalSubmitProcs", "JobMaterializeLimit", "JobMaterializeNextProcId",
           "JobMaterializePaused")  # fmt: skip
SINGLE_JOBS_READ = 5000
"""Of the jobs that are read one by one, to know how long a shape waits and why it was not matched."""


class Singles(NamedTuple):
    """Plain values, for they come from another process.

    `counts` are (universe, status, jobs) of what is no waiting or running vanilla job, `since` the submission of each
    cluster by the schedd's clock, `rejects` the keys of jobs that were not matched, with the reason, and `factories`
    cluster ads, as text, with the jobs that each would make at once.
    """

    counts: tuple[tuple[int, int, int], ...]
    since: Mapping[int, int]
    now: int
    rejects: tuple[tuple[shapes.Key, str], ...]
    factories: tuple[tuple[str, int], ...]

    @property
    def waits(self) -> shapes.Waits:
        """Since when jobs wait."""
        return shapes.Waits(since=self.since, now=self.now)

    def add_to(self, found: dict[shapes.Key, shapes.Gathered], watched: frozenset[str]) -> None:
        """Add what factories hide and why jobs were rejected to the shapes of the queue."""
        for text, hidden in self.factories:
            shapes.add_hidden(found, classad2.ClassAd(text), hidden, watched)
        for key, reason in self.rejects:
            if key in found:
                found[key].reject = reason


def singles(daemon: Any, name: str, told: Sequence[str], watched: frozenset[str]) -> Singles:
    """Ask all of it; `told` are the attributes that tell this queue's shapes apart."""
    with translated(name):
        others = daemon.query(
            f"JobUniverse != {VANILLA} || JobStatus == {HELD}", ["JobStatus", "JobUniverse"], opts=GROUP_BY
        )
        waiting = _waiting(daemon, told)
        factories = tuple((repr(shapes.reduced(ad, watched)), hidden) for ad, hidden in _factories(daemon, told))
    rejected = [ad for ad in waiting if "LastRejMatchReason" in ad]
    return Singles(
        counts=tuple((whole(ad, "JobUniverse"), whole(ad, "JobStatus"), whole(ad, "JobCount")) for ad in others),
        since={whole(ad, "ClusterId"): whole(ad, "QDate") for ad in waiting},
        now=max([whole(ad, "ServerTime") for ad in waiting], default=0),
        rejects=tuple(
            (shapes.key_of(shapes.reduced(ad, watched), watched), str(ad["LastRejMatchReason"])) for ad in rejected
        ),
        factories=factories,
    )


def _waiting(daemon: Any, told: Sequence[str]) -> Sequence[Any]:
    """The first idle job of each cluster, and the jobs of which the negotiator said why it did not match them.

    It says so on one job of a shape only.
    """
    ads: Sequence[Any] = daemon.query(
        f"JobUniverse == {VANILLA} && JobStatus == {shapes.IDLE} && (ProcId == 0 || LastRejMatchReason isnt undefined)",
        [*told, "LastRejMatchReason", "ClusterId", "ProcId", "QDate", "ServerTime"],
        limit=SINGLE_JOBS_READ,
    )
    return ads


def _factories(daemon: Any, told: Sequence[str]) -> Iterable[tuple[Any, int]]:
    """The cluster ad of each factory that would make more jobs at once, and how many."""
    clusters = daemon.query(
        "JobMaterializeLimit isnt undefined && ProcId is undefined",
        [*told, *FACTORY],
        opts=htcondor2.QueryOpt.IncludeClusterAd,
    )
    if not clusters:
        return
    present = daemon.query("JobMaterializeLimit isnt undefined", ["ClusterId", "JobMaterializeLimit"], opts=GROUP_BY)
    jobs = {ad["ClusterId"]: int(ad["JobCount"]) for ad in present}
    for ad in clusters:
        hidden = hidden_jobs(ad, jobs.get(ad["ClusterId"], 0))
        if hidden and whole(ad, "JobUniverse") == VANILLA:
            yield ad, hidden


def hidden_jobs(cluster: Mapping[str, object], present: int) -> int:
    """How many more jobs a factory would make at once if those in the queue started; none while it is paused."""
    if whole(cluster, "JobMaterializePaused"):
        return 0
    unmade = whole(cluster, "TotalSubmitProcs") - whole(cluster, "JobMaterializeNextProcId")
    return max(0, min(unmade, whole(cluster, "JobMaterializeLimit") - present))
