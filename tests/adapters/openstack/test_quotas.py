"""What is left of quotas, read from answers as the services give them, and how many workers fit into it.

The answers have the shapes of the services' API references (compute `limits`, network `quotas/{id}/details` and
`network-ip-availabilities`, block storage `limits`).
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import pytest

from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.quotas import CINDER, NOVA, Quotas, addresses, amounts, ports, quota, takes
from elastic.adapters.openstack.resting import REST_SECONDS
from elastic.core.observation import Quota
from elastic.core.resources import Resources
from elastic.ports import NotFound, PortError, Transient

COMPUTE: Mapping[str, Any] = {
    "maxImageMeta": 128, "maxServerMeta": 128, "maxServerGroupMembers": 10, "maxServerGroups": 10,
    "maxTotalCores": 20, "maxTotalInstances": 10, "maxTotalKeypairs": 100, "maxTotalRAMSize": 51200,
    "totalCoresUsed": 4, "totalInstancesUsed": 3, "totalRAMUsed": 8192, "totalServerGroupsUsed": 1,
}  # fmt: skip
VOLUMES: Mapping[str, Any] = {
    "totalSnapshotsUsed": 0, "maxTotalBackups": 10, "maxTotalVolumeGigabytes": 1000, "maxTotalSnapshots": 10,
    "maxTotalBackupGigabytes": 1000, "totalBackupGigabytesUsed": 0, "maxTotalVolumes": 10, "totalVolumesUsed": 2,
    "totalBackupsUsed": 0, "totalGigabytesUsed": 60,
}  # fmt: skip
NETWORK: Mapping[str, Any] = {
    "quota": {
        "rbac_policy": {"used": 4, "limit": 10, "reserved": 0},
        "subnetpool": {"used": 2, "limit": -1, "reserved": 0},
        "security_group_rule": {"used": 10, "limit": 100, "reserved": 1},
        "security_group": {"used": 3, "limit": 10, "reserved": 0},
        "subnet": {"used": 3, "limit": 100, "reserved": 0},
        "router": {"used": 1, "limit": 10, "reserved": 0},
        "floatingip": {"used": 2, "limit": 50, "reserved": 0},
        "network": {"used": 2, "limit": 10, "reserved": 0},
        "port": {"used": 30, "limit": 50, "reserved": 1},
    }
}
AVAILABILITIES: Mapping[str, Any] = {
    "network_ip_availabilities": [
        {
            "network_id": "n-1",
            "network_name": "grid",
            "subnet_ip_availability": [
                {"cidr": "2001:db8::/64", "ip_version": 6, "subnet_id": "s-1", "subnet_name": "six",
                 "total_ips": 18446744073709551614, "used_ips": 1},
                {"cidr": "10.0.0.0/24", "ip_version": 4, "subnet_id": "s-2", "subnet_name": "four",
                 "total_ips": 253, "used_ips": 250},
            ],
            "project_id": "p", "tenant_id": "p", "total_ips": 253, "used_ips": 250,
        },
        {"network_id": "n-2", "network_name": "bare", "subnet_ip_availability": [], "project_id": "p",
         "tenant_id": "p", "total_ips": 0, "used_ips": 0},
    ]
}  # fmt: skip
FLAVOR = Resources(4, 8192, 20480, 0)


def options(**said: object) -> GroupOptions:
    return GroupOptions.model_validate({"flavor": "m1.large", "image": "debian-12", **said})


def test_nova_tells_of_servers_cores_and_memory() -> None:
    assert amounts(dict(COMPUTE), NOVA) == {"instances": 7, "cores": 16, "memory_mb": 43008}


def test_cinder_tells_of_volumes_and_their_size() -> None:
    assert amounts(dict(VOLUMES), CINDER) == {"volumes": 8, "gigabytes": 940}


def test_what_has_no_limit_leaves_everything_and_what_is_over_it_nothing() -> None:
    limits = {**COMPUTE, "maxTotalCores": -1, "totalInstancesUsed": 12}
    assert amounts(limits, NOVA) == {"instances": 0, "cores": inf, "memory_mb": 43008}


def test_reserved_ports_are_used_ones() -> None:
    assert ports(dict(NETWORK)) == {"ports": 19}


def test_a_network_ends_where_its_ipv4_addresses_do() -> None:
    assert addresses(dict(AVAILABILITIES)) == {"addresses of network n-1": 3}


@pytest.mark.parametrize(
    ("said", "networks", "more"),
    [
        ({"networks": "none"}, [], {}),
        ({}, [], {"ports": 1}),
        ({"networks": "grid"}, ["n-1"], {"ports": 1, "addresses of network n-1": 1}),
        ({"networks": "grid,store"}, ["n-1", "n-2"],
         {"ports": 2, "addresses of network n-1": 1, "addresses of network n-2": 1}),
        ({"networks": "grid,grid"}, ["n-1", "n-1"], {"ports": 2, "addresses of network n-1": 2}),
        ({"networks": "none", "volume_gb": "20"}, [], {"volumes": 1, "gigabytes": 20}),
        ({"networks": "none", "server_group": "sg"}, [], {"members of server group sg": 1}),
    ],
)  # fmt: skip
def test_a_worker_takes_of_each_resource_that_its_options_name(
    said: dict[str, object], networks: list[str], more: dict[str, int]
) -> None:
    nova = {"instances": 1, "cores": 4, "memory_mb": 8192}
    assert takes(options(**said), FLAVOR, networks) == {**nova, **more}


@pytest.mark.parametrize(
    ("left", "workers", "resource"),
    [
        ({"instances": 3, "cores": 40, "memory_mb": 99999}, 3, "instances"),
        ({"instances": 30, "cores": 7, "memory_mb": 99999}, 1, "cores"),
        ({"instances": 30, "cores": 40, "memory_mb": 8191}, 0, "memory_mb"),
        ({"instances": 30, "cores": 400, "memory_mb": inf, "gigabytes": 59, "volumes": 8}, 2, "gigabytes"),
        ({"instances": 30, "cores": 400, "memory_mb": inf, "ports": 1}, 1, "ports"),
    ],
)
def test_the_quota_leaves_as_many_workers_as_its_scarcest_resource(
    left: dict[str, float], workers: int, resource: str
) -> None:
    reason = f"the project's quota of {resource} leaves room for {workers} more"
    taken = takes(options(volume_gb="20"), FLAVOR, [])
    assert quota(left, taken) == Quota(workers_left=workers, reason=reason)


def test_a_project_without_limits_says_nothing_and_what_nobody_tells_of_stops_nobody() -> None:
    taken = takes(options(volume_gb="20"), FLAVOR, ["n-1"])
    assert quota(dict.fromkeys(("instances", "cores", "memory_mb"), inf), taken) == Quota(workers_left=None)


class Answering:
    """Services that give these answers, or raise these errors, and note what was asked."""

    def __init__(self, **answers: object) -> None:
        self.answers: dict[str, object] = {"compute": {"limits": {"rate": [], "absolute": COMPUTE}}, **answers}
        self.asked: list[str] = []

    def call(self, service: str, method: str, path: str) -> object:
        assert method == "GET"
        self.asked.append(f"{service} {path}")
        answer = self.answers[service]
        if isinstance(answer, PortError):
            raise answer
        return answer

    def connection(self) -> "Answering":
        return self

    @property
    def current_project_id(self) -> str:
        return "p"


def made(services: Answering, monotonic: Callable[[], float] = lambda: 0.0) -> Quotas:
    return Quotas(services, monotonic)  # type: ignore[arg-type]  # it stands for the service


def test_only_what_a_group_takes_is_asked_for() -> None:
    services = Answering(network=NETWORK, block_storage={"limits": {"rate": [], "absolute": VOLUMES}})
    assert made(services).left({"instances", "cores"}) == {"instances": 7, "cores": 16, "memory_mb": 43008}
    assert services.asked == ["compute /limits"]
    left = made(services).left({"instances", "ports", "gigabytes"})
    assert (left["ports"], left["gigabytes"]) == (19, 940)
    assert services.asked[1:] == ["compute /limits", "network /quotas/p/details", "block_storage /limits"]


def test_a_service_that_fails_leaves_its_last_answer_in_force() -> None:
    services = Answering(network=NETWORK)
    quotas = made(services)
    assert quotas.left({"ports"})["ports"] == 19
    services.answers["network"] = Transient("500")
    assert quotas.left({"ports"})["ports"] == 19
    assert quotas.untold() == {"Neutron's quotas": "500"}
    services.answers["network"] = {"quota": {"port": {"used": 0, "limit": 2, "reserved": 0}}}
    assert quotas.left({"ports"})["ports"] == 2
    assert quotas.untold() == {}


def test_a_service_that_will_not_tell_is_not_asked_at_each_tick() -> None:
    moments = iter((0.0, 0.0, 30.0, REST_SECONDS - 1, REST_SECONDS + 1, REST_SECONDS + 1))
    services = Answering(network=NotFound("404"))
    quotas = made(services, lambda: next(moments))
    for asked in (1, 1, 1, 2):
        assert "ports" not in quotas.left({"ports"})
        assert services.asked.count("network /quotas/p/details") == asked


def test_the_members_of_a_server_group_are_limited_too() -> None:
    services = Answering()
    services.answers["compute"] = {
        "limits": {"rate": [], "absolute": COMPUTE},
        "server_group": {"id": "sg", "name": "spread", "policy": "soft-anti-affinity", "members": ["a", "b", "c"]},
    }
    assert made(services).left({"members of server group sg"})["members of server group sg"] == 7


def test_what_one_group_has_asked_for_is_no_longer_there_for_another_until_the_quota_is_read_again() -> None:
    quotas = made(Answering())
    one, other = takes(options(networks="none"), FLAVOR, []), takes(options(networks="none"), Resources(1, 1, 1, 0), [])
    assert quotas.claim(one, 100) == 100  # Nothing is known yet, so that nothing is refused.
    quotas.left()
    # Of 7 servers, 16 cores and 43008 MB, by workers of 4 cores and 8192 MB:
    assert (quotas.claim(one, 3), quotas.claim(one, 3)) == (3, 1)
    assert (quotas.claim(one, 1), quotas.claim(other, 5)) == (0, 0)  # All cores are taken.
    assert quotas.claim({}, 9) == 9
    quotas.left()
    assert (quotas.claim(other, 5), quotas.claim(one, 5)) == (5, 2)
