"""What was ever true of a pool's servers, whatever anybody saw of it: Nova's own records, and the ledger's."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.servers import GROUP, POOL, WORKER
from tests.openstack.rig import lab_folder


def ever(pool: str) -> Sequence[Json]:
    """Every server that Nova ever made for this pool, those that are deleted too."""
    services = Services("lab-admin", clouds_file=lab_folder() / "clouds.yaml")
    try:
        query = {"all_tenants": "true"}
        now = list(services.pages("compute", "/servers/detail", "servers", **query))
        gone = list(services.pages("compute", "/servers/detail", "servers", **query, deleted="true"))
    finally:
        services.close()
    return [one for one in {one["id"]: one for one in gone + now}.values() if one["metadata"].get(POOL) == pool]


def known(ledger: Path) -> Mapping[str, str]:
    """The server of each worker that this ledger has ever had, by the worker's name; those without one are absent."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        rows = [json.loads(text) for (text,) in database.execute("SELECT record FROM workers").fetchall()]
    return {row["name"]: row["server_id"] for row in rows if row.get("server_id")}


def astray(pool: str, ledger: Path) -> Sequence[str]:
    """What must never be: servers that the ledger never knew, two workers with one server, two servers for one."""
    servers, workers = ever(pool), known(ledger)
    told = [
        f"orphan {one['id']} of {one['metadata'].get(GROUP)}" for one in servers if one["id"] not in workers.values()
    ]
    shared = [id_ for id_, count in Counter(workers.values()).items() if count > 1]
    names = Counter(one["metadata"][WORKER] for one in servers if WORKER in one["metadata"])
    told += [f"{id_} has several workers" for id_ in shared]
    return [*told, *(f"{name} has {count} servers" for name, count in names.items() if count > 1)]
