"""Every way in which OpenStack refuses a worker, and what becomes of its group: asked of a real Nova."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.servers import listed
from elastic.adapters.openstack.world import OpenStackCloud, enrolling
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import Quota, Server, ServerStatus
from elastic.core.resources import Resources
from elastic.lab.folder import LabFolder
from elastic.lab.stub import Stub
from elastic.local.daemon import merged
from elastic.ports import (
    Created,
    Malformed,
    NoCapacity,
    PortError,
    QuotaExceeded,
    Throttled,
    Unauthorized,
    WorldSpec,
)
from tests.lab.support import wait
from tests.openstack.project import Project, project
from tests.openstack.rig import OPTIONS, lab_folder

POOL = "refusals"
NOBODYS_ID = "11111111-2222-3333-4444-555555555555"
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of this module's own, empty again in the end."""
    with project(tmp_path_factory.mktemp("refusals")) as made:
        yield made
        services = Services("lab", clouds_file=made.clouds)
        for found in listed(services, POOL):
            services.call("compute", "DELETE", f"/servers/{found['id']}")
        wait(lambda: not list(listed(services, POOL)), 60, "no server is left")
        services.close()


@dataclass(frozen=True)
class Bench:
    """A cloud with some groups."""

    cloud: OpenStackCloud
    groups: Mapping[str, GroupSpec]

    def ask(self, group: str, *names: str) -> Sequence[Created]:
        """What came of asking for workers of these names."""
        workers = [WorkerRecord(name=name, group=group, requested_at=0.0) for name in names]
        return self.cloud.create(self.groups[group], workers)

    def refused(self, group: str) -> PortError:
        """How one worker was refused, by its answer or as a whole."""
        try:
            (answer,) = self.ask(group, f"{group}-1")
        except PortError as error:
            return error
        assert answer.error is not None
        return answer.error

    def server(self, server_id: str | None) -> Server | None:
        """It as Nova lists it, None when it is not listed."""
        return next((one for one in self.cloud.servers().servers if one.id == server_id), None)


@contextmanager
def bench(clouds: Path, folder: Path, **groups: Mapping[str, str]) -> Iterator[Bench]:
    """Groups with these options in the project of a clouds.yaml."""
    key = folder / "POOL"
    key.write_bytes(b"it signs nothing that is used")
    options = {"cloud": "lab", "clouds_file": clouds, "collector": "127.0.0.1", "trust_domain": "d", "pool_key": key}
    shape = Resources(1, 1024, 1024, 0)
    specs = {group: GroupSpec(name=group, maximum=9, shape=shape, options=said) for group, said in groups.items()}
    spec = WorldSpec(pool=POOL, ledger="refusals-ledger", folder=folder, groups=specs, options=options)
    site = site_options(options)
    made = OpenStackCloud(spec, site, enrolling(spec, site, {"collector": "127.0.0.1", "token_folder": folder}))
    try:
        yield Bench(made, specs)
    finally:
        made.services.close()


def said(**options: str) -> Mapping[str, str]:
    """Options of a group that differ from a good one's in these."""
    return {**OPTIONS, "flavor": "worker-1", **options}


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        ({"image": "no-such-image"}, Malformed, "there is no image no-such-image: make it, or name another"),
        ({"flavor": "no-such-flavor"}, Malformed, "there is no flavor no-such-flavor"),
        ({"networks": "no-such-network"}, Malformed, "there is no network no-such-network"),
        ({"zones": "no-such-zone"}, NoCapacity, "requested availability zone is not available"),
        ({"keypair": "no-such-key"}, Malformed, "Invalid key_name"),
        ({"server_group": NOBODYS_ID}, Malformed, NOBODYS_ID),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_group_names_wrongly_is_told_by_name(
    own: Project, tmp_path: Path, wrong: dict[str, str], kind: type[PortError], text: str
) -> None:
    with bench(own.clouds, tmp_path, wrong=said(**wrong)) as made:
        found = made.refused("wrong")
        assert (type(found), text in str(found)) == (kind, True), found


def test_a_missing_image_or_flavor_closes_its_group_at_once_by_name_and_others_go_on(
    own: Project, tmp_path: Path
) -> None:
    groups = {"good": said(), "image": said(image="gone"), "flavor": said(flavor="gone"), "net": said(networks="gone")}
    with bench(own.clouds, tmp_path, **groups) as made:
        quotas = made.cloud.quotas()
        assert {name: quotas[name].workers_left for name in ("image", "flavor", "net")} == {
            "image": 0, "flavor": 0, "net": 0,
        }  # fmt: skip
        assert quotas["image"].reason.startswith("there is no image gone")
        assert quotas["flavor"].reason.startswith("there is no flavor gone")
        assert quotas["net"].reason.startswith("there is no network gone")
        assert (quotas["good"].workers_left or 0) > 0


def test_an_image_that_goes_while_its_name_is_still_known_closes_the_group_after_one_refusal(
    own: Project, tmp_path: Path
) -> None:
    with bench(own.clouds, tmp_path, mine=said(image="short-lived")) as made:
        call = made.cloud.services.call
        wanted = {"name": "short-lived", "disk_format": "raw", "container_format": "bare", "visibility": "private"}
        image = call("image", "POST", "/images", wanted)["id"]
        made.cloud.services.connection().image.put(f"/images/{image}/file", data=b"x", headers=BYTES)
        wait(lambda: (made.cloud.quotas()["mine"].workers_left or 0) > 0, 30, "the image is active")
        call("image", "DELETE", f"/images/{image}")
        assert (made.cloud.quotas()["mine"].workers_left or 0) > 0
        assert isinstance(made.refused("mine"), Malformed)
        assert made.cloud.quotas()["mine"].reason.startswith("there is no image short-lived")


