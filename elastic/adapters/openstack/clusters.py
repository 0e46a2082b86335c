"""Senlin's clusters, by either of two ways to its API: openstacksdk's clustering proxy, or python-senlinclient."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from openstack import exceptions

from elastic.adapters.openstack.connection import MICROVERSIONS, Json, Services
from elastic.adapters.openstack.errors import translated
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
        found = _only(name, self._ask("GET", "/clusters", query={"name": name})["clusters"])
        if found is None:
            return None
        try:
            listed = list(self._nodes(found))
        except Malformed as error:
            if GONE in str(error):
                return None
            raise
        nodes = (Node(n["id"], n["physical_id"] or None, n["status"], n["status_reason"] or "") for n in listed)
        return Cluster(found["id"], found["status"], found["desired_capacity"], found["profile_id"], _by_id(nodes))

    def profile(self, name: str, properties: Mapping[str, Any]) -> str:
        profile = {"name": name, "spec": _spec(properties)}
        return str(self._ask("POST", "/profiles", {"profile": profile})["profile"]["id"])

    def create(self, name: str, profile_id: str, size: int) -> None:
        self._ask("POST", "/clusters", {"cluster": _sized(name, profile_id, size)})

    def renew(self, cluster: Cluster, profile_id: str) -> None:
        wanted = {"profile_id": profile_id, "profile_only": True}
        self._ask("PATCH", f"/clusters/{cluster.id}", {"cluster": wanted})

    def resize(self, cluster: Cluster, size: int) -> str:
        return self._act(cluster, "resize", _exactly(size))

    def remove(self, cluster: Cluster, node_ids: Sequence[str]) -> str:
        return self._act(cluster, "del_nodes", {"nodes": list(node_ids), "destroy_after_deletion": True})

    def action(self, action_id: str) -> Action:
        found = self._ask("GET", f"/actions/{action_id}")["action"]
        return Action(found["status"], found["status_reason"] or "")

    def newest_action(self, cluster: Cluster) -> Action | None:
        found = self._ask("GET", "/actions", query=_newest(cluster))["actions"]
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


class ClientClusters:
    """By python-senlinclient's library, as scripts at sites that run Senlin have it."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services
        self._made: Any = None

    @translated
    def read(self, name: str) -> Cluster | None:
        found = _only(name, list(self._client().clusters(name=name)))
        if found is None:
            return None
        try:
            listed = list(self._client().nodes(cluster_id=found.id))
        except exceptions.BadRequestException as error:
            if GONE in str(error):
                return None
            raise
        nodes = (Node(n.id, n.physical_id or None, n.status, n.status_reason or "") for n in listed)
        return Cluster(found.id, found.status, found.desired_capacity, found.profile_id, _by_id(nodes))

    @translated
    def profile(self, name: str, properties: Mapping[str, Any]) -> str:
        return str(self._client().create_profile(name=name, spec=_spec(properties)).id)

    @translated
    def create(self, name: str, profile_id: str, size: int) -> None:
        self._client().create_cluster(**_sized(name, profile_id, size))

    @translated
    def renew(self, cluster: Cluster, profile_id: str) -> None:
        self._client().update_cluster(cluster.id, profile_id=profile_id, is_profile_only=True)

    @translated
    def resize(self, cluster: Cluster, size: int) -> str:
        return _accepted(self._client().cluster_resize(cluster.id, **_exactly(size)))

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
        found = self._client().actions(paginated=False, **_newest(cluster))
        return next((Action(one.status, one.status_reason or "") for one in found), None)

    @translated
    def delete(self, cluster: Cluster) -> None:
        self._client().delete_cluster(cluster.id)

    @translated
    def delete_profile(self, profile_id: str) -> None:
        self._client().delete_profile(profile_id)

    def _client(self) -> Any:
        if self._made is None:
            from senlinclient.v1.client import Client  # noqa: PLC0415 - draws in much of OpenStack's older tooling

            self._made = Client(session=self._services.connection().session)
            self._made.service.default_microversion = MICROVERSIONS["clustering"]
        return self._made


def _accepted(answer: Json) -> str:
    """The action's id; the library hands a refusal on as if it were an answer."""
    if "action" in answer:
        return str(answer["action"])
    refusal = exceptions.HttpException(message=str(answer.get("error", answer)))
    refusal.status_code = answer.get("code")
    raise refusal


def _only(name: str, found: Sequence[Any]) -> Any:
    """The only cluster of a name, None where there is none."""
    if len(found) > 1:
        raise Malformed(f"{len(found)} clusters are called {name}: delete those that have none of this pool's servers")
    return found[0] if found else None


def _spec(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": PROFILE_TYPE, "version": PROFILE_VERSION, "properties": dict(properties)}


def _sized(name: str, profile_id: str, size: int) -> Json:
    return {"name": name, "profile_id": profile_id, "desired_capacity": size, "min_size": 0, "max_size": -1}


def _exactly(size: int) -> Json:
    return {"adjustment_type": "EXACT_CAPACITY", "number": size, "strict": True}


def _newest(cluster: Cluster) -> Json:
    return {"target": cluster.id, "sort": "created_at:desc", "limit": 1}


def _by_id(nodes: Iterator[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: node.id))
