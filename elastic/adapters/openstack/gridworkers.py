"""What a grid's daemon made beside the grid's own stack: servers, stacks and clusters of its pool."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.gridstack import PREFIX, TAG
from elastic.adapters.openstack.servers import LIST, OLDEST_FIRST, POOL
from elastic.ports import Conflict, Malformed, NotFound

GRID, PART, MASTER = "elastic_grid", "elastic_part", "master"
"""In the metadata of every server of a grid's stack: the stack's name, and which part it is."""


@dataclass(frozen=True, slots=True)
class GridServer:
    """A server that belongs to a grid; `pool`: by its pool's name, so that a daemon made it."""

    id: str
    name: str
    master: bool
    pool: bool


class GridWorkers:
    """Finds what carries a grid's name, as its stack or as its daemon's pool. Only an operator's word removes it."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def servers(self, grid: str) -> Sequence[GridServer]:
        """Every server of the grid, by name: the master, workers that Heat made, and those of the pool of this name."""
        found = self._services.pages("compute", LIST, "servers", **OLDEST_FIRST)
        ours = (one for one in found if _belongs(one["metadata"], grid))
        return sorted(map(_server, ours), key=lambda one: (one.name, one.id))

    def workers(self, grid: str) -> Sequence[GridServer]:
        """The servers but the master."""
        return [one for one in self.servers(grid) if not one.master]

    def stop(self, server: GridServer) -> None:
        """Ask a server to stop, so that no daemon on it orders more; one that has stopped, or is gone, may be asked."""
        with suppress(Conflict, NotFound):
            self._act(server, "os-stop")

    def start(self, server: GridServer) -> None:
        """Take that back."""
        with suppress(Conflict, NotFound):
            self._act(server, "os-start")

    def remove(self, grid: str, *, all_of_them: bool = False) -> int:
        """Ask for the removal of what the pool's daemon made, or of all workers; return how much is left. Repeatable.

        Servers of a stack or a cluster go with it: alone they would be made anew.
        """
        stacks, clusters = self._groups(grid), self._clusters(grid)
        for path, leaving in stacks:
            if not leaving:
                self._delete("orchestration", path)
        for cluster, leaving in clusters:
            if not leaving:
                self._delete("clustering", f"/clusters/{cluster}")
        alone = () if stacks or clusters else [one for one in self.workers(grid) if one.pool or all_of_them]
        for server in alone:
            self._delete("compute", f"/servers/{server.id}")
        return len(stacks) + len(clusters) + len(alone)

    def _groups(self, grid: str) -> Sequence[tuple[str, bool]]:
        """Stacks that the daemon made for worker groups, by what their parameters say, and whether they are leaving."""
        listed = self._services.call("orchestration", "GET", "/stacks")["stacks"]
        named = (one for one in listed if one["stack_name"].startswith(f"elastic-{grid}-"))
        paths = (f"/stacks/{one['stack_name']}/{one['id']}" for one in named if TAG not in (one.get("tags") or ()))
        return [(path, status == "DELETE_IN_PROGRESS") for path in sorted(paths) if (status := self._held(path, grid))]

    def _clusters(self, grid: str) -> Sequence[tuple[str, bool]]:
        """Clusters that the daemon made, and whether they are leaving; none where there is no Senlin."""
        try:
            listed = list(self._services.pages("clustering", "/clusters", "clusters"))
        except (Malformed, NotFound):
            return ()
        named = [one for one in listed if one["name"].startswith(f"elastic-{grid}-")]
        ours = (one for one in named if self._profile_pool(one["profile_id"]) == grid)
        return sorted((one["id"], one["status"] == "DELETING") for one in ours)

    def _held(self, path: str, pool: str) -> str:
        """The status of a stack whose servers carry this pool's name; empty for any other, and for one that is gone."""
        try:
            found = self._services.call("orchestration", "GET", path)["stack"]
            said = json.loads(found["parameters"].get("metadata", "{}"))
        except (NotFound, ValueError):
            return ""
        ours = isinstance(said, dict) and said.get(POOL) == pool and found["stack_status"] != "DELETE_COMPLETE"
        return str(found["stack_status"]) if ours else ""

    def _profile_pool(self, profile: str) -> str:
        with suppress(NotFound):
            spec = self._services.call("clustering", "GET", f"/profiles/{profile}")["profile"]["spec"]
            return str((spec["properties"].get("metadata") or {}).get(POOL, ""))
        return ""

    def _delete(self, service: str, path: str) -> None:
        """Ask once; what is gone is well, and what is busy is asked again in the next round."""
        with suppress(NotFound, Conflict):
            self._services.call(service, "DELETE", path)

    def _act(self, server: GridServer, action: str) -> None:
        self._services.call("compute", "POST", f"/servers/{server.id}/action", {action: None})


def _belongs(metadata: Json, grid: str) -> bool:
    return metadata.get(GRID) == f"{PREFIX}{grid}" or metadata.get(POOL) == grid


def _server(found: Json) -> GridServer:
    metadata = found["metadata"]
    return GridServer(found["id"], found["name"], metadata.get(PART) == MASTER, POOL in metadata)
