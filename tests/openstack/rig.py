"""The contract suite's pool with servers of the one-machine OpenStack, one worker group of any backend."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.clusters import Cluster, SdkClusters
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.servers import listed
from elastic.adapters.openstack.stack import Stacks
from elastic.adapters.openstack.world import enrolling
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize, Machine, Quota, Server, Servers
from elastic.local.pool import Pool
from elastic.local.processes import marked, name_of, send
from elastic.ports import Accepted, Conflict, Created, NotFound, PortError, Unsent, WorldSpec
from tests.contract.rig import Rig
from tests.lab.real import RealRig
from tests.lab.support import Client, wait

OPTIONS = {
    "flavor": "worker-2", "image": "elastic-worker", "networks": "none", "user_data": "launcher", "enrolment": "shared",
}  # fmt: skip
GONE_SECONDS = 90.0


def lab_folder() -> Path:
    """Where the one-machine OpenStack is: `.local/lab` of this clone, or the folder in ELASTIC_LAB."""
    return Path(os.environ.get("ELASTIC_LAB", Path(__file__).parents[2] / ".local" / "lab"))


class OpenStackRig(RealRig):
    """A pool of real daemons whose workers are servers of a real Nova; `options` choose the backend."""

    def __init__(self, pool: Pool, client: Client, number: int, **options: str) -> None:
        super().__init__(pool, client)
        self.ledger = f"{number:08x}-contract"
        self.group = replace(Rig.group, options={**OPTIONS, **options})
        self.htcondor = self.fresh_batch()
        self.batch = self.htcondor
        # Heat and Senlin act in our name by trusts, which an application credential may not give.
        self.cloud_name = "lab" if "backend" in options else "lab-application"
        self.pool_name = f"contract-{number:x}"
        self.openstack = self._cloud()
        self.cloud = Alike(self.openstack, self.group) if "backend" in options else self.openstack
        self.services = Services(self.cloud_name, clouds_file=lab_folder() / "clouds.yaml")

    def _cloud(self) -> OpenStackCloud:
        options = {
            "cloud": self.cloud_name,
            "clouds_file": lab_folder() / "clouds.yaml",
            "collector": self.pool.address,
            "trust_domain": "elastic.local",
            "pool_key": self.pool.folder.key_file,
        }
        groups = {self.group.name: self.group}
        root = self.pool.folder.root
        spec = WorldSpec(pool=self.pool_name, ledger=self.ledger, folder=root, groups=groups, options=options)
        htcondor = {"collector": self.pool.address, "token_folder": self.pool.folder.token_folder}
        site = site_options(options)
        return OpenStackCloud(spec, site, enrolling(spec, site, htcondor))

    def worker_of(self, machine: Machine) -> str | None:
        if not isinstance(self.cloud, Alike):
            return machine.worker
        return self.cloud.names.get(machine.server_id or "")

    def signal_startd(self, worker: str, number: signal.Signals) -> None:
        for process in marked(lab_folder() / "servers" / self._server_id(worker)):
            if name_of(process) == "condor_startd":
                send(process, number)

    def kill_server(self, worker: WorkerRecord) -> None:
        for process in marked(lab_folder() / "servers" / (worker.server_id or "")):
            send(process, signal.SIGKILL)

    def close(self) -> None:
        # Others have no stack and no cluster; and to an application credential, Zed's Senlin answers 500.
        if "backend" in self.group.options:
            self._remove_group()
        for found in listed(self.services, self.pool_name):
            with suppress(NotFound):
                self.services.call("compute", "DELETE", f"/servers/{found['id']}")
        wait(lambda: not list(listed(self.services, self.pool_name)), GONE_SECONDS, "no server is left")
        self.services.close()
        self.openstack.services.close()
        super().close()

    def _remove_group(self) -> None:
        """The stack or the cluster that the group was made as, once nothing goes on with it."""
        stacks, clusters = Stacks(self.services), SdkClusters(self.services)
        name = f"elastic-{self.pool_name}-{self.group.name}"
        if (stack := stacks.read(name)) is not None:
            stacks.remove(stack)
            wait(lambda: stacks.read(name) is None, GONE_SECONDS, "the stack is gone")
        if (cluster := clusters.read(name)) is not None:
            wait(lambda: _deleted(clusters, cluster), GONE_SECONDS, "the cluster may be deleted")
            wait(lambda: clusters.read(name) is None, GONE_SECONDS, "the cluster is gone")

    def _server_id(self, worker: str) -> str:
        return next(server.id for server in self.cloud.servers().servers if server.worker == worker)


def _deleted(clusters: SdkClusters, cluster: Cluster) -> bool:
    try:
        clusters.delete(cluster)
    except Conflict:
        return False
    return True


class Alike:
    """A cloud whose members carry no worker's name, given to the intents in the order in which they appear.

    That is what `elastic.core.fleet` does with the ledger; here it lets the contract suite call members by their names.
    """

    def __init__(self, cloud: OpenStackCloud, group: GroupSpec) -> None:
        self._cloud, self._group = cloud, group
        self.names: dict[str, str] = {}

    def servers(self) -> Servers:
        return Servers(servers=tuple(sorted(map(self._named, self._cloud.servers().servers), key=lambda s: s.name)))

    def lookup(self, server_id: str) -> Server:
        return self._named(self._cloud.lookup(server_id))

    def quotas(self) -> Mapping[str, Quota]:
        return self._cloud.quotas()

    def sizes(self) -> Mapping[str, GroupSize]:
        return self._cloud.sizes()

    def create(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        known = {name: server_id for server_id, name in self.names.items()}
        missing = [worker for worker in workers if worker.name not in known]
        if missing:
            answers = wait(lambda: self._created(group, missing), GONE_SECONDS, "the group may be changed")
            assert [type(answer.error) for answer in answers] == [Accepted] * len(missing)
            new = wait(lambda: self._new(len(missing)), 60, "the members are listed")
            self.names.update(zip(new, (worker.name for worker in missing), strict=True))
        known = {name: server_id for server_id, name in self.names.items()}
        return [Created(worker=worker.name, server_id=known[worker.name]) for worker in workers]

    def delete(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        errors = self._cloud.delete(group, workers)
        deadline = time.monotonic() + GONE_SECONDS
        while any(isinstance(error, Conflict) for error in errors.values()) and time.monotonic() < deadline:
            # A stack that still grows is asked again by the next tick.
            time.sleep(1)
            errors = self._cloud.delete(group, workers)
        for worker in workers:
            if worker.name not in errors:
                self.names.pop(worker.server_id or "", None)
        return errors

    def console(self, worker: WorkerRecord, lines: int) -> str:
        return self._cloud.console(worker, lines)

    def _created(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """The answers; none while the stack still grows: the next tick would ask again."""
        try:
            return self._cloud.create(group, workers)
        except Unsent:
            return ()

    def _new(self, count: int) -> list[str]:
        """The ids of so many members that nobody has a name for yet; none before all of them are listed."""
        new = sorted(s.id for s in self._cloud.servers().servers if s.id not in self.names)
        return new if len(new) >= count else []

    def _named(self, server: Server) -> Server:
        name = self.names.get(server.id)
        return server if name is None else replace(server, name=name, worker=name)
