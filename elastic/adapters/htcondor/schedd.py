"""What is asked of one schedd: its jobs by shape, and which jobs name a machine; they are summed up elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor import groups, shapes, templates
from elastic.adapters.htcondor.beside import Beside
from elastic.adapters.htcondor.bindings import location, translated
from elastic.adapters.htcondor.groups import ALIVE, VANILLA
from elastic.adapters.htcondor.singles import Singles, singles
from elastic.adapters.htcondor.target import ScheddTarget
from elastic.core.memory import Template
from elastic.core.observation import JobShape, ScheddQueue

UNIVERSES = {1: "standard", 7: "scheduler", 9: "grid", 10: "java", 11: "parallel", 12: "local", 13: "vm"}
NAMES_A_MACHINE = (2, 3, 6, 7)


class _Known:
    """What this process remembers between questions; without it the answers are the same, only slower.

    `names` are the attributes that told its shapes apart when it was last asked, `jobs` how many it held.
    """

    def __init__(self) -> None:
        self.judged = shapes.Judged()
        self.names: tuple[str, ...] = ()
        self.jobs = 0


_known: dict[str, _Known] = {}


def queue(
    asked: ScheddTarget, wanted: Mapping[str, Template], plain: Mapping[str, str]
) -> tuple[ScheddQueue, tuple[str, ...]]:
    """Everything in one schedd's queue, and which machine attributes its jobs look at."""
    known = _known.setdefault(asked.name, _Known())
    ads = {kind: templates.ad_of(template, plain) for kind, template in wanted.items()}
    watched = _watched_jobs(machine for _, machine in ads.values())
    found, more = _ask(asked, known, watched)
    known.judged.keep(found)
    seen = shapes.finish(asked.name, found, ads, known.judged, more.waits, asked.stamps)
    return _queue(asked.name, more.counts, seen), _watched_machines(found)


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


def _ask(
    asked: ScheddTarget, known: _Known, watched: frozenset[str]
) -> tuple[dict[shapes.Key, shapes.Gathered], Singles]:
    """The queue's shapes, and what single jobs tell, asked at once: the schedd answers each in a process of its own.

    What single jobs are asked depends on what tells shapes apart; where that is new, they are asked again.
    """
    daemon = htcondor2.Schedd(location(asked.address, "Scheduler"))
    expected = {name.lower(): name for name in (*shapes.ATTRIBUTES, *sorted(watched), *known.names)}
    beside = Beside(lambda: singles(daemon, asked.name, tuple(expected.values()), watched))
    try:
        seen = groups.read(daemon, asked.name, watched, long=known.jobs >= groups.LONG)
        more = beside.answer()
    finally:
        beside.end()
    known.names, known.jobs = tuple(sorted(seen.names)), seen.jobs
    if not {name.lower() for name in seen.names} <= expected.keys():
        more = singles(daemon, asked.name, (*expected.values(), *known.names), watched)
    more.add_to(seen.found, watched)
    return seen.found, more


def _queue(name: str, counts: Sequence[tuple[int, int, int]], seen: tuple[JobShape, ...]) -> ScheddQueue:
    held = 0
    others: dict[str, int] = {}
    for universe, status, jobs in counts:
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
