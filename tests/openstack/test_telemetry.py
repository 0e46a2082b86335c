"""The workers' CPU load as Gnocchi keeps it, on servers whose processes really compute."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.adapters.openstack.metering import check
from elastic.adapters.openstack.telemetry import GnocchiTelemetry
from elastic.core.observation import Load
from elastic.local.pool import Pool
from tests.contract.rig import joined, launched
from tests.lab.conftest import Say
from tests.lab.real import central
from tests.lab.support import Client
from tests.openstack.rig import OpenStackRig

GRANULARITY_SECONDS = 10
LOADED = 0.03
"""Of a core: ten times what an idle startd uses; beside other tests a process may get little more."""
BURN = "end=$(( $(date +%s) + 90 )); while [ $(date +%s) -lt $end ]; do :; done"


@pytest.fixture(scope="module")
def pool(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pool, Client]]:
    with central(tmp_path_factory.mktemp("load"), condor_prefix) as found:
        yield found


@pytest.fixture(scope="module")
def rig(pool: tuple[Pool, Client]) -> Iterator[OpenStackRig]:
    with OpenStackRig(*pool, int.from_bytes(os.urandom(4), "big")) as real:
        yield real


def test_a_worker_that_computes_has_load_and_an_idle_one_has_none(rig: OpenStackRig, say: Say) -> None:
    only = {"requirements": 'TARGET.ElasticWorker == "w1"', "request_cpus": "2"}
    rig.jobs.shell(f"burn-{time.monotonic_ns()}", 1, BURN, **only)
    workers = {name: joined(rig, name).server_id or "" for name in ("w1", "w2")}
    rig.cloud.servers()
    telemetry = GnocchiTelemetry(rig.services, rig.pool_name, GRANULARITY_SECONDS, rig.openstack.vcpus)
    loads: list[Load] = []

    def shown() -> bool:
        loads.append(telemetry.load(workers))
        cores = loads[-1].cores
        # One of the two cpus of w1 is busy, as far as this machine has one to give.
        return cores.keys() == {"w1", "w2"} and cores["w1"] > LOADED and cores["w2"] < cores["w1"] / 2

    rig.wait(shown, 120)
    seen = telemetry.load({**workers, "w3": "no such server"})
    assert seen.by_worker.keys() == seen.cores.keys() == seen.ages.keys() == seen.spans.keys() == {"w1", "w2"}
    assert 0 <= seen.age_seconds < 60
    # One process cannot use more than a core beside what its startd needs, however late this machine polls.
    assert max(load.cores.get("w1", 0.0) for load in loads) < 3
    found = check(telemetry, 900.0)
    say(f"elastic check: {found.seen}; {found.mend}")
    assert found.ok


def test_check_says_what_is_too_rare_and_what_is_not_kept(rig: OpenStackRig) -> None:
    telemetry = GnocchiTelemetry(rig.services, rig.pool_name, GRANULARITY_SECONDS, rig.openstack.vcpus)
    found = check(telemetry, 5.0)
    assert not found.ok
    assert "a worker idle for 5 s may go before a leftover process is seen" in found.mend
    coarse = GnocchiTelemetry(rig.services, rig.pool_name, 300, rig.openstack.vcpus)
    assert "keeps `cpu` each 10, 60 s, and granularity_seconds is 300" in check(coarse, 900.0).seen


def test_a_pool_without_samples_has_no_load(rig: OpenStackRig) -> None:
    telemetry = GnocchiTelemetry(rig.services, "nobodys-pool", GRANULARITY_SECONDS, dict)
    assert telemetry.load({"w1": "s1"}).by_worker == {}
    assert "no server of pool nobodys-pool" in check(telemetry, 900.0).seen


@pytest.mark.parametrize("backend", ["heat", "senlin"])
def test_members_of_stacks_and_clusters_are_metered_as_servers_of_nova_are(
    pool: tuple[Pool, Client], backend: str
) -> None:
    with OpenStackRig(*pool, int.from_bytes(os.urandom(4), "big"), backend=backend) as alike:
        member = launched(alike, "m1").server_id
        (listed,) = (
            one for one in alike.services.pages("compute", "/servers/detail", "servers") if one["id"] == member
        )
        assert listed["metadata"]["metering.server_group"] == f"{alike.pool_name}.{alike.group.name}"
        telemetry = GnocchiTelemetry(alike.services, alike.pool_name, GRANULARITY_SECONDS, alike.openstack.vcpus)
        alike.wait(lambda: member in telemetry.series(600.0), 90)
