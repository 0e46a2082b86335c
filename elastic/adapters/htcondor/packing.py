"""Whether the negotiator fills workers one after the other, so that some get empty, or spreads jobs over all."""

from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor.bindings import COLLECTOR, translated
from elastic.ports import NotFound

RANKS = ("NEGOTIATOR_PRE_JOB_RANK", "NEGOTIATOR_POST_JOB_RANK")
"""In this order, a job's own rank between them: the first that tells two machines apart decides."""
CORES, MEMORY_MB = 8, 16384
SLOT = {
    "MyType": "Machine", "SlotType": "Partitionable", "PartitionableSlot": True, "State": "Unclaimed", "Rank": 0.0,
    "TotalSlotCpus": CORES, "TotalCpus": CORES, "TotalSlotMemory": MEMORY_MB, "TotalMemory": MEMORY_MB, "SlotID": 1,
    "KFlops": 1_000_000, "Disk": 1_000_000, "TotalSlotDisk": 1_000_000,
}  # fmt: skip
JOB = {"MyType": "Job", "RequestCpus": 1, "RequestMemory": 1024, "RequestDisk": 1024}


def spreads() -> str:
    """The rank by which the negotiator prefers an empty worker to one that has jobs; empty when there is none."""
    with translated(COLLECTOR):
        found = htcondor2.Collector().locateAll(htcondor2.DaemonType.Negotiator)
    if not found:
        raise NotFound("no negotiator is in the collector")
    with translated("negotiator"):
        remote = htcondor2.RemoteParam(min(found, key=lambda ad: str(ad["Name"])))
        ranks = {name: str(remote[name]) for name in RANKS if name in remote}
    for name, text in ranks.items():
        used, empty = rank_of(text, CORES // 4), rank_of(text, CORES)
        if used != empty:
            return f"{name} = {text}" if empty > used else ""
    return ""


def rank_of(text: str, free: int) -> float:
    """What the rank says of a worker with so many free cores; 0 where it says nothing."""
    slot: Any = classad2.ClassAd({**SLOT, "Cpus": free, "Memory": MEMORY_MB * free // CORES})
    try:
        value = classad2.ExprTree(text).eval(slot, classad2.ClassAd(JOB))
    except (classad2.ClassAdException, SyntaxError, TypeError):
        return 0.0
    return float(value) if isinstance(value, bool | int | float) else 0.0
