"""Servers as Nova lists them: whose they are by their metadata, and what their states mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elastic.adapters.openstack.connection import Json, Services
from elastic.core.observation import Server, ServerStatus

POOL, GROUP, LEDGER, WORKER = "elastic_pool", "elastic_group", "elastic_ledger", "elastic_worker"
METERED = "metering.server_group"
"""Ceilometer hands metadata of this prefix on to Gnocchi: there it is the resource's attribute `server_group`."""

STATUSES: Mapping[str, ServerStatus] = {
    "BUILD": ServerStatus.BUILDING,
    "REBUILD": ServerStatus.OTHER,
    "ACTIVE": ServerStatus.ACTIVE,
    "SHUTOFF": ServerStatus.STOPPED,
    "ERROR": ServerStatus.ERROR,
    "DELETED": ServerStatus.DELETING,
    "SOFT_DELETED": ServerStatus.DELETING,
}
DELETING_TASKS = frozenset({"deleting", "soft-deleting"})
LIST = "/servers/detail"
OLDEST_FIRST = {"sort_key": "created_at", "sort_dir": "asc"}
"""A server that leaves the building phase gets a later date. In Nova's own order, newest first, it would pass to a page
that was read already, and be missing; in this one it may be read twice, which is noticed."""


@dataclass(frozen=True, slots=True)
class Tag:
    """How servers of ours are told from all others: the pool's name and the ledger's identity."""

    pool: str
    ledger: str

    def metadata(self, group: str, worker: str | None = None) -> dict[str, str]:
        """What a server of this group carries; of a group whose members are made alike, no worker's name."""
        own = {} if worker is None else {WORKER: worker}
        return {POOL: self.pool, LEDGER: self.ledger, GROUP: group, METERED: metered(self.pool, group), **own}


def metered(pool: str, group: str) -> str:
    """What Gnocchi finds a group's servers by."""
    return f"{pool}.{group}"


def listed(services: Services, pool: str) -> Iterable[Json]:
    """Every server of the project that carries the pool's name, whichever backend made it, in one list."""
    for found in services.pages("compute", LIST, "servers", **OLDEST_FIRST):
        if found["metadata"].get(POOL) == pool:
            yield found


def grouped(found: Iterable[Json]) -> Mapping[str, frozenset[str]]:
    """The ids of these servers by their group."""
    ids: dict[str, set[str]] = {}
    for one in found:
        ids.setdefault(one["metadata"].get(GROUP, ""), set()).add(one["id"])
    return {group: frozenset(mine) for group, mine in ids.items()}


def server(found: Json) -> Server:
    """One of Nova's servers, in the core's words."""
    metadata = found.get("metadata", {})
    raw = str(found["status"])
    status = STATUSES.get(raw, ServerStatus.OTHER)
    if found.get("OS-EXT-STS:task_state") in DELETING_TASKS:
        status = ServerStatus.DELETING
    return Server(
        id=found["id"],
        name=found["name"],
        group=metadata.get(GROUP, ""),
        status=status,
        worker=metadata.get(WORKER),
        ledger=metadata.get(LEDGER),
        raw_status=raw,
        fault=fault(found),
    )


def leaving(found: Server) -> bool:
    """Whether it is being deleted: its name is free for another one."""
    return found.status is ServerStatus.DELETING


def fault(found: Json) -> str:
    """Nova's explanation of an error, empty where it gives none."""
    said = found.get("fault") or {}
    return f"{said.get('code', '')} {said.get('message', '')}".strip()
