"""Senlin's clusters, and the way to them by openstacksdk; the other way is in `clusterclient`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from elastic.adapters.openstack.connection import Json, Services
from elastic.ports import Malformed

PROFILE_TYPE, PROFILE_VERSION = "os.nova.server", "1.0"
NODES_A_PAGE = 500
GONE = "Cannot find the given cluster"
"""Asked for the nodes of a cluster that has just been deleted, Senlin calls the question wrong."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster: its id, its server if it has one, its state and the reason for it."""

    id: str
    server_id: str | None
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster at one moment; `size` is what Senlin was last asked for, which may differ from its number of nodes."""

    id: str
    status: str
    size: int
    profile_id: str
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
    """The requests that a worker group needs; each raises PortError. A change of nodes answers with its action's id."""

    def read(self, name: str) -> Cluster | None:
        """The cluster of this name with its nodes; None when there is none, Malformed when there are several."""

    def profile(self, name: str, properties: Mapping[str, Any]) -> str:
        """Make a profile of these server properties; its id."""

    def profiles(self, name: str) -> Sequence[str]:
        """The ids of all profiles of this name."""

    def properties(self, profile_id: str) -> Mapping[str, Any]:
        """The server properties of a profile."""

    def create(self, name: str, profile_id: str, size: int) -> None:
        """Make a cluster of so many nodes."""

    def renew(self, cluster: Cluster, profile_id: str) -> None:
        """Let nodes that are made from now on be of this profile; living ones stay as they are."""

    def resize(self, cluster: Cluster, size: int) -> str:
        """Ask for exactly so many nodes."""

    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        """Take exactly these nodes out and delete their servers."""

    def action(self, action_id: str) -> Action:
        """What became of it."""

    def newest_action(self, cluster: Cluster) -> Action | None:
        """The last thing that anybody asked of the cluster itself."""

    def delete(self, cluster: Cluster) -> None:
        """Delete the whole cluster with all its nodes."""

    def delete_profile(self, profile_id: str) -> None:
        """Delete a profile; Conflict while something is made of it."""


class SdkClusters:
    """By plain requests over openstacksdk's proxy: one request for each call, and each refusal with its own text."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def read(self, name: str) -> Cluster | None:
        # By a filter: in the path, a name is also taken for the beginning of an id.
        found = only(name, self._ask("GET", "/clusters", query={"name": name})["clusters"])
        if found is None:
            return None
        try:
            listed = list(self._nodes(found))
        except Malformed as error:
            if GONE in str(error):
                return None
            raise
        nodes = (Node(n["id"], n["physical_id"] or None, n["status"], n["status_reason"] or "") for n in listed)
        return Cluster(found["id"], found["status"], found["desired_capacity"], found["profile_id"], by_id(nodes))

    def profile(self, name: str, properties: Mapping[str, Any]) -> str:
        profile = {"name": name, "spec": spec(properties)}
        return str(self._ask("POST", "/profiles", {"profile": profile})["profile"]["id"])

    def profiles(self, name: str) -> Sequence[str]:
        return [str(one["id"]) for one in self._ask("GET", "/profiles", query={"name": name})["profiles"]]

    def properties(self, profile_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._ask("GET", f"/profiles/{profile_id}")["profile"]["spec"]["properties"]
        return found

    def create(self, name: str, profile_id: str, size: int) -> None:
        self._ask("POST", "/clusters", {"cluster": sized(name, profile_id, size)})

    def renew(self, cluster: Cluster, profile_id: str) -> None:
        wanted = {"profile_id": profile_id, "profile_only": True}
        self._ask("PATCH", f"/clusters/{cluster.id}", {"cluster": wanted})

    def resize(self, cluster: Cluster, size: int) -> str:
        return self._act(cluster, "resize", exactly(size))

    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        return self._act(cluster, "del_nodes", {"nodes": list(node_ids), "destroy_after_deletion": True})

    def action(self, action_id: str) -> Action:
        found = self._ask("GET", f"/actions/{action_id}")["action"]
        return Action(found["status"], found["status_reason"] or "")

    def newest_action(self, cluster: Cluster) -> Action | None:
        found = self._ask("GET", "/actions", query=newest(cluster))["actions"]
        return next((Action(one["status"], one["status_reason"] or "") for one in found), None)

    def delete(self, cluster: Cluster) -> None:
        self._ask("DELETE", f"/clusters/{cluster.id}")

    def delete_profile(self, profile_id: str) -> None:
        self._ask("DELETE", f"/profiles/{profile_id}")

    def _nodes(self, cluster: Json) -> Iterator[Json]:
        """Every node; Senlin's lists have no links to their next page."""
        query: dict[str, str | int] = {"cluster_id": cluster["id"], "limit": NODES_A_PAGE}
        while True:
            page = self._ask("GET", "/nodes", query=query)["nodes"]
            yield from page
            if len(page) < NODES_A_PAGE:
                return
            query["marker"] = page[-1]["id"]

    def _act(self, cluster: Cluster, name: str, asked: Mapping[str, Any]) -> str:
        return str(self._ask("POST", f"/clusters/{cluster.id}/actions", {name: dict(asked)})["action"])

    def _ask(
        self, method: Any, path: str, body: Json | None = None, query: Mapping[str, str | int] | None = None
    ) -> Json:
        return self._services.call("clustering", method, path, body, query)


def only(name: str, found: Sequence[Any]) -> Any:
    """The only cluster of a name, None where there is none."""
    if len(found) > 1:
        raise Malformed(f"{len(found)} clusters are called {name}: delete those that have none of this pool's servers")
    return found[0] if found else None


def spec(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """A profile's spec."""
    return {"type": PROFILE_TYPE, "version": PROFILE_VERSION, "properties": dict(properties)}


def sized(name: str, profile_id: str, size: int) -> Json:
    """A new cluster of so many nodes, without limits of its own."""
    return {"name": name, "profile_id": profile_id, "desired_capacity": size, "min_size": 0, "max_size": -1}


def exactly(size: int) -> Json:
    """A resize to so many nodes."""
    return {"adjustment_type": "EXACT_CAPACITY", "number": size, "strict": True}


def newest(cluster: Cluster) -> Json:
    """The question for the last action on a cluster."""
    return {"target": cluster.id, "sort": "created_at:desc", "limit": 1}


def by_id(nodes: Iterator[Node]) -> tuple[Node, ...]:
    """Nodes in one order, whatever Senlin's."""
    return tuple(sorted(nodes, key=lambda node: node.id))
