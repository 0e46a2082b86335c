"""What is shipped for Ceilometer says the same as the settings' defaults and the adapter."""

from pathlib import Path
from typing import Any

import yaml

from elastic.adapters.openstack.metering import ADVISED_SECONDS
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.servers import Tag

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "ceilometer"


def read(name: str) -> Any:  # noqa: ANN401  YAML
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def test_cpu_is_polled_as_often_as_the_daemon_takes_it_to_be() -> None:
    (source,) = read("polling.yaml")["sources"]
    assert source.keys() == {"name", "interval", "meters"}
    assert (source["interval"], source["meters"]) == (site_options({}).granularity_seconds, ["cpu"])
    assert source["interval"] <= ADVISED_SECONDS


def test_cpu_is_kept_as_often_and_in_the_ways_that_the_daemon_asks_for() -> None:
    shipped = read("gnocchi_resources.yaml")
    (policy,) = shipped["archive_policies"]
    (resource,) = shipped["resources"]
    assert resource["resource_type"] == "instance"
    assert resource["metrics"] == {"cpu": {"archive_policy_name": policy["name"]}}
    assert set(policy["aggregation_methods"]) == {"mean", "rate:mean"}
    assert [one["granularity"] for one in policy["definition"]] == ["1 minute"]
    assert site_options({}).granularity_seconds == 60


def test_servers_are_found_by_the_metadata_that_they_are_given() -> None:
    """Ceilometer keeps what follows `metering.` as user metadata."""
    (resource,) = read("gnocchi_resources.yaml")["resources"]
    given = [name for name in Tag("pool", "ledger").metadata("small") if name.startswith("metering.")]
    assert given == ["metering.server_group"]
    assert resource["attributes"] == {"server_group": "resource_metadata.user_metadata.server_group"}
