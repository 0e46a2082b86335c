"""All workers as they are now, and the servers and machines that are none of ours."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from elastic.core.memory import Memory, WorkerRecord
from elastic.core.model import GroupSpec, Worker
from elastic.core.observation import Machine, Observations, Server, ServerStatus
from elastic.core.questions import index_machines, machine_of
from elastic.core.sighting import Sighting, timers

_NAME = attrgetter("name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Every remembered worker with its machine; `records` are those that differ from what the ledger holds.

    `strangers` carry another ledger's identity, `orphans` ours without a record, `ungrouped` are workers whose group is
    no longer configured: all are named and never touched.
    """

    workers: tuple[Worker, ...]
    machines: Mapping[str, Machine]
    others: tuple[Machine, ...]
    records: Mapping[str, WorkerRecord]
    strangers: tuple[Server, ...] = ()
    orphans: tuple[Server, ...] = ()
    ungrouped: tuple[str, ...] = ()


def join(memory: Memory, seen: Observations, specs: Mapping[str, GroupSpec], now: float) -> Fleet:
    """One Worker for each record of a configured group, sorted by name, with everything seen of it applied."""
    servers = seen.servers.value.servers if seen.servers.value else ()
    machines = seen.machines.value.machines if seen.machines.value else ()
    ledgers = frozenset({memory.ledger, *memory.accepted_ledgers})
    sighting = _sighting(memory, seen, servers, ledgers, now)
    clocks = {name: timers(spec, _joins(memory, name)) for name, spec in specs.items()}
    ads = index_machines(machines)
    workers: list[Worker] = []
    joined: dict[str, Machine] = {}
    records: dict[str, WorkerRecord] = {}
    ungrouped: set[str] = set()
    # In the order in which they lie in memory, and sorted afterwards: ten thousand records do not fit into its cache.
    for name, record in memory.workers.items():
        clock = clocks.get(record.group)
        if clock is None:
            ungrouped.add(name)
            continue
        machine = ads.get(record.server_id or "") or machine_of(record, ads)
        if machine is not None:
            joined[name] = machine
        worker = sighting.worker(record, machine, clock)
        workers.append(worker)
        if worker.record is not record:
            records[name] = worker.record
    workers.sort(key=_NAME)
    known = {record.server_id for record in memory.workers.values()}
    known.update(record.server_id for record in records.values())
    unknown = sighting.by_id.keys() - known
    return Fleet(
        workers=tuple(workers),
        machines=joined,
        others=_others(machines, joined, ungrouped),
        records=records,
        strangers=tuple(s for s in servers if s.ledger is not None and s.ledger not in ledgers),
        orphans=tuple(s for s in servers if s.id in unknown and s.ledger in ledgers) if unknown else (),
        ungrouped=tuple(sorted(ungrouped)),
    )


def _others(
    machines: Sequence[Machine], joined: Mapping[str, Machine], ungrouped: Collection[str]
) -> tuple[Machine, ...]:
    """The machines that are not ours."""
    mine = {machine.name for machine in joined.values()}
    if len(mine) == len(machines):
        return ()
    # An ad with a worker's name that no worker has now is a ghost of one that is gone: no supply.
    return tuple(m for m in machines if m.name not in mine and (not m.worker or m.worker in ungrouped))


def _sighting(
    memory: Memory, seen: Observations, servers: Iterable[Server], ledgers: frozenset[str], now: float
) -> Sighting:
    return Sighting(
        ledger=memory.ledger,
        answers=seen.answers,
        by_id={server.id: server for server in servers},
        by_worker=_intended(memory, servers, ledgers),
        machines_fresh=not seen.machines.error and seen.machines.value is not None,
        servers_fresh=not seen.servers.error and seen.servers.value is not None,
        blind_until=memory.blind_until,
        now=now,
    )


def _intended(memory: Memory, servers: Iterable[Server], ledgers: frozenset[str]) -> Mapping[str, Server]:
    """For intents without a server: the one of our ledgers that carries the intent's name; of several, the first.

    Members of a group that the cloud makes all alike carry no name. Those of ours that nobody has yet go to the open
    intents of their group, in the order in which these were asked for: any member answers any of them.
    """
    intents = [record for record in memory.workers.values() if record.server_id is None]
    if not intents:
        return {}
    ours = sorted((s for s in servers if s.ledger in ledgers), key=lambda s: s.id, reverse=True)
    names = {record.name for record in intents}
    found = {s.worker: s for s in ours if s.worker is not None and s.worker in names}
    owned = {record.server_id for record in memory.workers.values()}
    alike = [s for s in ours if s.worker is None and s.id not in owned and s.status is not ServerStatus.DELETING]
    for record in sorted(intents, key=lambda r: (r.requested_at, number_of(r.name), r.name)):
        member = next((s for s in reversed(alike) if s.group == record.group), None)
        if record.name not in found and member is not None:
            alike.remove(member)
            found[record.name] = member
    return found


def number_of(worker: str) -> int:
    """The number at the end of a worker's name, which grows with each launch; 0 where there is none."""
    last = worker.rpartition("-")[2]
    return int(last) if last.isdecimal() else 0


def _joins(memory: Memory, group: str) -> tuple[float, ...]:
    known = memory.groups.get(group)
    return known.join_seconds if known else ()
