"""Servers that are nodes of a Senlin cluster: exact sizes, and removal of chosen nodes only."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from elastic.adapters.openstack.clusters import Action, Cluster, Clusters, Node
from elastic.adapters.openstack.clustersizes import ClusterSizes
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.errors import NO_HOST, unsent
from elastic.adapters.openstack.gather import Gather, removed
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.profile import elsewhere, profile
from elastic.adapters.openstack.servers import Tag, leaving, listed, server
from elastic.adapters.openstack.zones import Zones
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize
from elastic.ports import (
    Accepted,
    Conflict,
    Created,
    Malformed,
    Mismatch,
    NoCapacity,
    NotFound,
    PortError,
    QuotaExceeded,
    Transient,
    Unsent,
)

T = TypeVar("T")

GATHER_SECONDS = 0.5
SETTLE_SECONDS = 45.0
"""A removal takes 3 s; what has not settled by then is looked at again by the next tick."""
POLL_SECONDS = 0.5
LOCK_SECONDS = 5.0
"""Senlin holds its lock for some seconds after it has called an action over, most of all one that failed."""
ERROR = "ERROR"
BUSY = ("INIT", "CREATING", "UPDATING", "RESIZING", "DELETING", "CHECKING", "RECOVERING")


class SenlinGroup:
    """One worker group as a cluster; every change is one action at a time, and removal is verified."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that the groups of a cloud have in common
        self,
        group: GroupSpec,
        options: GroupOptions,
        services: Services,
        clusters: Clusters,
        names: Names,
        tag: Tag,
        enrolling: Enrolling,
        zones: Zones,
    ) -> None:
        """Ask nobody yet."""
        self.group, self.options = group, options
        self.cluster_name = options.stack or f"elastic-{tag.pool}-{group.name}"
        self._services, self._clusters = services, clusters
        self._names, self._tag, self._enrolling = names, tag, enrolling
        self._zones = zones
        self._sizes = ClusterSizes(clusters, self.cluster_name)
        self._one = threading.Lock()
        self._removals = Gather(self._remove, GATHER_SECONDS)
        self._unverified: tuple[Cluster, frozenset[str]] | None = None

    def size(self, _listed: frozenset[str]) -> GroupSize | None:
        """What the cluster says of itself; None without one."""
        return self._sizes.read()

    def create(self, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for so many nodes more, by one exact resize; which node answers which intent shows when Nova lists it.

        Until then every answer is Accepted; a definite error, and Unsent, mean that nothing was asked for.
        """
        with self._one, self._sizes:
            with unsent():
                ask = self._order(len(workers))
            try:
                _patiently(ask)
            except Conflict as error:
                raise Unsent(str(error)) from error
        waiting = Accepted(f"asked of the cluster {self.cluster_name}; which node it is shows when it is listed")
        return [Created(worker=worker.name, error=waiting) for worker in workers]

    def delete(self, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Remove exactly these nodes, together with those that others ask for at this moment."""
        return removed(self._removals, workers)

    # -- growing

    def _order(self, more: int) -> Callable[[], object]:
        """The one request by which the cluster gets so many nodes more; all that comes before it is done here."""
        cluster = self._settled()
        self._sizes.claim(cluster)
        if cluster is not None and cluster.nodes:
            cluster = self._cleaned(cluster)
        zone = self._zones.pick(self.options.zones)
        if cluster is not None and cluster.nodes:
            self._move(cluster, zone)
            return partial(self._clusters.resize, cluster, len(cluster.nodes) + more)
        made_as = profile(self.group, self.options, self._names, self._tag, self._enrolling, zone)
        profile_id = self._profile(made_as, zone)
        if cluster is None:
            return partial(self._clusters.create, self.cluster_name, profile_id, more)
        self._renew(cluster, profile_id)
        return partial(self._clusters.resize, cluster, more)

    def _cleaned(self, cluster: Cluster) -> Cluster | None:
        """The cluster without nodes that have no server: they count in its size."""
        there = self._alive()
        bad = [node for node in cluster.nodes if node.server_id is None or self._vanished(node.server_id, there)]
        if not bad:
            return cluster
        self._take(cluster, bad)
        for node in bad:
            if node.server_id is None and (why := _refusal(node)) is not None:
                self._zones.heard(str(why), self._zone(cluster), node.id)
                raise why
        return self._settled()

    def _zone(self, cluster: Cluster) -> str:
        """Where its new nodes are asked for; empty for Nova's own choice."""
        if not self.options.zones:
            return ""
        return str(self._clusters.properties(cluster.profile_id).get("availability_zone") or "")

    def _move(self, cluster: Cluster, zone: str) -> None:
        """Have new nodes be asked for in this zone; living ones, and all else that new ones are made from, stay."""
        if zone and (made_as := self._clusters.properties(cluster.profile_id)).get("availability_zone") != zone:
            self._renew(cluster, self._profile(elsewhere(made_as, zone), zone))

    def _profile(self, made_as: Mapping[str, Any], zone: str) -> str:
        """A new profile's id; Senlin takes none with a zone that is not there."""
        try:
            return self._clusters.profile(self.cluster_name, made_as)
        except NoCapacity as error:
            self._zones.heard(str(error), zone, str(time.monotonic()))
            raise

    def _renew(self, cluster: Cluster, profile_id: str) -> None:
        """Have a cluster make its new nodes of this profile; those before are deleted, unless nodes are of them."""
        if cluster.status == ERROR and not cluster.nodes:
            self._clusters.delete(cluster)
            raise Conflict(f"the cluster {self.cluster_name} is in error and empty: it is deleted, to be made anew")
        _patiently(partial(self._clusters.renew, cluster, profile_id))
        self._wait(lambda: self._clusters.newest_action(cluster))
        for each in self._clusters.profiles(self.cluster_name):
            if each != profile_id:
                with suppress(PortError):
                    self._clusters.delete_profile(each)

    # -- removing

    def _remove(self, workers: Sequence[WorkerRecord]) -> Sequence[PortError | None]:
        with self._one, self._sizes:
            cluster = self._settled()
            answers = [self._node(cluster, worker) for worker in workers]
            going = [node for node in answers if isinstance(node, Node)]
            if cluster is not None and going:
                self._sizes.claim(cluster)
                self._take(cluster, [*going, *(node for node in cluster.nodes if node.server_id is None)])
        return [answer if isinstance(answer, PortError) else None for answer in answers]

    def _node(self, cluster: Cluster | None, worker: WorkerRecord) -> Node | PortError | None:
        """The worker's node; None when nothing more is to be done here, an error when it may not be removed."""
        if worker.server_id is None:
            return Malformed(f"the server id of {worker.name} is not known; servers are never deleted by name")
        node = cluster.node(worker.server_id) if cluster is not None else None
        if node is not None:
            return node
        try:
            # A node that left without its server, or never knew it: an engine has died, or a policy keeps servers.
            self._services.call("compute", "DELETE", f"/servers/{worker.server_id}")
        except NotFound:
            return None
        except PortError as error:
            return error
        return None

    def _take(self, cluster: Cluster, going: Sequence[Node]) -> None:
        """Have Senlin remove exactly these nodes with their servers, and see that it did."""
        if cluster.size < len(going):
            # A removal that failed has lowered the size all the same, and below zero Senlin does not go.
            self._wait_for(_patiently(partial(self._clusters.resize, cluster, len(cluster.nodes))))
        self._unverified = (cluster, frozenset(node.id for node in going))
        reason = self._wait_for(_patiently(partial(self._clusters.remove, cluster, [node.id for node in going])))
        after = self._clusters.read(self.cluster_name)
        self._verify(after)
        there = {node.id for node in after.nodes} if after is not None else set[str]()
        if left := [node.id for node in going if node.id in there]:
            raise Transient(f"still nodes: {', '.join(sorted(left))}; {reason}")
        self._unverified = None
        for server_id in sorted({node.server_id for node in going if node.server_id} & self._alive()):
            with suppress(NotFound):
                self._services.call("compute", "DELETE", f"/servers/{server_id}")

    def _verify(self, after: Cluster | None) -> None:
        """Raise Mismatch when others are gone than those that the last removal was about."""
        if self._unverified is None:
            return
        before, asked = self._unverified
        there = {node.id for node in after.nodes} if after is not None else set[str]()
        if lost := {node.id for node in before.nodes} - asked - there:
            self._unverified = None
            named = ", ".join(sorted(lost))
            raise Mismatch(f"the cluster {self.cluster_name} has lost nodes that nobody asked to remove: {named}")

    def _wait_for(self, action_id: str) -> str:
        return self._wait(partial(self._clusters.action, action_id))

    def _wait(self, look: Callable[[], Action | None]) -> str:
        """What Senlin says of an action, once it is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            action = look()
            if action is not None and action.over:
                return action.reason
            time.sleep(POLL_SECONDS)
        raise Transient(f"the cluster {self.cluster_name} has not settled in {SETTLE_SECONDS:.0f} s")

    # -- both

    def _settled(self) -> Cluster | None:
        """The cluster; Conflict while something goes on with it, Mismatch when an earlier removal took others."""
        cluster = self._clusters.read(self.cluster_name)
        if cluster is not None and cluster.status in BUSY:
            newest = self._clusters.newest_action(cluster)
            # An engine that dies leaves the status behind as it was, for ever.
            if newest is not None and not newest.over:
                raise Conflict(f"the cluster {self.cluster_name} is {cluster.status}")
        self._verify(cluster)
        return cluster

    def _alive(self) -> frozenset[str]:
        """The ids of this pool's servers that Nova lists and nobody deletes."""
        found = map(server, listed(self._services, self._tag.pool))
        return frozenset(one.id for one in found if not leaving(one))

    def _vanished(self, server_id: str, there: frozenset[str]) -> bool:
        """Whether Nova says that there is no such server; that it is in no list is not enough."""
        if server_id in there:
            return False
        try:
            self._services.call("compute", "GET", f"/servers/{server_id}")
        except NotFound:
            return True
        return False


def _patiently(ask: Callable[[], T]) -> T:
    """What a request gives; a refusal for a lock, which has no effect, is taken after some moments only."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return ask()
        except Conflict:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def _refusal(node: Node) -> PortError | None:
    """Why a node never got a server, where Nova's words say it; nothing is asked for then."""
    said = " ".join(node.reason.split())
    if "quota" in said.lower():
        return QuotaExceeded(said)
    return NoCapacity(said) if any(words in said for words in NO_HOST) else None
