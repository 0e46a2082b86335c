"""What of a project is the pool's, read from answers as Nova, Cinder and Neutron give them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from elastic.adapters.openstack.belongings import Belongings, moment
from elastic.adapters.openstack.servers import OLDEST_FIRST
from elastic.core.orphans import Belonging, Kind
from elastic.ports import Malformed, NotFound, PortError, Transient

TAG = {"elastic_pool": "physics", "elastic_ledger": "ours", "elastic_group": "small", "elastic_worker": "small-1"}
SERVERS: list[Mapping[str, Any]] = [
    {"id": "s-1", "name": "small-1", "status": "ACTIVE", "created": "2026-01-02T03:04:05Z", "metadata": TAG},
    {"id": "s-2", "name": "other", "status": "ACTIVE", "created": "2026-01-02T03:04:05Z", "metadata": {}},
]
VOLUMES: list[Mapping[str, Any]] = [
    {
        "id": "v-1", "name": "", "size": 20, "status": "in-use", "metadata": {}, "bootable": "true",
        "created_at": "2026-01-02T03:04:05.000000", "os-vol-tenant-attr:tenant_id": "p",
        "attachments": [
            {"server_id": "s-1", "attachment_id": "a", "attached_at": "2026-01-02T03:05:00.000000", "host_name": None,
             "volume_id": "v-1", "device": "/dev/vda", "id": "v-1"}
        ],
    },
    {"id": "v-2", "name": "kept", "size": 8, "status": "available", "attachments": [], "created_at": None,
     "metadata": {"elastic_pool": "physics", "elastic_ledger": "ours"}},
    {"id": "v-3", "name": "somebody's", "size": 8, "status": "available", "attachments": [], "metadata": {}},
]  # fmt: skip
PORTS: list[Mapping[str, Any]] = [
    {"id": "p-1", "name": "", "status": "ACTIVE", "device_id": "s-1", "device_owner": "compute:nova", "tags": [],
     "created_at": "2026-01-02T03:04:05Z"},
    {"id": "p-2", "name": "", "status": "DOWN", "device_id": "", "device_owner": "",
     "created_at": "2026-01-02T03:04:05Z", "tags": ["elastic_pool=physics", "elastic_ledger=ours", "plain"]},
    {"id": "p-3", "name": "", "status": "ACTIVE", "device_id": "dhcp-1", "device_owner": "network:dhcp", "tags": []},
]  # fmt: skip
AT = 1767323045.0


class Answering:
    """Services whose lists are these; one of them may fail."""

    current_project_id = "p"

    def __init__(self, **failing: PortError) -> None:
        self.failing = failing
        self.sent: list[tuple[str, str, str]] = []

    def pages(self, service: str, path: str, key: str, **query: str) -> Iterator[Mapping[str, Any]]:
        if service in self.failing:
            raise self.failing[service]
        assert query == {"network": {"project_id": "p"}, "compute": OLDEST_FIRST}.get(service, {})
        yield from {"/servers/detail": SERVERS, "/volumes/detail": VOLUMES, "/ports": PORTS}[path]
        assert key in path

    def call(self, service: str, method: str, path: str) -> None:
        self.sent.append((service, method, path))
        if service in self.failing:
            raise self.failing[service]

    def connection(self) -> "Answering":
        return self


def belongings(services: Answering) -> Belongings:
    return Belongings(services, "physics")  # type: ignore[arg-type]  # it stands for the services


def test_servers_by_their_metadata_volumes_and_ports_also_by_the_server_that_they_are_attached_to() -> None:
    listing = belongings(Answering()).listed()
    assert listing.untold == ()
    mine = {"group": "small", "worker": "small-1", "ledger": "ours"}
    assert listing.things == (
        Belonging(kind=Kind.SERVER, id="s-1", name="small-1", made_at=AT, state="ACTIVE", **mine),
        Belonging(kind=Kind.VOLUME, id="v-1", of_server="s-1", made_at=AT, state="in-use, 20 GB"),
        Belonging(kind=Kind.VOLUME, id="v-2", name="kept", ledger="ours", state="available, 8 GB"),
        Belonging(kind=Kind.PORT, id="p-1", of_server="s-1", made_at=AT, state="ACTIVE"),
        Belonging(kind=Kind.PORT, id="p-2", ledger="ours", made_at=AT, state="DOWN"),
    )


def test_a_service_that_does_not_answer_is_named_and_one_that_is_not_there_is_not() -> None:
    listing = belongings(Answering(block_storage=Malformed("no such service"), network=Transient("503"))).listed()
    assert [thing.id for thing in listing.things] == ["s-1"]
    assert listing.untold == ("ports could not be listed: 503",)


def test_without_novas_list_nothing_is_said_at_all() -> None:
    """Every volume and port would seem to belong to a server that is gone."""
    with pytest.raises(Transient):
        belongings(Answering(compute=Transient("503"))).listed()


def test_each_kind_is_removed_by_its_own_service_and_gone_already_is_no_error() -> None:
    services = Answering(network=NotFound("404"), block_storage=Malformed("Volume status must be available"))
    mine = belongings(services)
    mine.remove(Belonging(kind=Kind.SERVER, id="s-1"))
    mine.remove(Belonging(kind=Kind.PORT, id="p-1"))
    with pytest.raises(Malformed):
        mine.remove(Belonging(kind=Kind.VOLUME, id="v-1"))
    assert services.sent == [
        ("compute", "DELETE", "/servers/s-1"), ("network", "DELETE", "/ports/p-1"),
        ("block_storage", "DELETE", "/volumes/v-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2026-01-02T03:04:05Z", AT), ("2026-01-02T03:04:05.000000", AT), ("2026-01-02T05:04:05+02:00", AT), ("", None)],
)
def test_times_are_told_with_and_without_their_zone(text: str, seconds: float | None) -> None:
    assert moment(text) == seconds
