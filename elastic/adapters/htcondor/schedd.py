"""What is asked of one schedd: its jobs by shape, and which jobs name a machine; they are summed up elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor import shapes, templates
from elastic.adapters.htcondor.bindings import location, translated
from elastic.adapters.htcondor.target import ScheddTarget
from elastic.adapters.htcondor.values import whole
from elastic.core.memory import Template
from elastic.core.observation import JobShape, ScheddQueue

VANILLA = 5
HELD = 5
UNIVERSES = {1: "standard", 7: "scheduler", 9: "grid", 10: "java", 11: "parallel", 12: "local", 13: "vm"}
ALIVE = (1, 2, 6, 7)
NAMES_A_MACHINE = (2, 3, 6, 7)
GROUP_BY = htcondor2.QueryOpt.GroupBy
FACTORY = ("ClusterId", "ProcId", "JobUniverse", "TotalSubmitProcs", "JobMaterializeLimit", "JobMaterializeNextProcId",
           "JobMaterializePaused")  # fmt: skip
SINGLE_JOBS_READ = 5000
"""Of the jobs that are read one by one, to know how long a shape waits and why it was not matched."""


class _Known:
    """What this process remembers between questions; without it the answers are the same, only slower."""

    def __init__(self) -> None:
        self.judged = shapes.Judged()


_known: dict[str, _Known] = {}


def queue(
    asked: ScheddTarget, wanted: Mapping[str, Template], plain: Mapping[str, str]
) -> tuple[ScheddQueue, tuple[str, ...]]:
    """Everything in one schedd's queue, and which machine attributes its jobs look at."""
    known = _known.setdefault(asked.name, _Known())
    ads = {kind: templates.ad_of(template, plain) for kind, template in wanted.items()}
    watched = _watched_jobs(machine for _, machine in ads.values())
    daemon = htcondor2.Schedd(location(asked.address, "Scheduler"))
    with translated(asked.name):
        others = daemon.query(
            f"JobUniverse != {VANILLA} || JobStatus == {HELD}", ["JobStatus", "JobUniverse"], opts=GROUP_BY
        )
        found, waits = _vanilla(daemon, watched)
    known.judged.keep(found)
    seen = shapes.finish(asked.name, found, ads, known.judged, waits, asked.stamps)
    return _queue(asked.name, others, seen), _watched_machines(found)


