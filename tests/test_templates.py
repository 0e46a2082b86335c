"""What is shipped in hot/, read without any OpenStack: Heat itself reads it in tests/openstack/test_templates.py."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastic.adapters.openstack.gridstack import shipped
from elastic.adapters.openstack.servers import Tag

HOT = Path(__file__).parent.parent / "hot"
TEMPLATES = sorted(file.name for file in HOT.glob("*.yaml"))
ENVIRONMENTS = sorted(file.name for file in (HOT / "env").glob("*.yaml"))
ANYWHERE = ("0.0.0.0/0", "::/0")
OUR_PORTS = {22, 9618}
# By the stack, for elastic: no resource needs them.
REMEMBERED = {"asked", "maximum"}


def template(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((HOT / name).read_text(encoding="utf-8"))
    return found


def named(part: object, function: str) -> Iterator[str]:
    """Every name that a function is called with, anywhere below."""
    if isinstance(part, dict):
        if function in part:
            called = part[function]
            yield called if isinstance(called, str) else called[0]
        part = list(part.values())
    for value in part if isinstance(part, list) else ():
        yield from named(value, function)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_is_explained_and_constrained(name: str) -> None:
    parameters = template(name)["parameters"]
    wrong = [
        each
        for each, said in parameters.items()
        # A boolean is one of two values already.
        if not said.get("description") or not (said["type"] == "boolean" or said.get("constraints"))
    ]
    assert parameters
    assert wrong == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_secrets_are_hidden(name: str) -> None:
    parameters = template(name)["parameters"]
    secrets = {each for each in parameters if each.endswith("user_data") or each == "webhook"}
    assert {each for each, said in parameters.items() if said.get("hidden")} == secrets


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_is_used_or_remembered_and_every_one_used_is_there(name: str) -> None:
    read = template(name)
    used = {each for each in named(read, "get_param") if not each.startswith("OS::")}
    assert used <= read["parameters"].keys()
    assert read["parameters"].keys() - used <= REMEMBERED


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_output_is_explained(name: str) -> None:
    assert [each for each, said in template(name)["outputs"].items() if not said.get("description")] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_open_to_everybody(name: str) -> None:
    text = (HOT / name).read_text(encoding="utf-8")
    assert [each for each in ANYWHERE if each in text] == []


def test_what_comes_in_is_for_named_ports_and_sources_alone() -> None:
    resources = template("grid.yaml")["resources"]
    concatenated = resources["master_security"]["properties"]["rules"]["list_concat"]
    rules = [*concatenated[0], *(part["repeat"]["template"] for part in concatenated[1:])]
    rules.append(resources["workers_from_master"]["properties"])
    ports = {rule["port_range_min"] for rule in rules if isinstance(rule["port_range_min"], int)}
    assert ports == OUR_PORTS
    for rule in rules:
        assert rule["protocol"] == "tcp"
        assert rule["port_range_min"] == rule["port_range_max"]
        assert {"remote_group_id", "remote_ip_prefix", "remote_group"} & rule.keys()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_file_names_what_has_no_default_and_nothing_unknown(name: str) -> None:
    parameters = template("grid.yaml")["parameters"]
    given = yaml.safe_load((HOT / "env" / name).read_text(encoding="utf-8"))
    assert given.keys() == {"parameters"}
    assert {each for each, said in parameters.items() if "default" not in said} <= given["parameters"].keys()
    assert given["parameters"].keys() <= parameters.keys()


@pytest.mark.parametrize("name", ["grid.yaml", "worker-group.yaml"])
def test_what_elastic_sends_is_what_is_shipped_here(name: str) -> None:
    assert shipped(name) == (HOT / name).read_text(encoding="utf-8")


def test_the_profile_of_senlin_says_by_what_elastic_finds_its_servers() -> None:
    profile = yaml.safe_load((HOT / "senlin" / "profile.yaml").read_text(encoding="utf-8"))
    assert profile["properties"]["metadata"] == Tag("POOL", "LEDGER").metadata("GROUP")


def test_the_readme_has_every_template_and_every_parameter() -> None:
    told = (HOT / "README.md").read_text(encoding="utf-8")
    missing = [f"({name})" for name in TEMPLATES if f"({name})" not in told]
    for name in TEMPLATES:
        missing += [f"{name}: {each}" for each in template(name)["parameters"] if f"| `{each}` |" not in told]
    assert missing == []
