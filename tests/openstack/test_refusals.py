"""Every way in which OpenStack refuses a worker, and what becomes of its group: asked of a real Nova."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from elastic.core.observation import Quota, ServerStatus
from elastic.lab.folder import LabFolder
from elastic.lab.stub import Stub
from elastic.local.daemon import merged
from elastic.ports import Malformed, NoCapacity, PortError, QuotaExceeded, Throttled, Unauthorized
from tests.lab.support import wait
from tests.openstack.bench import adapter, bench, record, said
from tests.openstack.project import Project, project
from tests.openstack.rig import lab_folder

POOL = "refusals"
NOBODYS_ID = "11111111-2222-3333-4444-555555555555"
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of this module's own."""
    with project(tmp_path_factory.mktemp("refusals")) as made:
        yield made


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
    with bench(own, tmp_path, POOL, wrong=said(**wrong)) as made:
        found = made.refused("wrong")
        assert (type(found), text in str(found)) == (kind, True), found


def test_a_missing_image_or_flavor_closes_its_group_at_once_by_name_and_others_go_on(
    own: Project, tmp_path: Path
) -> None:
    groups = {"good": said(), "image": said(image="gone"), "flavor": said(flavor="gone"), "net": said(networks="gone")}
    with bench(own, tmp_path, POOL, **groups) as made:
        quotas = made.cloud.quotas()
        assert {name: quotas[name].workers_left for name in ("image", "flavor", "net")} == {
            "image": 0, "flavor": 0, "net": 0,
        }  # fmt: skip
        assert quotas["image"].reason.startswith("there is no image gone")
        assert quotas["flavor"].reason.startswith("there is no flavor gone")
        assert quotas["net"].reason.startswith("there is no network gone")
        assert (quotas["good"].workers_left or 0) > 0


def test_check_says_of_each_group_what_is_wrong_in_plain_words(own: Project, tmp_path: Path) -> None:
    groups = {
        "good": said(), "zone": said(zones="no-such-zone"), "key": said(keypair="no-such-key"),
        "image": said(image="gone"), "guard": said(security_groups="no-such-group"),
    }  # fmt: skip
    with bench(own, tmp_path, POOL, **groups) as made:
        found = {one.what: one for one in made.cloud.check()}
    assert found["OpenStack"].seen.startswith("the project's quotas leave 50 instances, 200 cores, ")
    assert {what for what, one in found.items() if one.ok} == {"OpenStack", "group good", "workers' tokens"}
    assert "there is no availability zone no-such-zone; available: nova" in found["group zone"].seen
    assert "this user has no keypair no-such-key; known: none" in found["group key"].seen
    assert "there is no security group no-such-group" in found["group guard"].seen
    assert found["group image"].seen.startswith("there is no image gone")
    assert all(one.mend for one in found.values() if not one.ok)


def test_an_image_that_goes_while_its_name_is_still_known_closes_the_group_after_one_refusal(
    own: Project, tmp_path: Path
) -> None:
    with bench(own, tmp_path, POOL, mine=said(image="short-lived")) as made:
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
    full = Quota(workers_left=0, reason="the project's quota of instances leaves room for 0 more")
    with bench(own, tmp_path, POOL, small=said()) as made, limited(own, instances=1):
        # Without having read the quota, so that Nova itself is asked; it counts a server once it has a host.
        (first,) = made.ask("small", "small-1")
        server_id = first.server_id
        with adapter(own.clouds, tmp_path, POOL, small=said()) as other:
            wait(lambda: other.cloud.quotas()["small"] == full, 30, "it counts")
        (second,) = made.ask("small", "small-2")
        assert (first.error, type(second.error)) == (None, QuotaExceeded)
        assert "Quota exceeded for instances" in str(second.error)
        wait(lambda: made.status(server_id) is ServerStatus.ACTIVE, 60, "it is active")
        going = record("small", "small-1", server_id)
        with hanging(own):
            assert made.cloud.delete(made.groups["small"], [going]) == {}
            wait(lambda: made.status(server_id) is ServerStatus.DELETING, 30, "it is being deleted")
            assert made.cloud.quotas()["small"] == full
            # Asked again while it hangs: no error, and nobody else goes.
            assert made.cloud.delete(made.groups["small"], [going]) == {}
        wait(lambda: made.server(server_id) is None, 60, "it is gone")
        wait(lambda: made.cloud.quotas()["small"].workers_left == 1, 30, "its place is free")


