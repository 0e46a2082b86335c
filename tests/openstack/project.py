"""A project of a test's own in the lab: its quota and its hypervisor's faults disturb nobody beside it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from elastic.lab.configs import DOMAIN
from elastic.lab.folder import LabFolder
from elastic.lab.rest import Json, Refused, Session
from elastic.lab.seed import MEMBER
from tests.openstack.rig import lab_folder

ROLES = ("member", "heat_stack_owner")


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the lab's member; `clouds` is a clouds.yaml in which the cloud `lab` is this project."""

    id: str
    clouds: Path
    admin: Session

    def faults(self, **faults: object) -> None:
        """Let the hypervisor fail this project's servers so from now on; nothing named: no more."""
        self._say("faults.json", faults)

    def limits(self, **limits: int) -> None:
        """Change what the stubs of Neutron and Cinder allow: port, volumes, gigabytes; nothing named: everything."""
        self._say("limits.json", limits)

    def quota(self, **limits: int) -> None:
        """Change what Nova allows: instances, cores, ram."""
        url = _url("nova", f"/v2.1/os-quota-sets/{self.id}")
        self.admin.ask("PUT", url, {"quota_set": {"force": True, **limits}})

    def state(self, server_id: str, state: str) -> None:
        """Let Nova say that this server is in error, or active, whatever it really is."""
        url = _url("nova", f"/v2.1/servers/{server_id}/action")
        self.admin.ask("POST", url, {"os-resetState": {"state": state}})

    def _say(self, name: str, said: Mapping[str, object]) -> None:
        file = lab_folder() / "projects" / self.id / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if said:
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(said), encoding="utf-8")
            partial.rename(file)


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """Make one, with its clouds.yaml in `folder`; what a test leaves in it must be gone before it is."""
    memory = LabFolder(lab_folder()).memory()
    admin = Session(_url("keystone", "/v3"), "admin", memory.secrets["admin"], "admin")
    name = f"test-{int.from_bytes(os.urandom(4), 'big'):x}"
    made = admin.post(_url("keystone", "/v3/projects"), {"project": {"name": name, "domain_id": DOMAIN}})["project"]
    try:
        roles = {each["name"]: each["id"] for each in admin.get(_url("keystone", "/v3/roles"))["roles"]}
        for role in ROLES:
            path = f"/v3/projects/{made['id']}/users/{memory.ids['user']}/roles/{roles[role]}"
            admin.ask("PUT", _url("keystone", path))
        yield Project(made["id"], _clouds(folder / f"{name}.yaml", name), admin)
    finally:
        with suppress(Refused):
            admin.ask("DELETE", _url("keystone", f"/v3/projects/{made['id']}"))


def _clouds(target: Path, name: str) -> Path:
    known: Json = json.loads((lab_folder() / "clouds.yaml").read_text(encoding="utf-8"))
    own = known["clouds"]["lab"]
    assert own["auth"]["username"] == MEMBER
    own["auth"]["project_name"] = name
    target.touch(mode=0o600)
    target.write_text(json.dumps(known), encoding="utf-8")
    return target


def _url(service: str, path: str) -> str:
    return f"http://127.0.0.1:{LabFolder(lab_folder()).memory().ports[service]}{path}"
