"""Senlin's clusters by python-senlinclient's library, as scripts at sites that run Senlin have it."""

from collections.abc import Mapping, Sequence
from typing import Any

from openstack import exceptions

from elastic.adapters.openstack.clusters import (
    GONE,
    Action,
    Cluster,
    Node,
    by_id,
    exactly,
    newest,
    only,
    sized,
    spec,
)
from elastic.adapters.openstack.connection import MICROVERSIONS, Json, Services
from elastic.adapters.openstack.errors import translated
from elastic.adapters.openstack.lazily import client


class ClientClusters:
    """Implements `elastic.adapters.openstack.clusters.Clusters`."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._made = client(services, "senlinclient.v1.client")

    @translated
    def read(self, name: str) -> Cluster | None:
        found = only(name, list(self._client().clusters(name=name)))
        if found is None:
            return None
        try:
            listed = list(self._client().nodes(cluster_id=found.id))
        except exceptions.BadRequestException as error:
            if GONE in str(error):
                return None
            raise
        nodes = (Node(n.id, n.physical_id or None, n.status, n.status_reason or "") for n in listed)
        return Cluster(found.id, found.status, found.desired_capacity, found.profile_id, by_id(nodes))

    @translated
    def profile(self, name: str, properties: Mapping[str, Any]) -> str:
        return str(self._client().create_profile(name=name, spec=spec(properties)).id)

    @translated
    def profiles(self, name: str) -> Sequence[str]:
        return [str(one.id) for one in self._client().profiles(name=name)]

    @translated
    def properties(self, profile_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._client().get_profile(profile_id).spec["properties"]
        return found

    @translated
    def create(self, name: str, profile_id: str, size: int) -> None:
        self._client().create_cluster(**sized(name, profile_id, size))

    @translated
    def renew(self, cluster: Cluster, profile_id: str) -> None:
        self._client().update_cluster(cluster.id, profile_id=profile_id, is_profile_only=True)

    @translated
    def resize(self, cluster: Cluster, size: int) -> str:
        return _accepted(self._client().cluster_resize(cluster.id, **exactly(size)))

    @translated
    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        # The client's own cluster_del_nodes leaves the servers alive.
        proxy = self._client().service
        return _accepted(proxy.remove_nodes_from_cluster(cluster.id, list(node_ids), destroy_after_deletion=True))

    @translated
    def action(self, action_id: str) -> Action:
        found = self._client().get_action(action_id)
        return Action(found.status, found.status_reason or "")

    @translated
    def newest_action(self, cluster: Cluster) -> Action | None:
        found = self._client().actions(paginated=False, **newest(cluster))
        return next((Action(one.status, one.status_reason or "") for one in found), None)

    @translated
    def delete(self, cluster: Cluster) -> None:
        self._client().delete_cluster(cluster.id)

    @translated
    def delete_profile(self, profile_id: str) -> None:
        self._client().delete_profile(profile_id)

    def _client(self) -> Any:
        made = self._made()
        made.service.default_microversion = MICROVERSIONS["clustering"]
        return made


def _accepted(answer: Json) -> str:
    """The action's id; the library hands a refusal on as if it were an answer."""
    if "action" in answer:
        return str(answer["action"])
    refusal = exceptions.HttpException(message=str(answer.get("error", answer)))
    refusal.status_code = answer.get("code")
    raise refusal
