"""What belongs to nothing, found and on request removed: cloud, ledger and HTCondor asked together.

Nothing of a tick may run meanwhile, so that no server is new here and unknown there.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress

from elastic.adapters.ledger import SqlLedger
from elastic.adapters.plain import plainly
from elastic.core.memory import Memory
from elastic.core.observation import JobsOnWorkers
from elastic.core.orphans import (
    Belonging,
    Kind,
    Life,
    Orphan,
    OrphansFound,
    Removed,
    candidates,
    judged,
    machines_of,
)
from elastic.ports import BatchView, Keeps, Listing, PortError, World

MOST_GONE = 100_000
"""Forgotten workers that are looked through, newest first; the ledger keeps them for some months."""


def found(world: World, memory: Memory, gone: Mapping[str, str], safe_seconds: float) -> OrphansFound:
    """Everything that belongs to nothing, and why it is kept; raise PortError where the cloud does not answer.

    `gone` maps the servers of forgotten workers to the machines that they were.
    """
    listing = _listing(world)
    things = candidates(listing.things, memory, gone)
    life = _life(world.batch, things, gone)
    orphans = judged(things, memory, life, world.clock.now(), safe_seconds)
    return OrphansFound(orphans=orphans, untold=listing.untold)


def removed(
    world: World, memory: Memory, gone: Mapping[str, str], ids: Collection[str], safe_seconds: float
) -> tuple[Removed, ...]:
    """What became of each that was asked for: looked at once more, then removed where nothing speaks against it."""
    seen = {orphan.thing.id: orphan for orphan in found(world, memory, gone, safe_seconds).orphans}
    return tuple(_removed(world, one, seen.get(one)) for one in dict.fromkeys(ids))


def gone(ledger: SqlLedger) -> Mapping[str, str]:
    """The servers of workers that the ledger has forgotten, each with the machine that it was."""
    records = (record for record, _ in ledger.history(MOST_GONE))
    return {record.server_id: record.machine for record in records if record.server_id is not None}


def _listing(world: World) -> Listing:
    if isinstance(world, Keeps):
        return world.belongings()
    servers = world.cloud.servers().servers
    things = (
        Belonging(kind=Kind.SERVER, id=s.id, name=s.name, group=s.group, worker=s.worker, ledger=s.ledger,
                  state=s.raw_status or s.status.value)
        for s in servers
    )  # fmt: skip
    return Listing(things=tuple(things))


def _life(batch: BatchView, things: Collection[Belonging], gone: Mapping[str, str]) -> Life:
    """What HTCondor says of the servers among them; it is not asked where there are none."""
    if not any(thing.kind is Kind.SERVER for thing in things):
        return Life(machines=())
    try:
        machines = batch.machines().machines
    except PortError:
        return Life(machines=None)
    names = machines_of(things, machines, gone)
    jobs: JobsOnWorkers | None = None
    with suppress(PortError):
        jobs = batch.jobs_on(sorted({name for mine in names.values() for name in mine}))
    return Life(machines=machines, jobs=jobs, names=names)


def _removed(world: World, wanted: str, orphan: Orphan | None) -> Removed:
    if orphan is None:
        return Removed(id=wanted, done=False, text="it is not there, or it belongs to something")
    if orphan.keep:
        return Removed(id=wanted, done=False, text=orphan.keep, thing=orphan.thing)
    if not isinstance(world, Keeps):
        return Removed(id=wanted, done=False, text="this cloud cannot remove it: do it by hand", thing=orphan.thing)
    try:
        world.remove(orphan.thing)
    except PortError as error:
        return Removed(id=wanted, done=False, text=plainly(error), thing=orphan.thing)
    return Removed(id=wanted, done=True, text="its removal was asked for", thing=orphan.thing)
