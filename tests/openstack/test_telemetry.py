"""The workers' CPU load as Gnocchi keeps it, on servers whose processes really compute."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from elastic.adapters.openstack.telemetry import GnocchiTelemetry
from tests.contract.rig import joined
from tests.lab.real import central
from tests.openstack.rig import OpenStackRig

GRANULARITY_SECONDS = 10
BURN = "end=$(( $(date +%s) + 90 )); while [ $(date +%s) -lt $end ]; do :; done"


@pytest.fixture(scope="module")
def rig(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStackRig]:
    number = int.from_bytes(os.urandom(4), "big")
    root = tmp_path_factory.mktemp("load")
    with central(root, condor_prefix) as (pool, client), OpenStackRig(pool, client, number) as real:
        yield real


def test_a_worker_that_computes_has_load_and_an_idle_one_has_none(rig: OpenStackRig) -> None:
    only = {"requirements": 'TARGET.ElasticWorker == "w1"', "request_cpus": "2"}
    rig.jobs.shell("burn", 1, BURN, **only)
    workers = {name: joined(rig, name).server_id or "" for name in ("w1", "w2")}
    rig.cloud.servers()
    telemetry = GnocchiTelemetry(rig.services, rig.pool_name, GRANULARITY_SECONDS, rig.openstack.vcpus)

    def shown() -> bool:
        load = telemetry.load(workers).by_worker
        # One of the two cpus of w1 is busy, as far as this machine has one to give.
        return load.keys() == {"w1", "w2"} and load["w1"] > 0.1 and load["w2"] < load["w1"] / 2

    rig.wait(shown, 120)
    seen = telemetry.load({**workers, "w3": "no such server"})
    assert seen.by_worker.keys() == {"w1", "w2"}
    assert 0 <= seen.age_seconds < 60
    assert telemetry.check().ok


def test_a_pool_without_samples_has_no_load(rig: OpenStackRig) -> None:
    telemetry = GnocchiTelemetry(rig.services, "nobodys-pool", GRANULARITY_SECONDS, dict)
    assert telemetry.load({"w1": "s1"}).by_worker == {}
    assert "no server of pool nobodys-pool" in telemetry.check().seen
