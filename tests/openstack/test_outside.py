"""A worker group that others change behind the daemon: by another client of Heat, Senlin and Nova, while it runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from elastic.adapters.openstack.servers import GROUP, POOL
from tests.lab.conftest import Say
from tests.openstack.site import OpenStackSite, group

GROUPS = ("heat", "named", "senlin", "nova")
FIXED = {"policy": "fixed", "policy_parameters": {"workers": 1}, "maximum": 4}
KEPT_SECONDS = 120.0
SECONDS = 90.0

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[OpenStackSite]:
    """A group of one worker for each way to keep one."""
    groups = [
        group("heat", name="heat", **FIXED),
        group("heat", name="named", options={"heat_kind": "resource_group"}, **FIXED),
        group("senlin", name="senlin", **FIXED),
        group("nova", name="nova", **FIXED),
    ]
    settings = {"site": {"min_wake_seconds": 1.0, "outside_override_seconds": KEPT_SECONDS}}
    with OpenStackSite(tmp_path_factory.mktemp("site"), condor_prefix, groups=groups, settings=settings) as made:
        made.until(lambda: ready(made) == dict.fromkeys(GROUPS, 1), 2 * SECONDS, "one worker in each group")
        yield made


def ready(site: OpenStackSite) -> Mapping[str, int]:
    """How many workers of each group serve."""
    found = [worker["group"] for worker in site.workers().values() if worker["phase"] == "ready"]
    return {name: found.count(name) for name in GROUPS}


def servers(site: OpenStackSite, name: str) -> frozenset[str]:
    return frozenset(one.id for one in site.listed() if one.metadata["group"] == name)


def pinned(site: OpenStackSite, name: str) -> tuple[tuple[str, int, str], ...]:
    """Kind, size and author of what is imposed on a group."""
    found = site.get("/v1/overrides")
    return tuple((one["kind"], one["workers"], one["author"]) for one in found if one["group"] == name)


def resized(site: OpenStackSite, name: str, size: int) -> None:
    """Give the group another size, as an operator would with OpenStack's own client."""
    cloud: Any = site.services.connection()
    called = f"elastic-{site.pool_name}-{name}"
    if name == "senlin":
        cloud.clustering.resize_cluster(called, adjustment_type="EXACT_CAPACITY", number=size)
        return
    stack = cloud.orchestration.find_stack(called)
    asked = {"parameters": {"desired": size}}
    answer = cloud.orchestration.patch(f"/stacks/{called}/{stack.id}", json=asked)
    assert answer.status_code == 202


def test_a_size_from_outside_is_gone_to_and_kept_for_a_while_and_then_the_policy_decides(
    site: OpenStackSite, say: Say
) -> None:
    alike = ("heat", "named", "senlin")
    first = {name: servers(site, name) for name in alike}
    for name in alike:
        resized(site, name, 3)
    site.until(
        lambda: {name: pinned(site, name) for name in alike} == dict.fromkeys(alike, (("pin", 3, "outside"),)),
        SECONDS,
        "each size is kept as a pin of outside",
    )
    site.until(lambda: [ready(site)[name] for name in alike] == [3, 3, 3], SECONDS, "three workers in each")
    grown = {name: servers(site, name) for name in alike}
    assert all(first[name] < grown[name] for name in alike)
    assert not [event for event in site.events("orphan") if event["group"] in alike]

    for name in alike:
        resized(site, name, 2)
    site.until(
        lambda: {name: pinned(site, name) for name in alike} == dict.fromkeys(alike, (("pin", 2, "outside"),)),
        SECONDS,
        "the smaller size too",
    )
    site.until(lambda: [len(servers(site, name)) for name in alike] == [2, 2, 2], SECONDS, "two servers are left")
    site.until(lambda: [ready(site)[name] for name in alike] == [2, 2, 2], SECONDS, "two workers are left")
    kept = {name: servers(site, name) for name in alike}
    # The daemon takes out none of those that are left, though it counts the others until they are gone for certain.
    assert all(kept[name] < grown[name] for name in alike)

    told = [event for event in site.events("outside") if event["group"] in alike]
    say("; ".join(f"{event['group']}: {event['text']}" for event in told))
    assert sorted(event["group"] for event in told) == sorted(2 * alike)
    site.until(lambda: not any(pinned(site, name) for name in alike), 2 * KEPT_SECONDS, "the pins are over")
    site.until(lambda: [ready(site)[name] for name in alike] == [1, 1, 1], SECONDS, "one worker in each again")
    assert all(servers(site, name) < kept[name] for name in alike)
    assert "victim_mismatch" not in {event["kind"] for event in site.events()}


def test_servers_made_and_deleted_by_hand(site: OpenStackSite) -> None:
    cloud: Any = site.services.connection()
    (ours,) = servers(site, "nova")
    # It says of itself what ours say, but for the ledger, which nobody else knows.
    by_hand = cloud.compute.create_server(
        name="by-hand",
        image_id=cloud.image.find_image("elastic-worker").id,
        flavor_id="worker-1",
        networks="none",
        metadata={POOL: site.pool_name, GROUP: "nova"},
    )
    cloud.compute.delete_server(ours)

    def replaced() -> bool:
        others = servers(site, "nova") - {ours, by_hand.id}
        return len(others) == 1 and ready(site)["nova"] == 1

    site.until(replaced, 2 * SECONDS, "the deleted one is replaced")
    assert by_hand.id in servers(site, "nova")
    assert by_hand.id not in {worker["server_id"] for worker in site.workers().values()}
    assert site.events("outside") == [] or all(e["group"] != "nova" for e in site.events("outside"))
