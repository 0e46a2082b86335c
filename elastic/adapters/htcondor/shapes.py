"""From groups of jobs, as a schedd counts them, to job shapes: requests evaluated, equal ones merged, each judged."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import classad2

from elastic.adapters.htcondor import fit
from elastic.core.observation import JobShape
from elastic.core.resources import Resources

IDLE = 1
HOLDS_A_SLOT = frozenset({2, 6, 7})
"""Running, transferring output, suspended."""
REQUESTS = ("RequestCpus", "RequestMemory", "RequestDisk", "RequestGPUs")
ATTRIBUTES = (
    "JobStatus",
    *REQUESTS,
    "Requirements",
    "ConcurrencyLimits",
    "AcctGroup",
)
"""What tells shapes apart; a schedd adds by itself the attributes that these expressions look at."""
COUNTERS = frozenset({"id", "jobids", "jobcount", "jobstatus"})
CHANGING = frozenset(
    name.lower()
    for name in (
        "NumJobStarts",
        "NumShadowStarts",
        "DiskUsage",
        "DiskUsage_RAW",
        "ExecutableSize",
        "ExecutableSize_RAW",
        "ImageSize",
        "ImageSize_RAW",
        "MemoryUsage",
        "ResidentSetSize",
        "ResidentSetSize_RAW",
        "TransferInputSizeMB",
        "TransferInputSizeMB_RAW",
        "ServerTime",
        "AccountingGroup",
        *REQUESTS,
    )
)
"""They count through the requests that they are part of, and would tell apart jobs that ask for the same."""

Key = tuple[object, ...]


class JobId(NamedTuple):
    """A job's place in its schedd's queue; later ones were added later."""

    cluster: int
    proc: int

    def __str__(self) -> str:
        return f"{self.cluster}.{self.proc}"


@dataclass(slots=True)
class Gathered:
    """One shape while its groups are added up; `ad` is one of them, and stands for all."""

    ad: Any
    request: Resources
    idle: int = 0
    running: int = 0
    hidden: int = 0
    first: JobId | None = None
    last: JobId | None = None
    reject: str = ""


@dataclass(slots=True)
class Judged:
    """What was found of one shape on one machine ad before, by their texts: it stays true as long as both do."""

    known: dict[tuple[Key, str], Resources | str] = field(default_factory=dict)

    def judge(self, key: Key, job: Any, text: str, machine: Any) -> Resources | str:
        """Ask once."""
        place = (key, text)
        if place not in self.known:
            self.known[place] = fit.judge(job, machine)
        return self.known[place]

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget shapes that are no more."""
        present = set(keys)
        self.known = {place: found for place, found in self.known.items() if place[0] in present}


def gather(groups: Iterable[Any], watched: frozenset[str]) -> dict[Key, Gathered]:
    """Groups merged into shapes; `watched` are job attributes (lower case) that machines look at."""
    found: dict[Key, Gathered] = {}
    for ad in groups:
        shape = _shape(found, ad, watched)
        jobs, status = int(ad["JobCount"]), ad.get("JobStatus")
        ids = job_ids(str(ad.get("JobIds", "")))
        if status == IDLE:
            shape.idle += jobs
            shape.first = min([*([shape.first] if shape.first else []), *ids[:1]], default=None)
        elif status in HOLDS_A_SLOT:
            shape.running += jobs
        shape.last = max([*([shape.last] if shape.last else []), *ids[-1:]], default=None)
    return found


def add_hidden(found: dict[Key, Gathered], cluster: Any, jobs: int, watched: frozenset[str]) -> None:
    """Jobs of a factory that it has not made yet; `cluster` is its cluster ad."""
    _shape(found, cluster, watched).hidden += jobs


def merge(found: dict[Key, Gathered], key: Key, text: str, more: Gathered) -> None:
    """Add what another half of the queue holds of a shape; `text` is one of its jobs' ad."""
    shape = found.get(key)
    if shape is None:
        more.ad = classad2.ClassAd(text)
        found[key] = more
        return
    shape.idle += more.idle
    shape.running += more.running
    shape.first = min([job for job in (shape.first, more.first) if job], default=None)
    shape.last = max([job for job in (shape.last, more.last) if job], default=None)


def reduced(ad: Any, watched: frozenset[str]) -> Any:
    """A job's or cluster's ad with no more than a schedd tells of its group: what tells shapes apart, what that uses.

    An attribute that only other shapes look at would make it another shape.
    """
    wanted = [*(name for name in ATTRIBUTES if name in ad), *(name for name in watched if name in ad)]
    plain = classad2.ClassAd()
    while wanted:
        name = wanted.pop()
        if name in plain or name not in ad:
            continue
        expression = plain[name] = ad.lookup(name)
        if isinstance(expression, classad2.ExprTree):
            mine = (other[3:] for other in ad.externalRefs(expression) if other[:3].lower() == "my.")
            wanted += [*ad.internalRefs(expression), *mine]
    return plain


