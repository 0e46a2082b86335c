"""Whose doing the size of a Senlin cluster is, which Senlin itself does not say."""

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from elastic.adapters.openstack.clusters import Action, Cluster, Clusters, Node
from elastic.adapters.openstack.clustersizes import ClusterSizes
from elastic.core.observation import GroupSize
from elastic.ports import Conflict

TWO = Cluster("c", "ACTIVE", 2, "p", (Node("n1", "s1", "ACTIVE"), Node("n2", "s2", "ACTIVE")))
OVER, RUNNING = Action("SUCCEEDED", ""), Action("RUNNING", "")
MEMBERS = frozenset({"s1", "s2"})


@dataclass
class Senlin:
    """What Senlin answers: a cluster and what was asked of it last."""

    cluster: Cluster | None = TWO
    newest: Action | None = OVER
    asked: list[str] = field(default_factory=list)

    def read(self, name: str) -> Cluster | None:
        self.asked.append(name)
        return self.cluster

    def newest_action(self, cluster: Cluster) -> Action | None:
        self.asked.append(f"newest of {cluster.id}")
        return self.newest


@pytest.fixture
def senlin() -> Senlin:
    return Senlin()


@pytest.fixture
def sizes(senlin: Senlin) -> ClusterSizes:
    return ClusterSizes(cast("Clusters", senlin), "c")


def told(sizes: ClusterSizes) -> GroupSize:
    found = sizes.read()
    assert found is not None
    return found


def test_the_first_size_seen_is_ours(sizes: ClusterSizes) -> None:
    seen = told(sizes)
    assert seen == GroupSize(desired=2, written=2, stamp=seen.stamp, members=MEMBERS)
    assert seen.stamp
    assert told(sizes) == seen


def test_at_rest_one_look_at_the_cluster_is_enough(senlin: Senlin, sizes: ClusterSizes) -> None:
    told(sizes)
    senlin.asked.clear()
    told(sizes)
    assert senlin.asked == ["c"]


def test_without_a_cluster_there_is_no_size(senlin: Senlin, sizes: ClusterSizes) -> None:
    senlin.cluster = None
    assert sizes.read() is None
    sizes.claim(None)


def test_another_size_later_is_somebody_elses_and_nothing_is_asked_before_it_was_told(
    senlin: Senlin, sizes: ClusterSizes
) -> None:
    first = told(sizes)
    senlin.cluster = changed = replace(TWO, size=4)
    with pytest.raises(Conflict, match="changed from outside from 2 to 4"):
        sizes.claim(changed)
    assert told(sizes) == replace(first, desired=4)
    sizes.claim(changed)


def test_the_size_after_a_request_of_ours_is_ours(senlin: Senlin, sizes: ClusterSizes) -> None:
    first = told(sizes)
    with sizes:
        sizes.claim(TWO)
        assert told(sizes) == GroupSize(desired=None, members=MEMBERS, changing="it is being changed")
        # Accepted: Senlin works on it, and has not begun yet.
        senlin.newest = RUNNING
    assert told(sizes) == GroupSize(desired=None, members=MEMBERS, changing="the cluster is ACTIVE")
    senlin.cluster, senlin.newest = replace(TWO, size=3), OVER
    after = told(sizes)
    assert (after.desired, after.written, after.changing) == (3, 3, "")
    assert after.stamp != first.stamp


def test_while_others_change_it_nothing_is_asked(senlin: Senlin, sizes: ClusterSizes) -> None:
    told(sizes)
    senlin.cluster, senlin.newest = replace(TWO, size=4, status="RESIZING"), RUNNING
    seen = told(sizes)
    assert (seen.desired, seen.written, seen.changing) == (4, 2, "the cluster is RESIZING")