def test_a_full_quota_is_told_before_and_after_asking_and_servers_being_deleted_fill_it(
    own: Project, tmp_path: Path
) -> None:
    with bench(own.clouds, tmp_path, small=said()) as made:
        own.quota(instances=1)
        # One after the other: of two at once Nova may take both, and find out later (the second ends in ERROR).
        (first,), (second,) = made.ask("small", "small-1"), made.ask("small", "small-2")
        assert (first.error, type(second.error)) == (None, QuotaExceeded)
        assert "instances" in str(second.error)
        full = Quota(workers_left=0, reason="the project's quota of instances leaves room for 0 more")
        assert made.cloud.quotas()["small"] == full
        server_id = first.server_id
        wait(lambda: status(made.server(server_id)) is ServerStatus.ACTIVE, 60, "it is active")
        own.faults(destroy_seconds=8)
        record = WorkerRecord(name="small-1", group="small", requested_at=0.0, server_id=server_id)
        assert made.cloud.delete(made.groups["small"], [record]) == {}
        wait(lambda: status(made.server(server_id)) is ServerStatus.DELETING, 30, "it is being deleted")
        assert made.cloud.quotas()["small"] == full
        # Asked again while it hangs: no error, and nobody else goes.
        assert made.cloud.delete(made.groups["small"], [record]) == {}
        wait(lambda: made.server(server_id) is None, 60, "it is gone")
        own.faults()
        wait(lambda: made.cloud.quotas()["small"].workers_left == 1, 30, "its place is free")
        own.quota(instances=50)


def status(server: Server | None) -> ServerStatus | None:
    return server.status if server is not None else None


@pytest.mark.parametrize(
    ("limits", "options", "left", "resource"),
    [
        ({"port": 2}, {"networks": ""}, 2, "ports"),
        ({"volumes": 3}, {"volume_gb": "20"}, 3, "volumes"),
        ({"gigabytes": 50}, {"volume_gb": "20"}, 2, "gigabytes"),
    ],
)
def test_ports_and_volumes_limit_the_groups_that_take_them_and_no_others(
    own: Project, tmp_path: Path, limits: dict[str, int], options: dict[str, str], left: int, resource: str
) -> None:
    with bench(own.clouds, tmp_path, plain=said(), taking=said(**options)) as made:
        own.limits(**limits)
        quotas = made.cloud.quotas()
        own.limits()
        reason = f"the project's quota of {resource} leaves room for {left} more"
        assert quotas["taking"] == Quota(workers_left=left, reason=reason)
        assert (quotas["plain"].workers_left or 0) > left


def test_members_of_a_server_group_are_limited(own: Project, tmp_path: Path) -> None:
    with bench(own.clouds, tmp_path) as first:
        asked = {"server_group": {"name": "spread", "policy": "soft-anti-affinity"}}
        group = first.cloud.services.call("compute", "POST", "/os-server-groups", asked)["server_group"]["id"]
    with bench(own.clouds, tmp_path, spread=said(server_group=group)) as made:
        found = made.cloud.quotas()["spread"]
        made.cloud.services.call("compute", "DELETE", f"/os-server-groups/{group}")
    assert found == Quota(
        workers_left=10, reason=f"the project's quota of members of server group {group} leaves room for 10 more"
    )


def test_no_valid_host_is_an_error_of_the_server_with_its_reason(own: Project, tmp_path: Path) -> None:
    """Nova takes the request and finds out afterwards: the server's failure is the group's failed boot."""
    flavor = {"id": POOL, "name": POOL, "vcpus": 1, "ram": 2_000_000, "disk": 1}
    with flavored(own, flavor), bench(own.clouds, tmp_path, huge=said(flavor=POOL)) as made:
        own.quota(ram=-1)
        (answer,) = made.ask("huge", "huge-1")
        wait(lambda: status(made.server(answer.server_id)) is ServerStatus.ERROR, 60, "it failed")
        server = made.server(answer.server_id)
        assert server is not None
        assert "No valid host was found" in server.fault


@contextmanager
def flavored(own: Project, flavor: Mapping[str, object]) -> Iterator[None]:
    """A flavor that every project of the lab sees, for a while."""
    nova = f"http://127.0.0.1:{LabFolder(lab_folder()).memory().ports['nova']}/v2.1"
    own.admin.post(f"{nova}/flavors", {"flavor": flavor})
    try:
        yield
    finally:
        own.admin.ask("DELETE", f"{nova}/flavors/{flavor['id']}")


def changed(clouds: Path, target: Path, **changes: object) -> Path:
    """The clouds.yaml with the cloud `lab` changed."""
    known = json.loads(clouds.read_text(encoding="utf-8"))
    known["clouds"]["lab"] = merged(known["clouds"]["lab"], changes)
    target.write_text(json.dumps(known), encoding="utf-8")
    return target


def test_a_wrong_password_is_refused_as_such(own: Project, tmp_path: Path) -> None:
    clouds = changed(own.clouds, tmp_path / "clouds.yaml", auth={"password": "wrong"})
    with bench(clouds, tmp_path, small=said()) as made, pytest.raises(Unauthorized):
        made.cloud.quotas()


class TooMany(Stub):
    """A service that wants to be left alone for a while."""

    def on_get(self) -> None:
        """Turn it down."""
        self.send_response(429)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_a_service_that_throttles_says_for_how_long(own: Project, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), TooMany) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        override = f"http://127.0.0.1:{server.server_port}/v2.1"
        clouds = changed(own.clouds, tmp_path / "clouds.yaml", compute_endpoint_override=override)
        with bench(clouds, tmp_path, small=said()) as made, pytest.raises(Throttled) as raised:
            made.cloud.quotas()
        server.shutdown()
        thread.join()
    assert raised.value.retry_after == 7.0
