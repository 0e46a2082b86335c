"""The shipped templates and specs, taken by real Heat and Senlin, rendered by Heat's engine, deployed in the lab."""

import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.gridstack import shipped
from elastic.adapters.openstack.names import Names
from elastic.lab.release import Release
from elastic.lab.software import known
from elastic.ports import NotFound
from tests.lab.support import wait
from tests.openstack.rig import lab_folder

HOT = Path(__file__).parents[2] / "hot"
TEMPLATES = sorted(file.name for file in HOT.glob("*.yaml"))
FILES = {"worker-group.yaml": shipped("worker-group.yaml")}
IDS = {"image": "image-id", "flavor": "flavor-id", "master_image": "image-id", "master_flavor": "flavor-id"}
SIZES = (1, 6, 7, 100, 999, 10000)
# What the network, DHCP, router and master take.
RESERVED = 8


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    found = Services("lab", clouds_file=lab_folder() / "clouds.yaml")
    yield found
    found.close()


CASES: Mapping[str, Mapping[str, object]] = {
    "whole": {"maximum": 1000, "external_network": "outside"},
    "open": {"maximum": 10, "ssh_from": ["192.0.2.0/24"], "submit_from": ["198.51.100.0/24", "203.0.113.7/32"]},
    "lab": {"maximum": 4, "network_parts": False},
    "least": {"maximum": 4, "network_parts": False, "wait_for_master": False, "worker_group": False},
    "told": {"maximum": 4, "master_user_data": "@ELASTIC_NETWORK@ @ELASTIC_SECURITY_GROUP@"},
    **{f"{maximum}": {"maximum": maximum} for maximum in SIZES},
}


