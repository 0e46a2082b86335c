"""What real Senlin does to a cluster's nodes, the dangerous part by direct calls, and how the adapter avoids it."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from elastic.adapters.openstack.clusters import Cluster, SdkClusters
from elastic.adapters.openstack.options import GroupOptions
from elastic.ports import (
    Conflict,
    Malformed,
    Mismatch,
    NoCapacity,
    NotFound,
    PortError,
    QuotaExceeded,
    Transient,
    Unsent,
)
from tests.lab.conftest import Say
from tests.lab.support import wait
from tests.openstack.project import Project, project
from tests.openstack.senlin_bench import SenlinBench, bench

CLIENTS = GroupOptions.model_fields["senlin_client"].annotation.__args__  # type: ignore[union-attr]  # of a Literal
TRIES = 5


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose quota and faults are this module's alone."""
    with project(tmp_path_factory.mktemp("project")) as made:
        yield made


@pytest.fixture(params=CLIENTS)
def either(request: pytest.FixtureRequest, own: Project, tmp_path: Path) -> Iterator[SenlinBench]:
    """A group asked by each of the two libraries in turn."""
    with bench(tmp_path / "bench", own, request.param) as made:
        yield made


@pytest.fixture
def one(own: Project, tmp_path: Path) -> Iterator[SenlinBench]:
    """A group asked by the library that is the default."""
    with bench(tmp_path / "bench", own, CLIENTS[0]) as made:
        yield made


def lives(site: SenlinBench, server_id: str) -> bool:
    try:
        site.services.call("compute", "GET", f"/servers/{server_id}")
    except NotFound:
        return False
    return True


def ordered(site: SenlinBench) -> PortError | None:
    """What became of an order for one more; None while it cannot be placed."""
    error = site.create(1)
    return None if isinstance(error, Unsent) else error


def nodes(cluster: Cluster | None) -> Sequence[str | None]:
    return [] if cluster is None else sorted(node.server_id or "" for node in cluster.nodes)


def test_an_exceeded_quota_is_told_and_leaves_no_node_behind(either: SenlinBench) -> None:
    # All three at once could each find the quota passed, and none be made.
    good = either.grown(2)
    either.project.quota(instances=2)
    assert either.create(1) is None
    cluster = either.settled()
    assert (len(cluster.nodes), either.servers(), cluster.size) == (3, good, 3)
    # The next order hears of it, and of what was left behind nothing stays.
    refused = wait(lambda: ordered(either), 30, "the cluster may be changed")
    assert isinstance(refused, QuotaExceeded)
    assert "quota" in str(refused).lower()
    assert nodes(either.settled()) == sorted(good)

    either.project.quota(instances=20)
    assert either.grown(1)[:2] == good
    assert nodes(either.cluster()) == sorted(either.servers())


def test_while_something_goes_on_nothing_is_changed_and_the_next_tick_asks_again(either: SenlinBench) -> None:
    kept, doomed = either.grown(2)
    either.project.faults(spawn_seconds=6)
    assert either.create(1) is None
    wait(lambda: isinstance(either.create(1), Unsent), 10, "growth is turned away, with nothing asked for")
    errors = either.delete(doomed)
    assert [type(error) for error in errors.values()] == [Conflict]
    either.project.faults()
    wait(lambda: either.delete(doomed) == {}, 60, "the removal is taken on")
    assert not lives(either, doomed)
    assert nodes(either.settled()) == sorted(either.servers())
    assert (len(either.servers()), lives(either, kept)) == (2, True)


def test_removal_takes_exactly_the_nodes_that_were_named(either: SenlinBench) -> None:
    servers = either.grown(4)
    # The youngest and one of the middle: neither an order of age nor one of names.
    going = {servers[1], servers[3]}
    assert either.delete(*going) == {}
    left = sorted(set(servers) - going)
    assert (sorted(either.servers()), nodes(either.cluster())) == (left, left)
    assert either.delete(*going) == {}
    assert sorted(either.servers()) == left


