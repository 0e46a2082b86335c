"""A whole site on the one-machine OpenStack: pool, daemon with the world `openstack`, a user with jobs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from elastic.adapters.openstack.clusters import SdkClusters
from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.servers import GROUP, listed
from elastic.adapters.openstack.stack import Stacks
from elastic.local.daemon import Tree, merged
from elastic.local.folder import Status
from tests.lab.site import Site
from tests.lab.site import group as local_group
from tests.lab.support import wait
from tests.openstack.rig import OPTIONS, lab_folder

FLAVOR = {"flavor": "worker-1", "config.UPDATE_INTERVAL": "5"}


@dataclass(frozen=True, slots=True)
class SeenServer:
    """One server as the tests' sightings want it."""

    id: str
    name: str
    metadata: Mapping[str, str]
    status: Status
    created_at: float


class PoolServers:
    """Every server that Nova lists for one pool, whatever the daemon thinks."""

    def __init__(self, services: Services, pool: str) -> None:
        self._services, self._pool = services, pool

    def servers(self) -> Sequence[SeenServer]:
        found = (s for s in listed(self._services, self._pool) if s.get("OS-EXT-STS:task_state") != "deleting")
        return [_seen(one) for one in found]


def _seen(found: Json) -> SeenServer:
    status = Status.ACTIVE if found["status"] == "ACTIVE" else Status.BUILD
    made_at = datetime.fromisoformat(found["created"]).timestamp()
    return SeenServer(found["id"], found["name"], {"group": found["metadata"][GROUP]}, status, made_at)


def group(backend: str = "nova", **changes: object) -> Tree:
    """The settings of a worker group of one-core workers on this backend."""
    options = {**OPTIONS, **FLAVOR, **({"backend": backend} if backend != "nova" else {})}
    shape = {"cpus": 1, "memory_mb": 1024, "disk_mb": 1024}
    return local_group(**merged({"options": options, "shape": shape, "launch_seconds": 60.0}, changes))


class OpenStackSite(Site):
    """A site whose servers Nova makes; Heat and Senlin groups are removed with it."""

    def __init__(self, root: Path, prefix: Path, *, groups: Sequence[Tree], settings: Tree | None = None) -> None:
        self.pool_name = f"site-{int.from_bytes(os.urandom(4), 'big'):x}"
        super().__init__(root, prefix, groups=groups, settings=settings)
        self.services = Services("lab", clouds_file=lab_folder() / "clouds.yaml")
        self.servers: Any = PoolServers(self.services, self.pool_name)
        self._groups = [str(one["name"]) for one in groups]
        cloud = {
            "cloud": "lab",
            "clouds_file": str(lab_folder() / "clouds.yaml"),
            "trust_domain": "elastic.local",
            "pool_key": str(self.pool.folder.key_file),
        }
        tree = {"pool": self.pool_name, "cloud": {"kind": "openstack"}, "htcondor": {"ad_lifetime_seconds": 60.0}}
        self._settings = merged({"groups": list(groups), **tree}, settings or {})
        self._cloud_options = cloud

    def _tree(self, base: Tree) -> Tree:
        """Nothing of the local cloud's options is left."""
        tree = dict(merged(base, self._settings))
        tree["cloud"] = {"kind": "openstack", "options": self._cloud_options}
        return tree

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.clean()
        self.services.close()

    def clean(self) -> None:
        """Remove stacks, clusters and servers of this pool."""
        stacks, clusters = Stacks(self.services), SdkClusters(self.services)
        for name in (f"elastic-{self.pool_name}-{group}" for group in self._groups):
            if (stack := stacks.read(name)) is not None:
                stacks.remove(stack)
            if (cluster := clusters.read(name)) is not None:
                clusters.delete(cluster)
        for found in listed(self.services, self.pool_name):
            self.services.call("compute", "DELETE", f"/servers/{found['id']}")
        wait(lambda: not self.servers.servers(), 120, "no server is left")