@pytest.fixture(scope="module")
def rendered() -> Mapping[str, Any]:
    """By case, the resources of grid.yaml as Heat's own engine sees them."""
    software = known(Release(os.environ.get("ELASTIC_LAB_RELEASE", Release.NEWEST)))
    cases = {case: {**IDS, **parameters} for case, parameters in CASES.items()}
    asked = {"template": shipped("grid.yaml"), "files": FILES, "parameters": cases}
    done = subprocess.run(
        [software.python, Path(__file__).with_name("rendered.py")],
        input=json.dumps(asked),
        env={**os.environ, **software.variables},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_heat_takes_the_template(services: Services, name: str) -> None:
    text = (HOT / name).read_text(encoding="utf-8")
    found = services.call("orchestration", "POST", "/validate", {"template": text, "files": FILES})
    assert found["Parameters"].keys() == yaml.safe_load(text)["parameters"].keys()


def test_the_network_parts_are_what_was_asked_for(rendered: Mapping[str, Any]) -> None:
    found = rendered["whole"]
    kinds = {name: one["type"] for name, one in found.items() if one["type"].startswith("OS::Neutron")}
    assert kinds == {
        "network": "OS::Neutron::Net",
        "subnet": "OS::Neutron::Subnet",
        "router": "OS::Neutron::Router",
        "router_interface": "OS::Neutron::RouterInterface",
        "workers_security": "OS::Neutron::SecurityGroup",
        "master_security": "OS::Neutron::SecurityGroup",
        "workers_from_master": "OS::Neutron::SecurityGroupRule",
        "master_port": "OS::Neutron::Port",
        "master_address": "OS::Neutron::FloatingIP",
    }
    assert found["router"]["properties"]["external_gateway_info"] == {"network": "outside"}
    assert found["master_address"]["properties"] == {"floating_network": "outside", "port_id": "master_port"}
    assert found["master"]["properties"]["networks"] == [{"port": "master_port"}]
    assert found["workers"]["properties"]["networks"] == [{"network": "network"}]
    assert found["workers"]["properties"]["security_groups"] == ["workers_security"]


def test_only_htcondor_enrolment_and_what_was_named_comes_in(rendered: Mapping[str, Any]) -> None:
    found = rendered["open"]
    rules = found["master_security"]["properties"]["rules"]
    open_to = {
        (rule["port_range_min"], rule["port_range_max"], rule.get("remote_group_id") or rule["remote_ip_prefix"])
        for rule in rules
    }
    assert open_to == {
        (9618, 9618, "workers_security"),
        (9681, 9681, "workers_security"),
        (9618, 9618, "198.51.100.0/24"),
        (9618, 9618, "203.0.113.7/32"),
        (22, 22, "192.0.2.0/24"),
    }
    assert found["workers_security"]["properties"].get("rules") is None
    assert found["workers_from_master"]["properties"] == {
        "security_group": "workers_security",
        "protocol": "tcp",
        "port_range_min": 9618,
        "port_range_max": 9618,
        "remote_group": "master_security",
    }


def test_workers_come_after_the_masters_word_and_the_master_after_its_way_out(rendered: Mapping[str, Any]) -> None:
    found = rendered["whole"]
    assert {"router_interface", "workers_from_master", "master_port"} <= set(found["master"]["requires"])
    assert found["master_ready"]["requires"] == ["master", "master_word"]
    assert {"master", "master_ready", "network", "workers_security"} <= set(found["workers"]["requires"])
    assert "router_interface" in found["master_address"]["requires"]


@pytest.mark.parametrize("maximum", SIZES)
def test_the_network_has_an_address_for_every_worker_and_is_no_larger_than_it_must_be(
    rendered: Mapping[str, Any], maximum: int
) -> None:
    network = ipaddress.ip_network(rendered[f"{maximum}"]["subnet"]["properties"]["cidr"])
    wanted = maximum + maximum // 4 + RESERVED
    assert wanted <= network.num_addresses < max(2 * wanted, 17)


def test_without_network_parts_there_is_none(rendered: Mapping[str, Any]) -> None:
    found = rendered["lab"]
    assert found.keys() == {"master_word", "master", "master_ready", "workers"}
    assert found["master"]["properties"]["networks"] == [{"allocate_network": "none"}]
    assert rendered["least"].keys() == {"master"}


def test_the_master_is_told_what_its_workers_are_attached_to(rendered: Mapping[str, Any]) -> None:
    assert rendered["told"]["master"]["properties"]["user_data"] == "network workers_security"


@pytest.mark.parametrize("kind", ["profile", "policy"])
def test_senlin_takes_the_specs(services: Services, kind: str) -> None:
    file, path, body = {
        "profile": ("profile.yaml", "/profiles/validate", "profile"),
        "policy": ("deletion-policy.yaml", "/policies/validate", "policy"),
    }[kind]
    spec = yaml.safe_load((HOT / "senlin" / file).read_text(encoding="utf-8"))
    if kind == "profile":
        # Real ones, but for the network: the lab has none.
        names = Names(services)
        real = {"image": names.image("elastic-worker"), "flavor": "worker-1", "networks": [], "security_groups": []}
        spec["properties"] |= real
    services.connection().clustering.default_microversion = "1.2"
    found = services.call("clustering", "POST", path, {body: {"spec": spec}})
    assert found[body]["spec"]["type"] == spec["type"]


def test_a_worker_and_the_alarms_of_its_group_are_made_and_removed(services: Services) -> None:
    number = os.urandom(4).hex()
    webhook = "http://127.0.0.1:9/v1/alarms/aodh/small?secret=none"
    worker = {"name": f"static-{number}", "image": "elastic-worker", "flavor": "worker-1", "user_data": ""}
    wanted = {
        "worker.yaml": {**worker, "networks": [{"allocate_network": "none"}]},
        "alarms.yaml": {"pool": f"p{number}", "group": "small", "webhook": webhook, "vcpus": 2},
    }
    names = {file: f"shipped-{number}-{file.removesuffix('.yaml')}" for file in wanted}
    try:
        for file, parameters in wanted.items():
            asked = {"stack_name": names[file], "template": (HOT / file).read_text(), "parameters": parameters}
            services.call("orchestration", "POST", "/stacks", asked)
        made = {file: wait(partial(settled, services, name), 120) for file, name in names.items()}
        assert {file: one["stack_status"] for file, one in made.items()} == dict.fromkeys(wanted, "CREATE_COMPLETE")
        alarm_id = next(one["output_value"] for one in made["alarms.yaml"]["outputs"] if one["output_key"] == "high")
        alarm = services.call("alarm", "GET", f"/alarms/{alarm_id}")
        rule = alarm["gnocchi_aggregation_by_resources_threshold_rule"]
        # 80 % of two cpus over 60 s, in nanoseconds.
        assert rule["threshold"] == 0.8 * 2 * 60e9
        # Aodh adds whose resources may be read.
        assert json.dumps({"=": {"server_group": f"p{number}.small"}}) in json.dumps(json.loads(rule["query"]))
        assert alarm["alarm_actions"] == [webhook]
    finally:
        for name in names.values():
            services.call("orchestration", "DELETE", f"/stacks/{name}")
    for name in names.values():
        wait(partial(gone, services, name), 120)


def stack(services: Services, name: str) -> Mapping[str, Any]:
    listed = services.call("orchestration", "GET", "/stacks", query={"name": name})["stacks"]
    with suppress(NotFound):
        return services.call("orchestration", "GET", f"/stacks/{name}")["stack"] if listed else {}
    return {}


def gone(services: Services, name: str) -> bool:
    return not stack(services, name)


def settled(services: Services, name: str) -> Mapping[str, Any]:
    """The stack, once nothing goes on."""
    found = stack(services, name)
    return {} if not found or found["stack_status"].endswith("_IN_PROGRESS") else found
