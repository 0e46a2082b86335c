"""Requests whose answer is lost, lists of several pages, zones without a host: a real Nova behind the proxy."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.openstack import connection
from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.world import enrolling
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic.ports import Created, NoCapacity, Transient, Unsent, WorldSpec
from tests.openstack.proxy import Fault, FaultProxy
from tests.openstack.records import ever
from tests.openstack.rig import OPTIONS, lab_folder
from tests.openstack.site import remove_groups

CALL_SECONDS = 10.0
LISTS = 8
GROUP = GroupSpec(name="small", maximum=9, shape=Resources(1, 1024, 1024, 0), options={**OPTIONS, "flavor": "worker-1"})


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy(lab_folder(), silent_seconds=CALL_SECONDS + 2) as made:
        yield made


@pytest.fixture
def pool() -> str:
    return f"cut-{int.from_bytes(os.urandom(4), 'big'):x}"


@pytest.fixture
def cloud(proxy: FaultProxy, pool: str, tmp_path: Path) -> Iterator[OpenStackCloud]:
    """A cloud that is reached through the proxy; its workers have no pool to join."""
    key = tmp_path / "POOL"
    key.write_bytes(os.urandom(64))
    (tmp_path / "tokens.d").mkdir()
    options = {
        "cloud": "lab",
        "clouds_file": proxy.clouds(tmp_path / "clouds.yaml"),
        "call_seconds": CALL_SECONDS,
        "trust_domain": "elastic.local",
        "pool_key": key,
    }
    spec = WorldSpec(pool=pool, ledger="0123abcd-cut", folder=tmp_path, groups={"small": GROUP}, options=options)
    site = site_options(options)
    htcondor = {"collector": "127.0.0.1:1", "token_folder": tmp_path / "tokens.d"}
    made = OpenStackCloud(spec, site, enrolling(spec, site, htcondor))
    yield made
    proxy.down.clear()
    proxy.orders.clear()
    remove_groups(made.services, pool, ["small"])
    made.services.close()


def intents(*names: str) -> Sequence[WorkerRecord]:
    return [WorkerRecord(name=name, group="small", requested_at=0.0) for name in names]


def errors(answers: Sequence[Created]) -> Sequence[type[Exception] | None]:
    return [None if answer.error is None else type(answer.error) for answer in answers]


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOST, Fault.SPOILT])
def test_a_server_whose_answer_was_lost_is_found_by_its_intent_and_never_doubled(
    proxy: FaultProxy, cloud: OpenStackCloud, pool: str, fault: Fault
) -> None:
    proxy.order("nova", "POST", "/servers", fault)
    first = cloud.create(GROUP, intents("w1"))
    assert errors(first) == [Transient]
    (listed,) = cloud.servers().servers
    assert (listed.worker, listed.ledger) == ("w1", "0123abcd-cut")
    again = cloud.create(GROUP, intents("w1", "w2"))
    assert errors(again) == [None, None]
    assert again[0].server_id == listed.id
    assert sorted(one["metadata"]["elastic_worker"] for one in ever(pool)) == ["w1", "w2"]


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.UNAVAILABLE, Fault.CLOSED])
def test_a_request_that_never_arrived_may_have_arrived_and_is_made_once_when_asked_again(
    proxy: FaultProxy, cloud: OpenStackCloud, pool: str, fault: Fault
) -> None:
    proxy.order("nova", "POST", "/servers", fault)
    assert errors(cloud.create(GROUP, intents("w1"))) == [Transient]
    assert cloud.servers().servers == ()
    assert errors(cloud.create(GROUP, intents("w1"))) == [None]
    assert len(ever(pool)) == 1


def test_where_the_list_of_servers_fails_nothing_is_asked_for(
    proxy: FaultProxy, cloud: OpenStackCloud, pool: str
) -> None:
    proxy.order("nova", "GET", "/servers/detail", Fault.UNAVAILABLE, times=connection.READS)
    with pytest.raises(Unsent):
        cloud.create(GROUP, intents("w1"))
    assert ever(pool) == []


def test_a_question_that_fails_at_once_is_asked_again(proxy: FaultProxy, cloud: OpenStackCloud) -> None:
    assert cloud.servers().servers == ()
    for fault in (Fault.ERROR, Fault.UNAVAILABLE, Fault.CLOSED):
        proxy.order("nova", "GET", "/servers/detail", fault, times=connection.READS - 1)
        assert cloud.servers().servers == ()


def test_every_page_of_the_list_is_read(
    proxy: FaultProxy, cloud: OpenStackCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"w{number}" for number in range(5)]
    assert set(errors(cloud.create(GROUP, intents(*names)))) == {None}
    monkeypatch.setattr(connection, "PAGE", 2)
    before = len(proxy.log)
    # While they are built, and change their places in Nova's list, too.
    for _ in range(LISTS):
        assert sorted(str(one.worker) for one in cloud.servers().servers) == names
    pages = [call for call in proxy.log[before:] if call.path.split("?")[0].endswith("/servers/detail")]
    assert len(pages) >= 3 * LISTS
    # A page that fails makes the list fail: it is never taken for the whole.
    proxy.order("nova", "GET", "/servers/detail", Fault.SILENT, times=connection.READS)
    with pytest.raises(Transient):
        cloud.servers()


def test_a_zone_that_has_no_host_is_passed_over_for_the_next(cloud: OpenStackCloud, pool: str) -> None:
    zoned = replace(GROUP, options={**GROUP.options, "zones": "dark, nova"})
    cloud.reconfigure({"small": zoned})
    assert errors(cloud.create(zoned, intents("w1"))) == [NoCapacity]
    assert errors(cloud.create(zoned, intents("w1"))) == [None]
    assert [one["metadata"]["elastic_zone"] for one in ever(pool)] == ["nova"]
