"""Logins that Keystone turns down: whose they are is told, and what to do about it."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from elastic.lab.folder import LabFolder
from elastic.lab.rest import Session
from elastic.lab.seed import MEMBER
from elastic.local.daemon import to_toml
from elastic.local.loopback import free_port
from elastic.ports import Finding
from tests.daemon_rig import run
from tests.lab.support import wait
from tests.openstack.bench import adapter, said
from tests.openstack.project import Project, project
from tests.openstack.rig import lab_folder

POOL = "logins"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of this module's own."""
    with project(tmp_path_factory.mktemp("logins")) as made:
        yield made


def application(expires_at: datetime | None) -> Mapping[str, str]:
    """A new application credential of the lab's member, as `auth` of a clouds.yaml has it."""
    memory = LabFolder(lab_folder()).memory()
    keystone = f"http://127.0.0.1:{memory.ports['keystone']}/v3"
    member = Session(keystone, MEMBER, memory.secrets["elastic"], MEMBER)
    name = f"test-{int.from_bytes(os.urandom(4), 'big'):x}"
    wanted = {"name": name} | ({"expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} if expires_at else {})
    url = f"{keystone}/users/{memory.ids['user']}/application_credentials"
    made = member.post(url, {"application_credential": wanted})["application_credential"]
    if expires_at is None:
        member.ask("DELETE", f"{url}/{made['id']}")
    return {
        "auth_url": keystone,
        "application_credential_id": made["id"],
        "application_credential_secret": made["secret"],
    }


def test_check_says_whose_login_keystone_turned_down_and_what_to_do(own: Project, tmp_path: Path) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=5)
    known = json.loads(own.clouds.read_text(encoding="utf-8"))
    base, auth = known["clouds"]["lab"], known["clouds"]["lab"]["auth"]
    expired, deleted = application(expires_at), application(None)
    wrong = {
        "password": {**base, "auth": {**auth, "password": "wrong"}},
        "nothing": {**base, "auth": {name: value for name, value in auth.items() if name != "password"}},
        "deleted": {**base, "auth_type": "v3applicationcredential", "auth": deleted},
        "expired": {**base, "auth_type": "v3applicationcredential", "auth": expired},
    }
    who = {
        "password": f"username {MEMBER}, project name {auth['project_name']}",
        "nothing": f"username {MEMBER}, project name {auth['project_name']}",
        "deleted": f"application credential id {deleted['application_credential_id']}",
        "expired": f"application credential id {expired['application_credential_id']}",
    }
    wait(lambda: datetime.now(UTC) > expires_at, 30, "it has expired")
    for name, cloud in wrong.items():
        clouds = tmp_path / f"{name}.yaml"
        clouds.write_text(json.dumps({"clouds": {"lab": cloud}}), encoding="utf-8")
        with adapter(clouds, tmp_path, POOL, small=said()) as made:
            found = made.cloud.check()[0]
        assert (found.what, found.ok) == ("OpenStack", False), name
        assert found.seen.startswith("access refused: "), name
        assert found.seen.endswith(f"({who[name]})"), name
        assert "it may have expired or be deleted: make another" in found.mend, name
        assert auth["password"] not in found.seen


def test_elastic_check_with_a_wrong_password_exits_with_one_and_without_a_traceback(
    own: Project, tmp_path: Path
) -> None:
    known = json.loads(own.clouds.read_text(encoding="utf-8"))
    known["clouds"]["lab"]["auth"]["password"] = "wrong"
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(json.dumps(known), encoding="utf-8")
    options = {"flavor": "worker-1", "image": "elastic-worker", "networks": "none", "enrolment": "shared"}
    tree = {
        "pool": POOL,
        "folder": str(tmp_path / "state"),
        "htcondor": {"collector": f"127.0.0.1:{free_port()}", "token_folder": str(tmp_path)},
        "cloud": {
            "kind": "openstack",
            "options": {"cloud": "lab", "clouds_file": str(clouds), "telemetry": True, "alarms": True},
        },
        "groups": [
            {"name": "small", "maximum": 1, "shape": {"cpus": 1, "memory_mb": 1, "disk_mb": 1}, "options": options}
        ],
    }
    settings = tmp_path / "elastic.toml"
    settings.write_text(to_toml(tree), encoding="utf-8")
    ended = run("check", "--config", settings, "-o", "json")
    bad = {finding["what"]: finding for finding in json.loads(ended.stdout) if not finding["ok"]}
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "turned the login down" in bad["OpenStack"]["seen"]
    assert "user and password" in bad["OpenStack"]["mend"]
    # What is behind the door is not asked for.
    assert not {"telemetry", "alarms"} & bad.keys()


def test_check_says_that_an_application_credential_makes_no_stack_and_no_cluster(own: Project, tmp_path: Path) -> None:
    known = json.loads(own.clouds.read_text(encoding="utf-8"))
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(json.dumps({"clouds": {"lab": known["clouds"]["lab-application"]}}), encoding="utf-8")
    trusts: dict[str, Finding] = {}

    def told(name: str, login: Path) -> bool:
        """Whether Keystone has answered, which a busy one may not."""
        with adapter(login, tmp_path, POOL, small=said(backend="heat"), single=said()) as made:
            found = {one.what: one for one in made.cloud.check()}
        if "trusts" in found and "not known" not in found["trusts"].seen:
            trusts[name] = found["trusts"]
        return name in trusts

    wait(lambda: told("password", own.clouds), 120, "the password's rights are told")
    wait(lambda: told("application", clouds), 120, "the application credential's rights are told")
    assert (trusts["password"].ok, trusts["application"].ok) == (True, False)
    assert "this login may make none, by which Heat and Senlin act for us" in trusts["application"].seen
    assert "a user with a password" in trusts["application"].mend
