"""A whole site on the one-machine OpenStack: pool, daemon with the world `openstack`, a user with jobs."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
from elastic.local.loopback import free_port
from elastic.ports import Conflict, NotFound, PortError
from tests.lab.site import Site
from tests.lab.site import group as local_group
from tests.lab.support import wait
from tests.openstack.rig import OPTIONS, lab_folder

ANSWER_SECONDS = 120.0
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
        """All of them, once Nova answers: tests restart it."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                found = list(listed(self._services, self._pool))
            except PortError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return [_seen(one) for one in found if one.get("OS-EXT-STS:task_state") != "deleting"]


def _seen(found: Json) -> SeenServer:
    status = Status.ACTIVE if found["status"] == "ACTIVE" else Status.BUILD
    made_at = datetime.fromisoformat(found["created"]).timestamp()
    return SeenServer(found["id"], found["name"], {"group": found["metadata"][GROUP]}, status, made_at)


def group(backend: str = "nova", **changes: object) -> Tree:
    """The settings of a worker group of one-core workers on this backend."""
    alike = {"backend": backend, "enrolment": "own"} if backend != "nova" else {}
    options = {**OPTIONS, **FLAVOR, **alike}
    shape = {"cpus": 1, "memory_mb": 1024, "disk_mb": 1024}
    return local_group(**merged({"options": options, "shape": shape, "launch_seconds": 60.0}, changes))


class OpenStackSite(Site):
    """A site whose servers Nova makes; Heat and Senlin groups are removed with it.

    `clouds` is the clouds.yaml of its project, the lab's own unless another is named; `cloud` are further options of
    the daemon's [cloud.options], such as another way to that project; None takes one away.
    """

    def __init__(
        self,
        root: Path,
        prefix: Path,
        *,
        groups: Sequence[Tree],
        settings: Tree | None = None,
        clouds: Path | None = None,
        cloud: Tree | None = None,
        pool_config: Mapping[str, str] | None = None,
    ) -> None:
        self.pool_name = f"site-{int.from_bytes(os.urandom(4), 'big'):x}"
        super().__init__(root, prefix, groups=groups, settings=settings, pool_config=pool_config)
        clouds = clouds or lab_folder() / "clouds.yaml"
        self.services = Services("lab", clouds_file=clouds)
        self.servers: Any = PoolServers(self.services, self.pool_name)
        self.group_names = [str(one["name"]) for one in groups]
        self.enrol_url = f"http://127.0.0.1:{free_port()}"
        options = {
            "cloud": "lab",
            "clouds_file": str(clouds),
            "trust_domain": "elastic.local",
            "pool_key": str(self.pool.folder.key_file),
            "signing_keys": str(self.pool.folder.key_file.parent),
            "enrol_url": self.enrol_url,
        }
        tree = {
            "pool": self.pool_name,
            "cloud": {"kind": "openstack"},
            "htcondor": {"ad_lifetime_seconds": 60.0},
            "api": {"enrol_host": "127.0.0.1", "enrol_port": int(self.enrol_url.rpartition(":")[2])},
        }
        self._settings = merged({"groups": list(groups), **tree}, settings or {})
        self._cloud_options = {name: value for name, value in merged(options, cloud or {}).items() if value is not None}

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
        remove_groups(self.services, self.pool_name, self.group_names)


def remove_groups(services: Services, pool: str, groups: Sequence[str]) -> None:
    """Remove stacks, clusters and servers of these groups."""
    names = [f"elastic-{pool}-{group}" for group in groups]
    wait(lambda: _no_group_left(services, names), 120, "no stack and no cluster is left")
    for found in listed(services, pool):
        with suppress(NotFound):
            services.call("compute", "DELETE", f"/servers/{found['id']}")
    wait(lambda: not list(listed(services, pool)), 120, "no server is left")


def _no_group_left(services: Services, names: Sequence[str]) -> bool:
    """Ask for the deletion of what is left; a cluster at work refuses, and is asked again."""
    stacks, clusters = Stacks(services), SdkClusters(services)
    left = False
    for name in names:
        if (stack := stacks.read(name)) is not None:
            left = True
            if not stack.status.startswith("DELETE_IN"):
                with suppress(NotFound):
                    stacks.remove(stack)
        if (cluster := clusters.read(name)) is not None:
            left = True
            with suppress(Conflict, NotFound):
                clusters.delete(cluster)
    if left:
        time.sleep(1)
    return not left
