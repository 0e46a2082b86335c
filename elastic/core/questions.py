"""What must be asked about single workers before anything may be concluded about them: the observer's second round."""

from collections.abc import Iterable, Mapping

from elastic.core.drains import is_ours
from elastic.core.memory import Memory, WorkerRecord
from elastic.core.observation import Machine, Machines, Questions, Servers, SourceReading

MOST_INSPECTIONS = 200
"""Startds asked in one tick; a whole pool that vanished is a blind collector, and blindness does not need them all."""


def questions(memory: Memory, machines: SourceReading[Machines], servers: SourceReading[Servers]) -> Questions:
    """Servers to look up by id, startds to ask themselves (by worker name), machines to ask the schedds about."""
    listed = {server.id for server in servers.value.servers} if servers.value and not servers.error else None
    ads = index_machines(machines.value.machines if machines.value else ())
    records = [memory.workers[name] for name in sorted(memory.workers)]
    silent = [r for r in records if r.joined_at is not None and machine_of(r, ads) is None]
    unsure = [r for r in records if r.drain is not None or r.fence_asked_at is not None]
    unrecorded = [r for r in records if r.drain is None and _drain_unknown(r, machine_of(r, ads), memory.ledger)]
    doubtful = [r for r in records if r.failed_at is not None or r.delete_asked_at is not None]
    asked = _names(unsure + unrecorded) + _names([r for r in silent + doubtful if r.address])
    return Questions(
        lookups=() if listed is None else _missing(records, listed),
        inspections=tuple(dict.fromkeys(asked))[:MOST_INSPECTIONS],
        machines=tuple(sorted({r.machine or r.name for r in silent + doubtful})),
    )


def index_machines(machines: Iterable[Machine]) -> Mapping[str, Machine]:
    """Machines by every key that joins them to a worker: its server id and its worker name.

    Of two ads with one key (a startd that came back under another name) the claimed one counts, then the newest.
    """
    index: dict[str, Machine] = {}
    for machine in machines:
        for key in (machine.server_id, machine.worker):
            if key and ((known := index.get(key)) is None or _tells_more(machine, known)):
                index[key] = machine
    return index


def _tells_more(machine: Machine, known: Machine) -> bool:
    """A total order, so that the collector's order makes no difference; in doubt the worker is busy."""

    def order(one: Machine) -> tuple[bool, float, str]:
        return (not one.claimed, one.ad_age_seconds, one.name)

    return order(machine) < order(known)


def machine_of(record: WorkerRecord, ads: Mapping[str, Machine]) -> Machine | None:
    """The machine of a worker: by server id, else by worker name.

    A machine that claims another server's id is not ours.
    """
    machine = ads.get(record.server_id) if record.server_id else None
    if machine is not None:
        return machine
    machine = ads.get(record.name)
    if machine is None or (machine.server_id and record.server_id and machine.server_id != record.server_id):
        return None
    return machine


def _missing(records: Iterable[WorkerRecord], listed: set[str]) -> tuple[str, ...]:
    return tuple(r.server_id for r in records if r.server_id is not None and r.server_id not in listed)


def _drain_unknown(record: WorkerRecord, machine: Machine | None, ledger: str) -> bool:
    return machine is not None and machine.drain is not None and is_ours(machine.drain.reason, ledger, record.name)


def _names(records: Iterable[WorkerRecord]) -> list[str]:
    return [record.name for record in records]
