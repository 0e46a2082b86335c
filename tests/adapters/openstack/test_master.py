"""What the master of a new grid is told."""

import json
import re
import tomllib
from pathlib import Path

from elastic.adapters.openstack import master
from elastic.adapters.openstack.master import GridPlan, master_user_data, settings
from elastic.adapters.openstack.options import group_options, site_options
from elastic.adapters.openstack.userdata import LONGEST_BYTES, encoded
from elastic.core.resources import Resources
from elastic.settings import load

PLAN = GridPlan(
    name="night",
    domain="night.elastic",
    maximum=16,
    image="image-id",
    flavor="flavor-id",
    shape=Resources(4, 8192, 40960, gpus=0),
)
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
