"""User data, held against the schema of the very cloud-init that Debian's stock images carry."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from elastic.adapters.openstack.master import master_user_data
from elastic.adapters.openstack.userdata import HEADER, cloud_config
from elastic.lab.newest import only_one
from elastic.local.debian import download_alone, host_mirror
from elastic.local.errors import LocalError
from elastic.local.runtime import runtime_home
from elastic.local.userdata import UserData
from tests.adapters.openstack.examples import PLAN, WANTED

# Whose images have HTCondor in their package sources.
SUITE = "trixie"
SCHEMA = Path("usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json")
TEMPLATED, PLAIN = HEADER.splitlines()[0], "#cloud-config\n"
WORKER = replace(WANTED, config={"NUM_CPUS": "4", "START": '(Owner =!= "nobody") || "%s: #" == {{{}}, "{%", "{#"}'})
ENROLS = replace(
    WORKER,
    enrol_url="https://10.42.0.5:9681",
    enrol_group="small",
    enrol_secret="once",
    enrol_ca="-----BEGIN CERTIFICATE-----\nMII\n",
)


def worker(wanted: UserData = WORKER, *, packages: bool = True) -> str:
    return cloud_config(wanted, trust_domain="example.org", own_token="own.token.here", packages=packages)


TEXTS = {
    "a worker with a key of its own": worker(),
    "a worker whose image has HTCondor": worker(packages=False),
    "a member named by its server": worker(
        replace(WORKER, attributes={**WORKER.attributes, "ElasticWorker": "{{ v1.instance_id }}"})
    ),
    "a member that enrols": worker(ENROLS),
    "a member that enrols and whose token is renewed": worker(replace(ENROLS, renew_url=ENROLS.enrol_url)),
    "a master": master_user_data(PLAN),
}


@pytest.fixture(scope="module")
def schema() -> Mapping[str, Any]:
    """The schema, from Debian's package, which is looked into and not installed."""
    try:
        mirror = host_mirror()
    except LocalError as error:
        pytest.skip(str(error))
    home = runtime_home().parent / "cloud-init"
    kept = home / f"{SUITE}.json"
    with only_one(home / ".lock"):
        if not kept.exists():
            folder = home / f".{SUITE}.download"
            folder.mkdir(exist_ok=True)
            package = download_alone("cloud-init", suite=SUITE, mirror=mirror, folder=folder)
            subprocess.run(["dpkg-deb", "--extract", package, folder / "unpacked"], check=True)
            shutil.copy(folder / "unpacked" / SCHEMA, home / ".partial")
            (home / ".partial").rename(kept)
            shutil.rmtree(folder)
    found: Mapping[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def filled_in(text: str) -> str:
    """User data, as cloud-init fills in what the server knows of itself, where the first line says so."""
    if not text.startswith(TEMPLATED):
        return text
    template = jinja2.Template(text.partition("\n")[2], undefined=jinja2.StrictUndefined)
    return str(template.render(v1={"instance_id": "0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11"}))


def complaints(schema: Mapping[str, Any], text: str) -> list[str]:
    """What is wrong with user data, read as cloud-init does: filled in, as YAML, then checked."""
    text = filled_in(text)
    if not text.startswith(PLAIN):
        return [f"the first line is not {PLAIN.strip()}"]
    validator = jsonschema.Draft4Validator(schema)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("name", TEXTS)
def test_cloud_init_takes_what_is_generated(schema: Mapping[str, Any], name: str) -> None:
    assert complaints(schema, TEXTS[name]) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"write_files": [{"content": "no path"}]},
        {"write_files": [{"path": "/etc/a", "encoding": "base-64"}]},
        {"write_files": [{"path": "/etc/a", "permissions": 644}]},
        {"packages": "condor"},
        {"runcmd": [{"systemctl": "restart"}]},
        {"write_file": []},
    ],
)
def test_the_schema_finds_what_is_broken(schema: Mapping[str, Any], broken: Mapping[str, Any]) -> None:
    whole = json.loads(TEXTS["a master"].removeprefix(PLAIN))
    assert complaints(schema, PLAIN + json.dumps(whole)) == []
    assert complaints(schema, PLAIN + json.dumps({**whole, **broken})) != []


def test_a_header_that_cloud_init_does_not_know_is_found(schema: Mapping[str, Any]) -> None:
    assert complaints(schema, TEXTS["a master"].removeprefix("#")) != []


def test_braces_of_htcondors_own_are_left_alone() -> None:
    files = yaml.safe_load(filled_in(TEXTS["a worker with a key of its own"]))["write_files"]
    identity = next(file["content"] for file in files if file["path"].endswith("identity.conf"))
    assert f"START = {WORKER.config['START']}" in identity.splitlines()
    assert "ELASTIC_SERVER_ID = 0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11" in identity.splitlines()
