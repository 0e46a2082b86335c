"""A startd's address is handed on whole: what comes after the port says how to get there."""

import socket
from collections.abc import Iterator

import classad2
import pytest

from elastic.adapters.htcondor import slots
from elastic.adapters.htcondor.bindings import location
from elastic.adapters.htcondor.reach import NobodyListensError, UnreachableError, reach
from elastic.adapters.htcondor.target import target
from elastic.core.memory import WorkerRecord

BROKER = "<10.0.0.5:9618?CCBID=192.0.2.1:9618%3faddrs%3d192.0.2.1-9618%26sock%3dcollector#7&PrivNet=p&sock=startd_1_2>"
SHARED = "<127.0.0.1:{port}?addrs=127.0.0.1-{port}+[--1]-{port}&alias=w1&noUDP&sock=startd_77_b3a1>"


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("address", [BROKER, SHARED.format(port=9618), "<[::1]:9618?sock=startd_1>"])
def test_an_address_with_a_broker_or_a_shared_port_goes_from_the_ad_to_the_bindings_as_it_is(address: str) -> None:
    slot = slots.read(classad2.ClassAd({"Name": "slot1@w1", "MyAddress": address}))
    (_, told, *_) = slots.row([slot])
    worker = WorkerRecord(name="w1", group="g", requested_at=0.0, address=str(told))
    assert location(target(worker).address, "Machine")["MyAddress"] == address


def test_behind_a_broker_nothing_is_taken_for_silence_for_want_of_a_direct_way() -> None:
    reach(BROKER)


def test_a_shared_port_is_tried_at_its_own_host_and_port(port: int) -> None:
    reach(SHARED.format(port=port))
    reach(f"<127.0.0.1:{port}>")


def test_where_nobody_listens_is_told_apart_from_what_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        free = gone.getsockname()[1]
    with pytest.raises(NobodyListensError, match=f"nobody listens at 127.0.0.1:{free}"):
        reach(SHARED.format(port=free))
    with pytest.raises(UnreachableError, match="cannot be reached"):
        reach("<no port>")
