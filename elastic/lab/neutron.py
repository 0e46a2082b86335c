"""What stands in for Neutron: no network at all, said in Neutron's words, so that Nova and Heat can ask.

Ports can be made, listed and deleted, but nothing goes through them; they count against the quota.

python -m elastic.lab.neutron PORT [PROJECTS]
"""

from __future__ import annotations

import sys
import uuid
from typing import Any, ClassVar

from elastic.lab.stub import UNLIMITED, Stub, serve

# One for each project that asks, always the same.
NAMESPACE = uuid.UUID("9f1c1e7e-4c0e-4d6b-8b39-5d1d4f2f8a10")
QUOTAS = ("floatingip", "network", "port", "router", "security_group", "security_group_rule", "subnet")
FILTERS = ("id", "name", "device_id", "device_owner", "network_id", "project_id")


class NeutronStub(Stub):
    """Versions, empty lists, one default security group, quotas, ports; whatever else is made is forgotten."""

    extensions: ClassVar[list[str]] = ["security-group", "quotas", "quota_details", "external-net", "router"]
    ports: ClassVar[dict[str, dict[str, Any]]] = {}

    def on_get(self) -> None:
        """Answer a question."""
        words = self.words()
        if not words:
            self.answer(200, {"versions": [self._version()]})
        elif len(words) == 1:
            self.answer(200, {"resources": [], "version": self._version()})
        elif words[1] == "extensions":
            self.answer(200, {"extensions": [{"alias": alias, "name": alias} for alias in self.extensions]})
        elif words[1] == "quotas":
            self.answer(200, {"quota": self._quota(words[2], details=words[3:] == ["details"])})
        elif words[1] == "ports":
            self._answer_ports(words[2:])
        elif len(words) > 2:  # noqa: PLR2004  a collection, and one member of it
            self._missing(words[1])
        else:
            name = words[1].replace("-", "_")
            self.answer(200, {name: [_default_group()] if name == "security_groups" else []})

    def on_delete(self) -> None:
        """Forget a port; anything else was never there."""
        words = self.words()
        if words[1:2] == ["ports"]:
            self.ports.pop(words[-1], None)
        self.answer(204, None)

    def on_post(self) -> None:
        """Make a port; refuse to make networks: a test that needs them needs a real Neutron."""
        asked = self.read()
        if self.words()[1:] == ["ports"] and isinstance(asked, dict):
            self._make_port(asked["port"])
            return
        message = "the lab has no network: boot servers with networks 'none'"
        self._refuse(409, "Conflict", message)

    def _version(self) -> dict[str, object]:
        host = self.headers.get("Host", "127.0.0.1")
        return {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"http://{host}/v2.0/"}]}

    def _quota(self, project: str, *, details: bool) -> dict[str, object]:
        limits = {name: self.limit(project, name) for name in QUOTAS}
        if not details:
            return dict(limits)
        used = {"port": sum(port["project_id"] == project for port in list(self.ports.values()))}
        return {name: {"limit": limit, "used": used.get(name, 0), "reserved": 0} for name, limit in limits.items()}

    def _answer_ports(self, words: list[str]) -> None:
        if words:
            found = self.ports.get(words[0])
            self.answer(200, {"port": found}) if found else self._missing("ports")
            return
        wanted = {name: value for name, value in self.query().items() if name in FILTERS}
        if (project := self.query().get("tenant_id")) is not None:
            wanted["project_id"] = project
        ports = [p for p in list(self.ports.values()) if all(p[name] == value for name, value in wanted.items())]
        self.answer(200, {"ports": ports})

    def _make_port(self, asked: dict[str, Any]) -> None:
        project = asked.get("project_id", asked.get("tenant_id", ""))
        limit = self.limit(project, "port")
        if limit != UNLIMITED and sum(port["project_id"] == project for port in list(self.ports.values())) >= limit:
            self._refuse(409, "OverQuota", "Quota exceeded for resources: ['port'].")
            return
        port = {name: asked.get(name, "") for name in FILTERS}
        port |= {"id": str(uuid.uuid4()), "project_id": project, "tenant_id": project, "status": "DOWN"}
        port |= {"tags": asked.get("tags", []), "created_at": asked.get("created_at", ""), "fixed_ips": []}
        self.ports[port["id"]] = port
        self.answer(201, {"port": port})

    def _missing(self, kind: str) -> None:
        self._refuse(404, "NotFound", f"no {kind} here")

    def _refuse(self, status: int, kind: str, message: str) -> None:
        self.answer(status, {"NeutronError": {"type": kind, "message": message, "detail": ""}})


def _default_group() -> dict[str, object]:
    return {
        "id": str(uuid.uuid5(NAMESPACE, "default")),
        "name": "default",
        "description": "",
        "project_id": "",
        "tenant_id": "",
        "security_group_rules": [],
    }


if __name__ == "__main__":
    sys.exit(serve(NeutronStub))
