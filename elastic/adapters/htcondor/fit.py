"""Whether a job would start on a machine, what it would take there, and if not, why; asked in the ClassAd language."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import classad2

from elastic.adapters.htcondor.values import is_number
from elastic.core.resources import Resources

MEMORY_STEP_MB = 128
"""MODIFY_REQUEST_EXPR_REQUESTMEMORY, as HTCondor ships it: a dynamic slot's memory is a multiple of this."""
RESOURCES = (("RequestCpus", "Cpus"), ("RequestMemory", "Memory"), ("RequestDisk", "Disk"), ("RequestGPUs", "GPUs"))
LONGEST_REASON = 160


def judge(job: Any, machine: Any) -> Resources | str:
    """What one such job takes of that machine, or why it would never start there."""
    if "FileSystemDomain" not in machine and "FileSystemDomain" in job:
        # Nobody has joined yet, so it is not known whether files are shared; the first worker will show.
        machine["FileSystemDomain"] = job["FileSystemDomain"]
        machine["UidDomain"] = job["FileSystemDomain"]
        try:
            return judge(job, machine)
        finally:
            del machine["FileSystemDomain"], machine["UidDomain"]
    wants = {request: wanted(job, request, machine) for request, _ in RESOURCES}
    if job.symmetricMatch(machine):
        return _takes(wants, machine)
    return _reason(job, machine, wants)


def wanted(job: Any, request: str, machine: Any = None) -> float:
    """One request of the job as a number, evaluated against a machine where it is an expression; absent is 0."""
    if request not in job:
        return 1.0 if request == "RequestCpus" else 0.0
    value = job.lookup(request).eval(job, machine) if machine is not None else job.eval(request)
    return float(value) if is_number(value) else 0.0


def request_of(job: Any) -> Resources:
    """What the job asks for, by itself."""
    return Resources(
        cpus=math.ceil(wanted(job, "RequestCpus")),
        memory_mb=math.ceil(wanted(job, "RequestMemory")),
        disk_mb=math.ceil(wanted(job, "RequestDisk") / 1024),
        gpus=math.ceil(wanted(job, "RequestGPUs")),
    )


def conjuncts(text: str) -> Iterator[str]:
    """The parts of an expression between its outermost &&; quotes and brackets are respected."""
    depth, quote, start, place = 0, "", 0, 0
    while place < len(text):
        sign = text[place]
        if quote:
            if sign == "\\":
                place += 1
            elif sign == quote:
                quote = ""
        elif sign in "\"'":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif depth == 0 and text.startswith("||", place):
            yield text
            return
        elif depth == 0 and text.startswith("&&", place):
            yield text[start:place].strip()
            start = place + 2
            place += 1
        place += 1
    yield text[start:].strip()


def _takes(wants: Mapping[str, float], machine: Any) -> Resources:
    memory = math.ceil(wants["RequestMemory"])
    rounded = -(-memory // MEMORY_STEP_MB) * MEMORY_STEP_MB
    has = machine.get("Memory")
    if not is_number(has) or rounded > has:
        rounded = memory
    if machine.get("SlotType") == "Static":
        # A static slot is taken whole.
        has = {name: _amount(machine, name) for _, name in RESOURCES}
        return Resources(has["Cpus"], has["Memory"], has["Disk"] // 1024, has["GPUs"])
    return Resources(
        cpus=math.ceil(wants["RequestCpus"]),
        memory_mb=rounded,
        disk_mb=math.ceil(wants["RequestDisk"] / 1024),
        gpus=math.ceil(wants["RequestGPUs"]),
    )


def _amount(machine: Any, name: str) -> int:
    value = machine.get(name)
    return int(value) if is_number(value) else 0


def _reason(job: Any, machine: Any, wants: Mapping[str, float]) -> str:
    for request, name in RESOURCES:
        has = machine.get(name)
        if is_number(has) and wants[request] > has:
            return f"{request} {wants[request]:.0f} > {name} {has:.0f}"
    if not machine.matches(job):
        return _failing("Requirements", job, machine)
    return _failing("START", machine, job, "Requirements")


def _failing(label: str, asks: Any, asked: Any, attribute: str = "Requirements") -> str:
    """Name the first part of a requirement that is not true."""
    if attribute not in asks:
        return f"{label} are not set"
    for part in conjuncts(str(asks.lookup(attribute))):
        try:
            value = classad2.ExprTree(part).eval(asks, asked)
        except classad2.ClassAdException:
            continue
        if isinstance(value, classad2.Value) or not value:
            shown = part if len(part) <= LONGEST_REASON else f"{part[:LONGEST_REASON]}..."
            return f"{label}: {shown}"
    return label