def test_a_removal_that_takes_others_too_is_a_mismatch(one: SenlinBench, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = one.grown(3)

    def greedy(self: SdkClusters, cluster: Cluster, node_ids: Sequence[str]) -> str:
        bystander = next(node.id for node in cluster.nodes if node.id not in node_ids)
        return honest(self, cluster, [*node_ids, bystander])

    honest = SdkClusters.remove
    monkeypatch.setattr(SdkClusters, "remove", greedy)
    errors = one.delete(servers[0])
    assert [type(error) for error in errors.values()] == [Mismatch]
    assert len(one.servers()) == 1


def test_a_server_deleted_behind_senlins_back_is_replaced_by_no_more_than_was_asked_for(one: SenlinBench) -> None:
    kept, victim = one.grown(2)
    one.services.call("compute", "DELETE", f"/servers/{victim}")
    wait(lambda: not lives(one, victim), 30, "the server is gone")
    cluster = one.settled()
    assert (len(cluster.nodes), cluster.status) == (2, "ACTIVE")
    assert one.create(1) is None
    assert len(one.settled().nodes) == 2
    assert (len(one.servers()), lives(one, kept)) == (2, True)


def test_a_deletion_that_fails_is_tried_again_although_senlin_has_counted_it(one: SenlinBench) -> None:
    (server,) = one.grown(1)
    with one.locked(server):
        errors = one.delete(server)
        assert [type(error) for error in errors.values()] == [Transient]
        wait(lambda: one.settled().size == 0, 30, "Senlin takes the node for removed")
        assert nodes(one.settled()) == [server]
    assert one.delete(server) == {}
    assert (lives(one, server), nodes(one.settled())) == (False, [])


def test_new_settings_hold_for_an_empty_cluster_and_never_for_a_part_of_one(one: SenlinBench) -> None:
    def flavors() -> Sequence[str]:
        found = (one.services.call("compute", "GET", f"/servers/{server}")["server"] for server in one.servers())
        return [server["flavor"]["original_name"] for server in found]

    one.grown(1)
    one.reconfigure(flavor="worker-2")
    assert (one.grown(1), flavors()) == (one.servers(), ["worker-1"] * 2)
    profile_id = one.settled().profile_id
    assert one.delete(*one.servers()) == {}
    assert (one.grown(1), flavors()) == (one.servers(), ["worker-2"])
    with pytest.raises(NotFound):
        one.services.call("clustering", "GET", f"/profiles/{profile_id}")


def test_a_zone_without_hosts_is_passed_over_for_the_next_also_under_living_nodes(either: SenlinBench) -> None:
    def zones() -> Sequence[str]:
        found = (either.services.call("compute", "GET", f"/servers/{server}")["server"] for server in either.servers())
        return [server["metadata"].get("elastic_zone", "") for server in found]

    (kept,) = either.grown(1)
    before = either.settled().profile_id
    # The lab has no zone of this name: Senlin takes no profile for it.
    either.reconfigure(zones="dark, nova", flavor="worker-2")
    assert isinstance(either.create(1), NoCapacity)
    assert (either.settled().profile_id, either.servers()) == (before, [kept])
    assert either.grown(1)[0] == kept
    assert zones() == ["", "nova"]
    flavors = {
        either.services.call("compute", "GET", f"/servers/{server}")["server"]["flavor"]["original_name"]
        for server in either.servers()
    }
    # Nothing but the zone is new under living nodes; and profiles of which there are no nodes have gone.
    assert flavors == {"worker-1"}
    assert sorted(either.clusters.profiles(either.cluster_name)) == sorted([before, either.settled().profile_id])


def test_nothing_is_ever_removed_without_its_servers_id(one: SenlinBench) -> None:
    servers = one.grown(1)
    errors = one.cloud.delete(one.group, [one.record(None)])
    assert [type(error) for error in errors.values()] == [Malformed]
    assert one.servers() == servers


# -- the dangers, by direct calls


def test_danger_scale_in_takes_whom_it_likes(one: SenlinBench, say: Say) -> None:
    """Three of four nodes go, and nobody says which: the one to be kept is among them three times in four."""

    def kept() -> bool:
        """Whether the oldest is the one that is left."""
        servers = one.grown(4 - len(one.servers()))
        cluster = one.settled()
        one.services.call("clustering", "POST", f"/clusters/{cluster.id}/actions", {"scale_in": {"count": 3}})
        one.settled()
        (left,) = one.servers()
        say(f"scale_in: of 4 nodes, the oldest busy, number {servers.index(left) + 1} was left")
        return left == servers[0]

    assert not all(kept() for _ in range(TRIES))


def test_danger_before_version_1_4_removed_nodes_leave_their_servers_behind(one: SenlinBench) -> None:
    """Without a version in the request Senlin takes the oldest, whose removal knows no `destroy_after_deletion`."""
    kept, released = one.grown(2)
    cluster = one.settled()
    node = cluster.node(released)
    assert node is not None
    body = {"del_nodes": {"nodes": [node.id], "destroy_after_deletion": True}}
    proxy = one.services.connection().clustering
    assert proxy.post(f"/clusters/{cluster.id}/actions", json=body, microversion="1.0").ok
    assert nodes(one.settled()) == [kept]
    time.sleep(3)
    assert lives(one, released)
    # The adapter deletes what is ours, even where Senlin has let it go.
    assert one.delete(released) == {}
    wait(lambda: not lives(one, released), 30, "the released server is gone")
    assert (one.servers(), nodes(one.cluster())) == ([kept], [kept])
