"""What the master of a new grid is told."""

import base64
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from elastic.adapters.openstack import master
from elastic.adapters.openstack.master import master_user_data, settings
from elastic.adapters.openstack.options import group_options, site_options
from elastic.adapters.openstack.userdata import LONGEST_BYTES, encoded
from elastic.settings import load
from tests.adapters.openstack.examples import PLAN

READ = """
import json, htcondor2
names = ("READ", "WRITE", "DAEMON", "NEGOTIATOR", "ADMINISTRATOR", "ADVERTISE_STARTD", "ADVERTISE_MASTER",
         "ADVERTISE_SCHEDD")
wanted = [f"ALLOW_{name}" for name in names]
wanted += ["SEC_DEFAULT_AUTHENTICATION_METHODS", "SEC_DEFAULT_ENCRYPTION", "PRIVATE_NETWORK_NAME"]
print(json.dumps({name: str(htcondor2.param[name]) for name in wanted}))
"""
PLACES = {master.ADDRESS: "10.42.0.5", master.NETWORK: "network-id", master.SECURITY_GROUP: "group-id"}


def config() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads(master_user_data(PLAN).removeprefix("#cloud-config\n"))
    return found


def test_only_root_reads_the_secrets_and_each_grid_has_its_own() -> None:
    secrets = [
        {file["path"]: file["content"] for file in config()["write_files"] if file["permissions"] == "0600"}
        for _ in range(2)
    ]
    assert secrets[0].keys() == {
        "/etc/condor/passwords.d/POOL",
        "/etc/condor/tokens.d/condor",
        "/etc/elastic/tokens.d/elastic",
    }
    assert not set(secrets[0].values()) & set(secrets[1].values())


def test_what_heat_fills_in_stands_where_it_is_read_as_text() -> None:
    whole = config()
    plain = json.dumps([file for file in whole["write_files"] if "encoding" not in file] + whole["runcmd"])
    assert set(re.findall("@ELASTIC_[A-Z_]+@", plain)) == {*PLACES, master.READY}
    # Heat adds addresses, ids and a command of some hundred characters, and Nova must still take it.
    assert len(encoded(master_user_data(PLAN))) < LONGEST_BYTES - 4000


def test_the_settings_on_the_master_are_those_of_a_daemon_that_makes_workers_in_its_network(tmp_path: Path) -> None:
    text = settings(PLAN)
    for place, value in PLACES.items():
        text = text.replace(place, value)
    (tmp_path / "elastic.toml").write_text(text, encoding="utf-8")
    loaded = load(tmp_path / "elastic.toml", {})
    (group,) = loaded.group_specs().values()
    options = group_options(group)
    assert (loaded.pool, loaded.cloud.kind, group.maximum, group.shape) == ("night", "openstack", 16, PLAN.shape)
    assert (options.networks, options.security_groups) == (("network-id",), ("group-id",))
    assert site_options(tomllib.loads(text)["cloud"]["options"]).collector == "10.42.0.5:9618"


def test_a_grid_without_a_network_of_its_own_says_so() -> None:
    text = settings(PLAN).replace(master.NETWORK, "none").replace(master.SECURITY_GROUP, "")
    options = tomllib.loads(text)["groups"][0]["options"]
    assert (options["networks"], options["security_groups"]) == ("none", "")


def test_htcondor_reads_that_nobody_may_do_anything_unnamed_and_that_tokens_are_the_only_way_in(tmp_path: Path) -> None:
    files = {Path(file["path"]).name: file for file in config()["write_files"]}
    parts = (base64.b64decode(files[name]["content"]).decode() for name in (master.IDENTITY, master.FRAGMENT))
    (tmp_path / "condor_config").write_text("\n".join(parts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env={**os.environ, "CONDOR_CONFIG": str(tmp_path / "condor_config")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    read: dict[str, str] = json.loads(done.stdout)
    allowed = {name: set(value.replace(",", " ").split()) for name, value in read.items() if name.startswith("ALLOW_")}
    assert [name for name, who in allowed.items() if "*" in who] == []
    assert "elastic@night.elastic" in allowed["ALLOW_ADVERTISE_STARTD"]
    assert {"worker@night.elastic", "execute-side@matchsession"} <= allowed["ALLOW_READ"]
    assert (read["SEC_DEFAULT_AUTHENTICATION_METHODS"], read["SEC_DEFAULT_ENCRYPTION"]) == ("IDTOKENS", "REQUIRED")
    assert read["PRIVATE_NETWORK_NAME"] == "elastic-night"
