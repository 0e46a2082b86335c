"""Servers that are nodes of a Senlin cluster: exact sizes, and removal of chosen nodes only."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from elastic.adapters.openstack.clusters import Cluster, Clusters, Node
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.gather import Gather, removed
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.servers import Tag
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.ports import Conflict, Created, Malformed, Mismatch, NotFound, PortError, Transient

GATHER_SECONDS = 0.5
SETTLE_SECONDS = 45.0
"""A removal takes 3 s; what has not settled by then is looked at again by the next tick."""
POLL_SECONDS = 0.5
ERROR = "ERROR"
BUSY = ("INIT", "CREATING", "UPDATING", "RESIZING", "DELETING", "CHECKING", "RECOVERING")


class SenlinGroup:
    """One worker group as a cluster; every change is one action at a time, and removal is verified."""

    def __init__(
        self,
        group: GroupSpec,
        options: GroupOptions,
        services: Services,
        clusters: Clusters,
        names: Names,
        tag: Tag,
        enrolling: Enrolling,
    ) -> None:
        """Ask nobody yet."""
        self.group, self.options = group, options
        self.cluster_name = options.stack or f"elastic-{tag.pool}-{group.name}"
        self._services, self._clusters = services, clusters
        self._names, self._tag, self._enrolling = names, tag, enrolling
        self._one = threading.Lock()
        self._removals = Gather(self._remove, GATHER_SECONDS)

    def create(self, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for so many nodes more, by one exact resize; which node answers which intent shows when Nova lists it.

        A definite error means that nothing was asked for.
        """
        with self._one:
            cluster = self._settled()
            if cluster is None:
                self._clusters.create(self.cluster_name, self._properties(), len(workers))
            else:
                self._shed_broken(cluster)
                self._clusters.resize(cluster, len(cluster.nodes) + len(workers))
        waiting = Transient(f"asked of the cluster {self.cluster_name}; which node it is shows when it is listed")
        return [Created(worker=worker.name, error=waiting) for worker in workers]

    def delete(self, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Remove exactly these nodes, together with those that others ask for at this moment."""
        return removed(self._removals, workers)

    def _remove(self, workers: Sequence[WorkerRecord]) -> Sequence[PortError | None]:
        with self._one:
            cluster = self._settled()
            answers = [self._node(cluster, worker) for worker in workers]
            going = [node for node in answers if isinstance(node, Node)]
            if cluster is not None and going:
                self._verify(cluster, going, self._clusters.remove(cluster, [node.id for node in going]))
        return [answer if isinstance(answer, PortError) else None for answer in answers]

    def _node(self, cluster: Cluster | None, worker: WorkerRecord) -> Node | PortError | None:
        """The worker's node; None when it is gone already, an error when it may not be removed here."""
        if worker.server_id is None:
            return Malformed(f"the server id of {worker.name} is not known; servers are never deleted by name")
        node = cluster.node(worker.server_id) if cluster is not None else None
        if node is not None:
            return node
        try:
            self._services.call("compute", "GET", f"/servers/{worker.server_id}")
        except NotFound:
            return None
        return Malformed(f"server {worker.server_id} is no node of the cluster {self.cluster_name}")

    def _shed_broken(self, cluster: Cluster) -> None:
        """Nodes that never got a server are removed by name first: they count in the size."""
        broken = [node.id for node in cluster.nodes if node.server_id is None and node.status == ERROR]
        if broken:
            self._clusters.remove(cluster, broken)
            raise Conflict(f"{len(broken)} nodes without a server are removed from {self.cluster_name} first")

    def _verify(self, before: Cluster, going: Sequence[Node], action_id: str) -> None:
        """Wait until the action is over; raise Mismatch when others than these are gone."""
        reason = self._wait(action_id)
        after = self._clusters.read(self.cluster_name)
        there = {node.id for node in after.nodes} if after is not None else set[str]()
        asked = {node.id for node in going}
        if lost := {node.id for node in before.nodes} - asked - there:
            named = ", ".join(sorted(lost))
            raise Mismatch(f"the cluster {self.cluster_name} has lost nodes that nobody asked to remove: {named}")
        if left := asked & there:
            raise Transient(f"still nodes: {', '.join(sorted(left))}; {reason}")

    def _wait(self, action_id: str) -> str:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            action = self._clusters.action(action_id)
            if action.over:
                return action.reason
            time.sleep(POLL_SECONDS)
        raise Transient(f"the cluster {self.cluster_name} has not settled in {SETTLE_SECONDS:.0f} s")

    def _settled(self) -> Cluster | None:
        cluster = self._clusters.read(self.cluster_name)
        if cluster is not None and cluster.status in BUSY:
            raise Conflict(f"the cluster {self.cluster_name} is {cluster.status}")
        return cluster

    def _properties(self) -> Mapping[str, Any]:
        """What the profile says of every server."""
        options = self.options
        properties: dict[str, Any] = {
            "flavor": self._names.flavor(options.flavor).id,
            "image": self._names.image(options.image),
            "networks": self._networks(),
            "metadata": self._tag.metadata(self.group.name),
            "user_data": self._enrolling.shared_user_data(self.group, options),
            "config_drive": options.config_drive,
        }
        if options.keypair:
            properties["key_name"] = options.keypair
        if options.security_groups:
            properties["security_groups"] = list(options.security_groups)
        if options.zones:
            properties["availability_zone"] = options.zones[0]
        if options.server_group:
            properties["scheduler_hints"] = {"group": options.server_group}
        return properties

    def _networks(self) -> Sequence[Mapping[str, str]]:
        names = self.options.networks
        return [] if names == ("none",) else [{"network": self._names.network(name)} for name in names]
