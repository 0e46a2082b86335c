"""The size of a Senlin cluster as others may have changed it: what the port reports, and what it has reported."""

import uuid
from types import TracebackType

from elastic.adapters.openstack.clusters import Cluster, Clusters
from elastic.core.observation import GroupSize
from elastic.ports import Conflict

RESTING = ("ACTIVE", "WARNING", "ERROR", "CRITICAL")
"""States of a cluster that nothing goes on with, or nothing yet."""


class ClusterSizes:
    """Reads one cluster each time. `claim` comes before each request of ours, inside `with`.

    A cluster keeps no mark of who asked: the size that it is told to have when it rests again after a request of ours
    is taken for ours, and so is the first one that is read.
    """

    def __init__(self, clusters: Clusters, name: str) -> None:
        """Ask nobody yet."""
        self._clusters, self._name = clusters, name
        self._asking, self._ours = False, True
        self._written, self._stamp = 0, ""
        self._told = -1

    def __enter__(self) -> None:
        """A request of ours may follow."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has been sent, or not."""
        self._asking = False

    def claim(self, cluster: Cluster | None) -> None:
        """What happens to the size from now on is our doing; Conflict after a change that no tick has been told of."""
        if cluster is not None and not self._ours and cluster.size not in (self._written, self._told):
            why = f"its size was changed from outside from {self._written} to {cluster.size}"
            raise Conflict(f"{why}, which the next tick takes over: {self._name}")
        self._asking = self._ours = True

    def read(self) -> GroupSize | None:
        """The cluster's size, None without a cluster."""
        cluster = self._clusters.read(self._name)
        if cluster is None:
            self._ours = True
            return None
        members = frozenset(node.server_id for node in cluster.nodes if node.server_id)
        changing = self._changing(cluster)
        if self._asking or (changing and self._ours):
            return GroupSize(desired=None, members=members, changing=changing or "it is being changed")
        if self._ours:
            self._ours, self._written, self._stamp = False, cluster.size, uuid.uuid4().hex[:8]
        self._told = cluster.size
        return GroupSize(
            desired=cluster.size, written=self._written, stamp=self._stamp, members=members, changing=changing
        )

    def _changing(self, cluster: Cluster) -> str:
        """Why nothing may be asked of it now; at rest, with no request of ours under way, its status says enough."""
        if cluster.status in RESTING and not self._ours:
            return ""
        newest = self._clusters.newest_action(cluster)
        return "" if newest is None or newest.over else f"the cluster is {cluster.status}"