def jobs_on(asked: ScheddTarget, machines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which jobs of this schedd, of any universe, name these startds: running, removed, transferring, suspended."""
    statuses = " || ".join(f"JobStatus == {status}" for status in NAMES_A_MACHINE)
    with translated(asked.name):
        ads = htcondor2.Schedd(location(asked.address, "Scheduler")).query(
            statuses, ["ClusterId", "ProcId", "JobStatus", "RemoteHost", "AllRemoteHosts"]
        )
    jobs: dict[str, list[str]] = {name: [] for name in machines}
    for ad in ads:
        for name in _hosts(ad):
            if name in jobs:
                jobs[name].append(f"{asked.name}#{ad['ClusterId']}.{ad['ProcId']}")
    return {name: tuple(sorted(set(there))) for name, there in jobs.items() if there}


def _vanilla(daemon: Any, watched: frozenset[str]) -> tuple[dict[shapes.Key, shapes.Gathered], shapes.Waits]:
    alive = " || ".join(f"JobStatus == {status}" for status in ALIVE)
    attributes = [*shapes.ATTRIBUTES, "JobUniverse", *sorted(watched)]
    groups = daemon.query(f"JobUniverse == {VANILLA} && ({alive})", attributes, opts=GROUP_BY)
    found = shapes.gather(groups, watched)
    told = sorted({name for ad in groups for name in ad if name.lower() not in shapes.COUNTERS} | set(attributes))
    for cluster, hidden in _factories(daemon, told):
        shapes.add_hidden(found, cluster, hidden, watched)
    return found, _single_jobs(daemon, told, found, watched)


def _single_jobs(
    daemon: Any, told: Sequence[str], found: dict[shapes.Key, shapes.Gathered], watched: frozenset[str]
) -> shapes.Waits:
    """Since when each cluster waits, from its first job; and why the negotiator did not match, where it said so.

    The negotiator says so on one job of a shape only.
    """
    since: dict[int, int] = {}
    now = 0
    if any(shape.idle for shape in found.values()):
        ads = daemon.query(
            f"JobUniverse == {VANILLA} && JobStatus == {shapes.IDLE}"
            " && (ProcId == 0 || LastRejMatchReason isnt undefined)",
            [*told, "LastRejMatchReason", "ClusterId", "ProcId", "QDate", "ServerTime"],
            limit=SINGLE_JOBS_READ,
        )
        for ad in ads:
            since[whole(ad, "ClusterId")] = whole(ad, "QDate")
            now = max(now, whole(ad, "ServerTime"))
            if "LastRejMatchReason" in ad:
                shapes.note_reject(found, ad, watched)
    return shapes.Waits(since=since, now=now)


def _factories(daemon: Any, attributes: Sequence[str]) -> Iterable[tuple[Any, int]]:
    """The cluster ad of each factory that would make more jobs at once, and how many."""
    clusters = daemon.query(
        "JobMaterializeLimit isnt undefined && ProcId is undefined",
        [*attributes, *FACTORY],
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


def _queue(name: str, counts: Sequence[Any], seen: tuple[JobShape, ...]) -> ScheddQueue:
    held = 0
    others: dict[str, int] = {}
    for ad in counts:
        universe, status, jobs = ad.get("JobUniverse"), ad.get("JobStatus"), int(ad["JobCount"])
        if universe == VANILLA:
            held += jobs
        elif status in ALIVE:
            kind = UNIVERSES.get(universe, f"universe {universe}")
            others[kind] = others.get(kind, 0) + jobs
    running = sum(shape.running for shape in seen)
    return ScheddQueue(schedd=name, shapes=seen, other_universes=others, held=held, running=running)


def _hosts(ad: Mapping[str, object]) -> Iterable[str]:
    """The startds of "slot1_2@host" or of a list of such, each without its slot."""
    for attribute in ("RemoteHost", "AllRemoteHosts"):
        value = ad.get(attribute)
        for slot in value.split(",") if isinstance(value, str) else ():
            yield slot.strip().partition("@")[2] or slot.strip()


def _watched_jobs(machines: Iterable[Any]) -> frozenset[str]:
    """The job attributes that the requirements of these machines look at (lower case)."""
    found: set[str] = set()
    for machine in machines:
        for attribute in ("Requirements", "Start"):
            if attribute in machine:
                found.update(_references(machine, machine.lookup(attribute)))
    return frozenset(found) - shapes.CHANGING


def _watched_machines(found: Mapping[shapes.Key, shapes.Gathered]) -> tuple[str, ...]:
    """The machine attributes that these jobs look at (lower case), beside those that every kind is told by."""
    names: set[str] = set()
    for shape in found.values():
        if "Requirements" in shape.ad:
            names.update(_references(shape.ad, shape.ad.lookup("Requirements")))
    return tuple(sorted(names - USUAL - RESTLESS))


USUAL = frozenset({"arch", "opsys", "opsysandver", "cpus", "memory", "disk", "gpus", "condorversion", "slottype",
                   "filesystemdomain", "uiddomain", "state", "activity", "start", "totalslotcpus", "totalslotgpus",
                   "totalslotmemory", "totalslotdisk", "name", "machine", "target", "my", "slotid"})  # fmt: skip
"""They tell kinds apart anyway, or name a single machine."""
RESTLESS = frozenset({"loadavg", "condorloadavg", "totalloadavg", "totalcondorloadavg", "keyboardidle", "consoleidle",
                      "mips", "kflops", "virtualmemory", "totalvirtualmemory", "clockmin", "clockday", "mycurrenttime",
                      "currenttime", "lastheardfrom", "enteredcurrentstate", "enteredcurrentactivity", "cpubusytime",
                      "cpuisbusy", "cpubusy", "jobstarts", "monitorselfage"})  # fmt: skip
"""They change while a machine runs: by them each machine would be a new kind at each tick."""


def _references(ad: Any, expression: Any) -> Iterable[str]:
    """Names that an expression looks up in the other ad (lower case, without TARGET.)."""
    if not isinstance(expression, classad2.ExprTree):
        return
    for name in ad.externalRefs(expression):
        plain = name.lower().removeprefix("target.").partition(".")[0]
        if plain and plain.isidentifier() and plain != "my":
            yield plain
