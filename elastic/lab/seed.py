"""What a new control plane holds: users, endpoints, flavors, images, archive policies; made where missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastic.lab.configs import DOMAIN, REGION, Site, users
from elastic.lab.folder import write_private
from elastic.lab.rest import Json, Refused, Session

MEMBER = "elastic"
IMAGES = ("elastic-worker", "elastic-worker-next")
# name -> vcpus, MiB of memory, GB of disk
FLAVORS: Mapping[str, tuple[int, int, int]] = {
    "worker-1": (1, 1024, 1),
    "worker-2": (2, 2048, 2),
    "worker-4": (4, 4096, 4),
    "worker-8": (8, 8192, 8),
}
# type, description, port, path
ENDPOINTS: Sequence[tuple[str, str, str, str]] = (
    ("identity", "keystone", "keystone", "/v3"),
    ("placement", "placement", "placement", ""),
    ("image", "glance", "glance", ""),
    ("network", "neutron", "neutron", ""),
    ("block-storage", "cinder", "cinder", "/v3/%(tenant_id)s"),
    ("compute", "nova", "nova", "/v2.1"),
    ("orchestration", "heat", "heat", "/v1/%(tenant_id)s"),
    ("cloudformation", "heat-cfn", "heat-cfn", "/v1"),
    ("clustering", "senlin", "senlin", ""),
    ("metric", "gnocchi", "gnocchi", ""),
    ("alarming", "aodh", "aodh", ""),
)
ROLES = ("member", "reader", "service", "heat_stack_user", "heat_stack_owner")
ARCHIVE_POLICY = "lab"
GRANULARITY_SECONDS = (10, 60)
# As Ceilometer makes it.
INSTANCE_ATTRIBUTES = ("display_name", "flavor_id", "flavor_name", "host", "image_ref", "server_group")
TEXT = {"type": "string", "min_length": 0, "max_length": 255, "required": False}


@dataclass(frozen=True, slots=True)
class Seed:
    """Fills the services of one site, as its administrator."""

    site: Site
    admin: Session

    def identity(self) -> Mapping[str, str]:
        """Make users, roles, endpoints; return the ids that others need."""
        roles = {name: self._ensure("roles", name) for name in (*ROLES, "admin")}
        service = self._ensure("projects", "service", domain_id=DOMAIN)
        for name in users():
            user = self._user(name, self.site.service_secret, DOMAIN)
            for role in ("admin", "service"):
                self._keystone("PUT", f"/projects/{service}/users/{user}/roles/{roles[role]}")
        self._heat_domain(roles["admin"])
        project = self._ensure("projects", MEMBER, domain_id=DOMAIN)
        member = self._user(MEMBER, self.site.memory.secrets["elastic"], DOMAIN)
        for role in ("member", "heat_stack_owner"):
            self._keystone("PUT", f"/projects/{project}/users/{member}/roles/{roles[role]}")
        self.endpoints()
        return {"project": project, "user": member, "service-project": service}

    def compute(self) -> None:
        """Make the flavors and the images; an image here is a name and some bytes, nothing boots from it."""
        nova, glance = self.site.url("nova", "/v2.1"), self.site.url("glance", "/v2")
        present = {flavor["name"] for flavor in self.admin.get(f"{nova}/flavors")["flavors"]}
        for name in FLAVORS.keys() - present:
            vcpus, memory, disk = FLAVORS[name]
            flavor = {"id": name, "name": name, "vcpus": vcpus, "ram": memory, "disk": disk}
            self.admin.post(f"{nova}/flavors", {"flavor": flavor})
        for name in IMAGES:
            found = self.admin.get(f"{glance}/images?name={name}")["images"]
            if not any(image["status"] == "active" for image in found):
                wanted = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
                image = self.admin.post(f"{glance}/images", wanted)
                self.admin.ask("PUT", f"{glance}/images/{image['id']}/file", f"{name}\n".encode())

    def metering(self) -> None:
        """Make the archive policy and the resource type that the meter uses."""
        gnocchi = self.site.url("gnocchi", "/v1")
        definition = [{"granularity": seconds, "timespan": seconds * 1440} for seconds in GRANULARITY_SECONDS]
        methods = ["mean", "max", "min", "count", "last", "rate:mean", "rate:max"]
        policy = {"name": ARCHIVE_POLICY, "definition": definition, "aggregation_methods": methods, "back_window": 0}
        attributes = dict.fromkeys(INSTANCE_ATTRIBUTES, TEXT)
        self._once(f"{gnocchi}/archive_policy", policy)
        self._once(f"{gnocchi}/resource_type", {"name": "instance", "attributes": attributes})

    def access(self) -> None:
        """Write the clouds.yaml: the member by password and by application credential, and the administrator."""
        memory, keystone = self.site.memory, self.site.url("keystone", "/v3")
        member = Session(keystone, MEMBER, memory.secrets["elastic"], MEMBER)
        credential = self._application_credential(member)
        common = {"region_name": REGION, "identity_api_version": 3}

        def login(name: str, secret: str, project: str) -> Mapping[str, object]:
            auth = {
                "auth_url": keystone,
                "username": name,
                "password": memory.secrets[secret],
                "project_name": project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            }
            return {**common, "auth": auth}

        application = {"auth_url": keystone, **credential}
        clouds = {
            "lab": login(MEMBER, "elastic", MEMBER),
            "lab-application": {**common, "auth_type": "v3applicationcredential", "auth": application},
            "lab-admin": login("admin", "admin", "admin"),
            "lab-service": login("ceilometer", "service", "service"),
        }
        # JSON is YAML.
        write_private(self.site.folder.clouds, json.dumps({"clouds": clouds}, indent=2) + "\n")

    def _application_credential(self, member: Session) -> Mapping[str, str]:
        """Make it anew: its secret is told once."""
        keystone = self.site.url("keystone", "/v3")
        user = self.site.memory.ids["user"]
        known = member.get(f"{keystone}/users/{user}/application_credentials")["application_credentials"]
        for each in known:
            if each["name"] == "lab":
                member.ask("DELETE", f"{keystone}/users/{user}/application_credentials/{each['id']}")
        # Restricted, as it is by default: an unrestricted one may make no trusts for Heat and Senlin either.
        wanted = {"application_credential": {"name": "lab"}}
        made = member.post(f"{keystone}/users/{user}/application_credentials", wanted)["application_credential"]
        return {"application_credential_id": made["id"], "application_credential_secret": made["secret"]}

    def _heat_domain(self, admin_role: str) -> None:
        domain = self._ensure("domains", "heat")
        admin = self._user("heat_domain_admin", self.site.memory.secrets["heat-domain"], domain)
        self._keystone("PUT", f"/domains/{domain}/users/{admin}/roles/{admin_role}")

    def endpoints(self) -> None:
        """Make each service's endpoint, or correct it: ports may have changed."""
        services = {each["type"]: each["id"] for each in self._keystone("GET", "/services")["services"]}
        endpoints = {
            (each["service_id"], each["interface"]): each for each in self._keystone("GET", "/endpoints")["endpoints"]
        }
        for kind, name, port, path in ENDPOINTS:
            service = services.get(kind) or self._made("service", {"type": kind, "name": name})
            for interface in ("public", "internal"):
                wanted = {"interface": interface, "region_id": REGION, "url": self.site.url(port, path)}
                known = endpoints.get((service, interface))
                if known is None:
                    self._made("endpoint", {**wanted, "service_id": service})
                elif known["url"] != wanted["url"]:
                    self._keystone("PATCH", f"/endpoints/{known['id']}", {"endpoint": wanted})

    def _user(self, name: str, password: str, domain: str) -> str:
        return self._ensure("users", name, domain_id=domain, password=password)

    def _ensure(self, collection: str, name: str, **fields: str) -> str:
        scope = f"&domain_id={fields['domain_id']}" if "domain_id" in fields else ""
        found = self._keystone("GET", f"/{collection}?name={name}{scope}")[collection]
        return str(found[0]["id"]) if found else self._made(collection.removesuffix("s"), {"name": name, **fields})

    def _made(self, kind: str, fields: Mapping[str, object]) -> str:
        return str(self._keystone("POST", f"/{kind}s", {kind: fields})[kind]["id"])

    def _keystone(self, method: str, path: str, body: Json = None) -> Json:
        return self.admin.ask(method, self.site.url("keystone", f"/v3{path}"), body)

    def _once(self, url: str, body: Json) -> None:
        """Make what may be there already."""
        try:
            self.admin.post(url, body)
        except Refused as error:
            if error.status != 409:  # noqa: PLR2004  conflict: it is there
                raise
