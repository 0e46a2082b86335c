"""What carries the pool's tag and belongs to nothing that the ledger knows, and why each of it must be kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from elastic.core.memory import Memory
from elastic.core.observation import JobsOnWorkers, Machine

SAFE_SECONDS = 3600.0
"""Younger ones may still belong to something: longer than any launch, boot or lost answer takes."""
LEAST_SECONDS = 600.0
"""Nobody may ask for less."""


class Kind(StrEnum):
    """What of a cloud may be left over."""

    SERVER = "server"
    VOLUME = "volume"
    PORT = "port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """Something that carries the pool's tag, or a volume or port of a server (`of_server`, its id).

    `worker`, `group` and `ledger` are what its tag says; `made_at` in seconds since the epoch, None where the cloud
    does not say; `state` in the cloud's own words.
    """

    kind: Kind
    id: str
    name: str = ""
    group: str = ""
    worker: str | None = None
    ledger: str | None = None
    of_server: str | None = None
    made_at: float | None = None
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Something that belongs to nothing here; `keep` says why it must not be removed, empty when it may be."""

    thing: Belonging
    age_seconds: float | None
    keep: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What HTCondor says: the machines in the collector (None: it does not answer), and the jobs on some.

    `names` has for each server that is looked at the machines that it may be.
    """

    machines: Sequence[Machine] | None
    jobs: JobsOnWorkers | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphansFound:
    """What belongs to nothing; `untold` says what could not be listed."""

    orphans: tuple[Orphan, ...]
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What became of the removal of one thing; `text` says why it stays."""

    id: str
    done: bool
    text: str
    thing: Belonging | None = None


def candidates(things: Collection[Belonging], memory: Memory, gone: Collection[str]) -> tuple[Belonging, ...]:
    """Those that belong to nothing, servers first; `gone` are the ids of servers whose workers have been forgotten."""
    ours = {memory.ledger, *memory.accepted_ledgers}
    known = {record.server_id for record in memory.workers.values() if record.server_id is not None}
    there = {thing.id for thing in things if thing.kind is Kind.SERVER}
    return tuple(
        sorted(
            (
                thing
                for thing in things
                if (
                    _belongs_nowhere(thing, memory, known)
                    if thing.kind is Kind.SERVER
                    # What hangs on a server that exists is that server's matter.
                    else thing.of_server not in there | known and (thing.of_server in gone or thing.ledger in ours)
                )
            ),
            key=lambda thing: (list(Kind).index(thing.kind), thing.name, thing.id),
        )
    )


def judged(
    found: Collection[Belonging], memory: Memory, life: Life, now: float, safe_seconds: float
) -> tuple[Orphan, ...]:
    """Each with its age, and the first reason that there is to keep it."""
    ours = {memory.ledger, *memory.accepted_ledgers}
    safe = max(LEAST_SECONDS, safe_seconds)
    alive = _alive(life)
    return tuple(
        Orphan(
            thing=thing,
            age_seconds=None if thing.made_at is None else now - thing.made_at,
            keep=next(_reasons(thing, ours, alive, life, now - safe), ""),
        )
        for thing in found
    )


def machines_of(
    found: Collection[Belonging], machines: Sequence[Machine], gone: Mapping[str, str]
) -> Mapping[str, tuple[str, ...]]:
    """By server id the names by which jobs may know it: of its machine now or once (`gone`), its worker's, its own."""
    names: dict[str, tuple[str, ...]] = {}
    for thing in found:
        if thing.kind is Kind.SERVER:
            seen = [m.name for m in machines if m.server_id == thing.id or (m.worker and m.worker == thing.worker)]
            all_names = (*seen, gone.get(thing.id, ""), thing.worker or "", thing.name)
            names[thing.id] = tuple(dict.fromkeys(name for name in all_names if name))
    return names


def _belongs_nowhere(thing: Belonging, memory: Memory, known: Collection[str]) -> bool:
    if thing.id in known:
        return False
    # A request whose answer was lost: the server carries the intent's name, a member of a group carries none.
    open_intents = [record for record in memory.workers.values() if record.server_id is None]
    if thing.worker is not None:
        return all(record.name != thing.worker for record in open_intents)
    return all(record.group != thing.group for record in open_intents)


def _alive(life: Life) -> Mapping[str, Machine]:
    """Machines by server id and by worker name."""
    found: dict[str, Machine] = {}
    for machine in life.machines or ():
        for key in (machine.server_id, machine.worker):
            if key:
                found[key] = machine
    return found


def _reasons(
    thing: Belonging, ours: Collection[str], alive: Mapping[str, Machine], life: Life, made_before: float
) -> Iterator[str]:
    if thing.ledger is not None and thing.ledger not in ours:
        yield f"ledger {thing.ledger} asked for it: remove it there, or `elastic adopt --from {thing.ledger}`"
    if thing.ledger is None and thing.of_server is None:
        yield "no ledger is named on it: whoever made it must remove it"
    if thing.made_at is None:
        yield "its age is not known"
    elif thing.made_at > made_before:
        yield "it is too young: it may still belong to something"
    if thing.kind is Kind.SERVER:
        yield from _signs_of_life(thing, alive, life)


def _signs_of_life(thing: Belonging, alive: Mapping[str, Machine], life: Life) -> Iterator[str]:
    """Why jobs may be on this server: nobody has drained it."""
    if life.machines is None:
        yield "the collector does not answer: jobs may run on it"
    machine = alive.get(thing.id) or alive.get(thing.worker or "")
    if machine is not None:
        yield f"its startd is in the pool with {machine.jobs} jobs: switch it off first (condor_off -peaceful)"
    if life.jobs is None or not life.jobs.complete:
        yield "not every schedd has answered: jobs may run on it"
        return
    if jobs := [job for name in life.names.get(thing.id, ()) for job in life.jobs.jobs.get(name, ())]:
        yield f"jobs name it: {', '.join(jobs[:5])}"
