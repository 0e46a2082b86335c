"""One Senlin cluster of servers that run nothing, in a project of a test's own: what Senlin does, without a pool."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.clusters import Cluster, SdkClusters
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.servers import listed
from elastic.adapters.openstack.world import enrolling
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic.lab.folder import LabFolder
from elastic.ports import Accepted, Conflict, NotFound, PortError, Unsent, WorldSpec
from tests.lab.support import wait
from tests.openstack.project import Project
from tests.openstack.rig import lab_folder

# Cloud-init's user data means nothing to the lab's hypervisor: such a server is ACTIVE at once and has no process.
OPTIONS = {
    "backend": "senlin",
    "flavor": "worker-1",
    "image": "elastic-worker",
    "networks": "none",
    "enrolment": "shared",
}
SECONDS = 90.0


class SenlinBench:
    """A worker group on Senlin, asked by one of the two client libraries; `clusters` looks at it beside the adapter."""

    def __init__(self, folder: Path, project: Project, client: str) -> None:
        self.project = project
        self._folder = folder
        key = folder / "key"
        key.write_bytes(os.urandom(64))
        self._options = {
            "cloud": "lab",
            "clouds_file": project.clouds,
            "collector": "127.0.0.1:9618",
            "trust_domain": "elastic.local",
            "pool_key": key,
        }
        self.group = self._group(senlin_client=client)
        self.pool = f"bench-{int.from_bytes(os.urandom(4), 'big'):x}"
        groups = {self.group.name: self.group}
        spec = WorldSpec(pool=self.pool, ledger="bench", folder=folder, groups=groups, options=self._options)
        site = site_options(self._options)
        self.cloud = OpenStackCloud(spec, site, enrolling(spec, site, {"token_folder": str(folder)}))
        self.services = self.cloud.services
        self.clusters = SdkClusters(self.services)
        self.cluster_name = f"elastic-{self.pool}-{self.group.name}"

    def reconfigure(self, **options: str) -> None:
        """Change what the settings say of the group."""
        self.group = self._group(**{**self.group.options, **options})
        self.cloud.reconfigure({self.group.name: self.group})

    def create(self, count: int) -> PortError | None:
        """Ask for so many workers; None when that was taken on, else the error."""
        wanted = [WorkerRecord(name=f"w{n}", group=self.group.name, requested_at=0.0) for n in range(count)]
        try:
            answers = self.cloud.create(self.group, wanted)
        except PortError as error:
            return error
        assert [type(answer.error) for answer in answers] == [Accepted] * count
        return None

    def delete(self, *server_ids: str) -> Mapping[str, PortError]:
        """Ask for the removal of these servers; the errors by their ids."""
        named = {f"w-{one}": one for one in server_ids}
        records = [self.record(server_id, name) for name, server_id in named.items()]
        return {named[name]: error for name, error in self.cloud.delete(self.group, records).items()}

    def record(self, server_id: str | None, name: str = "w") -> WorkerRecord:
        """A worker as the ledger has it."""
        return WorkerRecord(name=name, group=self.group.name, requested_at=0.0, server_id=server_id)

    @contextmanager
    def locked(self, server_id: str) -> Iterator[None]:
        """Let Nova refuse every change of a server to its project meanwhile."""
        url = f"http://127.0.0.1:{LabFolder(lab_folder()).memory().ports['nova']}/v2.1/servers/{server_id}/action"
        self.project.admin.ask("POST", url, {"lock": None})
        try:
            yield
        finally:
            self.project.admin.ask("POST", url, {"unlock": None})

    def grown(self, size: int) -> Sequence[str]:
        """The ids of the servers, oldest first, once the cluster has so many nodes more and has settled."""
        before = self.cluster()
        target = size + (len(before.nodes) if before else 0)
        wait(lambda: not isinstance(self.create(size), Unsent), SECONDS, "the cluster may be changed")
        wait(lambda: len(self.settled().nodes) == target, SECONDS, f"the cluster has {target} nodes")
        return self.servers()

    def servers(self) -> Sequence[str]:
        """The ids of the pool's servers, oldest first."""
        found = listed(self.services, self.pool)
        return [one["id"] for one in sorted(found, key=lambda one: (one["created"], one["id"]))]

    def cluster(self) -> Cluster | None:
        """The cluster as Senlin shows it."""
        return self.clusters.read(self.cluster_name)

    def settled(self) -> Cluster:
        """The cluster once nothing goes on with it."""

        def quiet() -> Cluster | None:
            found = self.cluster()
            newest = self.clusters.newest_action(found) if found is not None else None
            return found if newest is not None and newest.over else None

        return wait(quiet, SECONDS, "the cluster has settled")

    def close(self) -> None:
        """Remove the cluster and what is left of its servers."""
        if (cluster := self.cluster()) is not None:
            wait(lambda: self._deleted(cluster), SECONDS, "the cluster may be deleted")
            wait(lambda: self.cluster() is None, SECONDS, "the cluster is gone")
        for server_id in self.servers():
            with suppress(NotFound):
                self.services.call("compute", "DELETE", f"/servers/{server_id}")
        wait(lambda: not self.servers(), SECONDS, "no server is left")
        self.services.close()

    def _deleted(self, cluster: Cluster) -> bool:
        try:
            self.clusters.delete(cluster)
        except Conflict:
            return False
        return True

    def _group(self, **options: str) -> GroupSpec:
        shape = Resources(1, 1024, 1024, 0)
        return GroupSpec(name="small", maximum=50, shape=shape, options={**OPTIONS, **options})


@contextmanager
def bench(folder: Path, project: Project, client: str) -> Iterator[SenlinBench]:
    """A group of a new pool in this project, removed with all it has."""
    folder.mkdir()
    made = SenlinBench(folder, project, client)
    try:
        yield made
    finally:
        project.faults()
        project.quota(instances=20)
        made.close()