def key_of(ad: Any, watched: frozenset[str] = frozenset()) -> Key:
    """What jobs of one shape have in common: evaluated requests, and the text of all else that decides matches."""
    rest = sorted(
        (name.lower(), str(ad.lookup(name)))
        for name in ad
        if (lower := name.lower()) not in COUNTERS
        and lower not in CHANGING
        and (lower in watched or lower not in IGNORED)
    )
    return (*fit.request_of(ad), group_of(ad), *rest)


IGNORED = frozenset({"clusterid", "procid", "qdate", "enteredcurrentstatus", "lastrejmatchreason", "lastrejmatchtime",
                     "totalsubmitprocs", "jobmaterializelimit", "jobmaterializenextprocid", "jobmaterializepaused",
                     "jobuniverse", "mytype", "targettype"})  # fmt: skip


def job_ids(text: str) -> list[JobId]:
    """The first and last id of a group: "1.0 ... 1.4", "5.0 5.1" or "7.0"."""
    ids = []
    for word in text.split():
        cluster, dot, proc = word.partition(".")
        if dot and cluster.isdigit() and proc.isdigit():
            ids.append(JobId(int(cluster), int(proc)))
    return sorted(ids)


def group_of(ad: Any) -> str:
    """The accounting group, lower case like all of HTCondor's group names; empty where there is none."""
    group = ad.get("AcctGroup")
    return group.lower() if isinstance(group, str) else ""


def limits_of(ad: Any) -> tuple[tuple[str, float], ...]:
    """The concurrency limits that one such job takes: "cat,dog:2" is one cat and two dogs."""
    if "ConcurrencyLimits" not in ad:
        return ()
    text = ad.eval("ConcurrencyLimits")
    found: dict[str, float] = {}
    for part in str(text).lower().split(",") if isinstance(text, str) else ():
        name, _, weight = part.strip().partition(":")
        if name:
            try:
                found[name] = float(weight or 1)
            except ValueError:
                found[name] = 1.0
    return tuple(sorted(found.items()))


class Waits(NamedTuple):
    """When each cluster was submitted, by its schedd's clock, and that clock now."""

    since: Mapping[int, int]
    now: int


def finish(
    schedd: str,
    found: Mapping[Key, Gathered],
    templates: Mapping[str, tuple[str, Any]],
    judged: Judged,
    waits: Waits,
    stamps: Mapping[str, str],
) -> tuple[JobShape, ...]:
    """The shapes, sorted by id; `stamps` are the queue stamps told before, which never go back."""
    shapes = []
    for key, shape in found.items():
        name = f"{schedd}#{hashlib.blake2s(repr(key).encode(), digest_size=6).hexdigest()}"
        verdicts = _verdicts(key, shape, templates, judged)
        example = str(shape.first or shape.last or "")
        since = waits.since.get(shape.first.cluster) if shape.first is not None else None
        shapes.append(
            JobShape(
                id=name,
                idle=shape.idle,
                running=shape.running,
                hidden=shape.hidden,
                request=shape.request,
                fits={kind: takes for kind, takes in verdicts if isinstance(takes, Resources)},
                misfits={kind: why for kind, why in verdicts if isinstance(why, str)},
                oldest_wait_seconds=None if since is None else float(max(0, waits.now - since)),
                concurrency_limits=limits_of(shape.ad),
                accounting_group=group_of(shape.ad),
                example=example,
                queue_stamp=_stamp(shape, stamps.get(name, "")),
                last_reject_reason=shape.reject,
            )
        )
    return tuple(sorted(shapes, key=lambda shape: shape.id))


def _verdicts(
    key: Key, shape: Gathered, templates: Mapping[str, tuple[str, Any]], judged: Judged
) -> Sequence[tuple[str, Resources | str]]:
    return [(kind, judged.judge(key, shape.ad, text, machine)) for kind, (text, machine) in templates.items()]


def _shape(found: dict[Key, Gathered], ad: Any, watched: frozenset[str]) -> Gathered:
    key = key_of(ad, watched)
    shape = found.get(key)
    if shape is None:
        shape = found[key] = Gathered(ad=ad, request=fit.request_of(ad))
    return shape


def _stamp(shape: Gathered, before: str) -> str:
    """The last job that was added. It never goes back: a last job that ends is nothing new."""
    ids = [*job_ids(before), *([shape.last] if shape.last else [])]
    return str(max(ids)) if ids else ""
