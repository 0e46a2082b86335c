"""Senlin's clusters, by either of two ways to its API: openstacksdk's clustering proxy, or python-senlinclient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.errors import translated
from elastic.ports import NotFound

PROFILE_TYPE, PROFILE_VERSION = "os.nova.server", "1.0"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster: its id, its server if it has one, its state."""

    id: str
    server_id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster at one moment."""

    id: str
    status: str
    nodes: tuple[Node, ...]

    def node(self, server_id: str) -> Node | None:
        """The node whose server this is."""
        return next((node for node in self.nodes if node.server_id == server_id), None)


@dataclass(frozen=True, slots=True)
class Action:
    """What became of a request: `status` is Senlin's word, `reason` its explanation."""

    status: str
    reason: str

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ("SUCCEEDED", "FAILED", "CANCELLED")


class Clusters(Protocol):
    """The requests that a worker group needs; each raises PortError. A change answers with its action's id."""

    def read(self, name: str) -> Cluster | None:
        """The cluster of this name with its nodes; None when there is none."""

    def create(self, name: str, properties: Mapping[str, Any], size: int) -> None:
        """Make a profile of these server properties and a cluster of this size from it."""

    def resize(self, cluster: Cluster, size: int) -> str:
        """Ask for exactly so many nodes."""

    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        """Take exactly these nodes out and destroy their servers."""

    def action(self, action_id: str) -> Action:
        """What became of it."""

    def delete(self, cluster: Cluster) -> None:
        """Delete the whole cluster with all its nodes."""


class SdkClusters:
    """By plain requests over openstacksdk's proxy."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def read(self, name: str) -> Cluster | None:
        try:
            found = self._services.call("clustering", "GET", f"/clusters/{name}")["cluster"]
        except NotFound:
            return None
        listed = self._services.pages("clustering", "/nodes", "nodes", cluster_id=found["id"])
        nodes = (Node(n["id"], n["physical_id"] or None, n["status"]) for n in listed)
        return Cluster(found["id"], found["status"], _by_id(nodes))

    def create(self, name: str, properties: Mapping[str, Any], size: int) -> None:
        profile = {"name": name, "spec": _spec(properties)}
        made = self._services.call("clustering", "POST", "/profiles", {"profile": profile})["profile"]
        cluster = {"name": name, "profile_id": made["id"], "desired_capacity": size, "min_size": 0, "max_size": -1}
        self._services.call("clustering", "POST", "/clusters", {"cluster": cluster})

    def resize(self, cluster: Cluster, size: int) -> str:
        return self._act(cluster, "resize", {"adjustment_type": "EXACT_CAPACITY", "number": size, "strict": True})

    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        return self._act(cluster, "del_nodes", {"nodes": list(node_ids), "destroy_after_deletion": True})

    def action(self, action_id: str) -> Action:
        found = self._services.call("clustering", "GET", f"/actions/{action_id}")["action"]
        return Action(found["status"], found["status_reason"])

    def delete(self, cluster: Cluster) -> None:
        self._services.call("clustering", "DELETE", f"/clusters/{cluster.id}")

    def _act(self, cluster: Cluster, name: str, asked: Mapping[str, Any]) -> str:
        body = {name: dict(asked)}
        return str(self._services.call("clustering", "POST", f"/clusters/{cluster.id}/actions", body)["action"])


class ClientClusters:
    """By python-senlinclient's library, as scripts at sites that run Senlin have it."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services
        self._made: Any = None

    @translated
    def read(self, name: str) -> Cluster | None:
        client = self._client()
        found = next(iter(client.clusters(name=name)), None)
        if found is None:
            return None
        nodes = (Node(n.id, n.physical_id or None, n.status) for n in client.nodes(cluster_id=found.id))
        return Cluster(found.id, found.status, _by_id(nodes))

    @translated
    def create(self, name: str, properties: Mapping[str, Any], size: int) -> None:
        made = self._client().create_profile(name=name, spec=_spec(properties))
        self._client().create_cluster(name=name, profile_id=made.id, desired_capacity=size, min_size=0, max_size=-1)

    @translated
    def resize(self, cluster: Cluster, size: int) -> str:
        asked = {"adjustment_type": "EXACT_CAPACITY", "number": size, "strict": True}
        return str(self._client().cluster_resize(cluster.id, **asked)["action"])

    @translated
    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        # The client's own cluster_del_nodes leaves the servers alive.
        proxy = self._client().service
        answer = proxy.remove_nodes_from_cluster(cluster.id, list(node_ids), destroy_after_deletion=True)
        return str(answer["action"])

    @translated
    def action(self, action_id: str) -> Action:
        found = self._client().get_action(action_id)
        return Action(found.status, found.status_reason)

    @translated
    def delete(self, cluster: Cluster) -> None:
        self._client().delete_cluster(cluster.id)

    def _client(self) -> Any:
        if self._made is None:
            from senlinclient.v1.client import Client  # noqa: PLC0415 - draws in much of OpenStack's older tooling

            self._made = Client(session=self._services.connection().session)
        return self._made


def _spec(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": PROFILE_TYPE, "version": PROFILE_VERSION, "properties": dict(properties)}


def _by_id(nodes: Any) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: node.id))