def test_what_two_groups_ask_for_at_once_is_refused_as_too_much_and_never_ends_in_error(
    own: Project, tmp_path: Path
) -> None:
    """Nova counts a server once it has a host: of requests at the same moment it takes too many."""
    groups = {"a": said(), "b": said()}
    with bench(own, tmp_path, POOL, **groups) as made, limited(own, instances=3), ThreadPoolExecutor(2) as threads:
        assert {name: one.workers_left for name, one in made.cloud.quotas().items()} == {"a": 3, "b": 3}
        both = threads.map(lambda group: made.ask(group, *(f"{group}-{n}" for n in range(3))), groups)
        answers = [answer for some in both for answer in some]
        assert Counter(type(answer.error) for answer in answers) == {type(None): 3, QuotaExceeded: 3}
        ids = [answer.server_id for answer in answers if answer.error is None]
        wait(lambda: {made.status(one) for one in ids} == {ServerStatus.ACTIVE}, 60, "all that were taken are active")


@contextmanager
def hanging(own: Project) -> Iterator[None]:
    """While no deletion of the project comes to its end."""
    own.faults(destroy_seconds=600)
    try:
        yield
    finally:
        own.faults()


@contextmanager
def limited(own: Project, **limits: int) -> Iterator[None]:
    """Another quota for a while."""
    own.quota(**limits)
    try:
        yield
    finally:
        own.quota(instances=50, cores=200, ram=512 * 1024)


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
    with bench(own, tmp_path, POOL, plain=said(), taking=said(**options)) as made:
        own.limits(**limits)
        quotas = made.cloud.quotas()
        own.limits()
        reason = f"the project's quota of {resource} leaves room for {left} more"
        assert quotas["taking"] == Quota(workers_left=left, reason=reason)
        assert (quotas["plain"].workers_left or 0) > left


def test_members_of_a_server_group_are_limited(own: Project, tmp_path: Path) -> None:
    with bench(own, tmp_path, POOL) as first:
        asked = {"server_group": {"name": "spread", "policy": "soft-anti-affinity"}}
        group = first.cloud.services.call("compute", "POST", "/os-server-groups", asked)["server_group"]["id"]
    with bench(own, tmp_path, POOL, spread=said(server_group=group)) as made:
        found = made.cloud.quotas()["spread"]
        made.cloud.services.call("compute", "DELETE", f"/os-server-groups/{group}")
    assert found == Quota(
        workers_left=10, reason=f"the project's quota of members of server group {group} leaves room for 10 more"
    )


def test_no_valid_host_is_an_error_of_the_server_with_its_reason(own: Project, tmp_path: Path) -> None:
    """Nova takes the request and finds out afterwards: the server's failure is the group's failed boot."""
    flavor = {"id": POOL, "name": POOL, "vcpus": 1, "ram": 2_000_000, "disk": 1}
    with flavored(own, flavor), limited(own, ram=-1), bench(own, tmp_path, POOL, huge=said(flavor=POOL)) as made:
        (answer,) = made.ask("huge", "huge-1")
        wait(lambda: made.status(answer.server_id) is ServerStatus.ERROR, 60, "it failed")
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
    with adapter(clouds, tmp_path, POOL, small=said()) as made, pytest.raises(Unauthorized):
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
        with adapter(clouds, tmp_path, POOL, small=said()) as made, pytest.raises(Throttled) as raised:
            made.cloud.quotas()
        server.shutdown()
        thread.join()
    assert raised.value.retry_after == 7.0
