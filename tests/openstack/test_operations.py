"""Operations on a site in a project of its own: a full quota, failing creations, a deletion that hangs, orphans."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from elastic.adapters.openstack.servers import Tag
from elastic.local.daemon import merged
from tests.daemon_rig import run
from tests.lab.again import Shared
from tests.lab.shown import floor, metric, told
from tests.openstack.project import Project, project
from tests.openstack.records import astray
from tests.openstack.site import OpenStackSite, group
from tests.openstack.stories import ledger, until_empty

REPEAT_SECONDS = 3.0


class Ground(OpenStackSite):
    """A site in a project of its own, with a group that can boot and one whose image is missing."""

    project: Project


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[Shared[Ground]]:
    """One for all tests of this module, and another one after a test that failed."""

    @contextmanager
    def made() -> Iterator[Ground]:
        root = tmp_path_factory.mktemp("operations")
        good = group(delete_repeat_seconds=REPEAT_SECONDS, error_backoff_seconds=2.0)
        groups = [good, merged(good, {"name": "closed", "options": {"image": "no-such-image"}})]
        with project(root) as own, Ground(root / "site", condor_prefix, groups=groups, clouds=own.clouds) as site:
            site.project = own
            yield site

    with Shared(made) as shared:
        yield shared


@pytest.fixture
def ground(request: pytest.FixtureRequest, grounds: Shared[Ground]) -> Iterator[Ground]:
    """The site that these tests share."""
    with grounds.lent(request.node) as site:
        yield site


def until_ready(site: OpenStackSite, workers: int) -> None:
    site.until(lambda: site.group()["ready"] == workers, 120, f"{workers} workers serve")


def test_scale_down_goes_on_while_the_quota_is_full_and_creations_fail(ground: Ground) -> None:
    ground.project.quota(instances=2)
    floor(ground, "closed", 1)
    floor(ground, "small", 3)
    until_ready(ground, 2)
    ground.until(lambda: ground.group()["quota_left"] == 0, 60, "the quota is full")
    full = ground.group()["target"]
    assert (full["workers"], full["limited_by"]) == (2, ["override", "quota"])
    assert "quota leaves 0 (the project's quota of instances leaves room for 0 more)" in full["reason"]
    closed = ground.group("closed")
    assert (closed["quota_left"], closed["existing"]) == (0, 0)
    assert closed["quota_reason"].startswith("there is no image no-such-image")
    floor(ground, "small", 1)
    ground.until(lambda: ground.group()["existing"] == 1, 90, "one of two has gone from the full project")
    # The next one cannot be made: one fails after the other while the last good one is removed.
    ground.project.faults(spawn_error="no power")
    floor(ground, "small", 2)
    ground.until(lambda: told(ground, "failed", group="small"), 90, "a boot has failed")
    floor(ground, "small", 0)
    until_empty(ground, 120)
    ground.project.faults()
    ground.project.quota(instances=50)
    assert astray(ground.pool_name, ledger(ground)) == []
    assert metric(ground, "elastic_victim_mismatch_total") == 0
    floor(ground, "closed", 0)


@pytest.mark.parametrize("how", [{"destroy_seconds": 15}, {"destroy_error": "stuck"}], ids=["hangs", "fails"])
def test_a_deletion_that_hangs_or_fails_is_asked_for_again_counts_and_ends_with_its_cause(
    ground: Ground, how: Mapping[str, object]
) -> None:
    floor(ground, "small", 1)
    until_ready(ground, 1)
    (name,) = ground.workers()
    before = metric(ground, "elastic_actions_total", group="small", action="delete")
    ground.project.faults(**how)
    floor(ground, "small", 0)
    ground.until(lambda: phase(ground, name) == "deleting", 60, "its deletion is asked for")

    def asked() -> float:
        return metric(ground, "elastic_actions_total", group="small", action="delete") - before

    ground.until(lambda: asked() >= 3, 60, "and asked for again")
    assert phase(ground, name) == "deleting"
    assert ground.group()["existing"] == 1
    assert ground.group()["overdue_deletions"] == []  # That takes ten minutes; see tests/core/test_overdue.py.
    assert len(told(ground, "deleting", name)) == 1
    ground.project.faults()
    until_empty(ground, 120)
    assert len(told(ground, "gone", name)) == 1
    assert metric(ground, "elastic_victim_mismatch_total") == 0


def phase(site: OpenStackSite, worker: str) -> str:
    found = site.workers().get(worker)
    return str(found["phase"]) if found else "forgotten"


def test_an_orphan_is_named_kept_while_it_is_young_and_never_touched_by_itself(ground: Ground) -> None:
    floor(ground, "small", 1)
    until_ready(ground, 1)
    tag = Tag(ground.pool_name, ground.status()["ledger"])
    lost = made_by_hand(ground, tag.metadata("small", "small-lost-1"))
    ground.until(lambda: ground.status()["strays"], 60, "the daemon has seen it")
    port = {"project_id": ground.project.id, "device_owner": "compute:nova", "created_at": "2026-01-01T00:00:00Z"}
    gone = {"tags": [f"elastic_pool={ground.pool_name}", f"elastic_ledger={tag.ledger}"]}
    left = ground.services.call("network", "POST", "/ports", {"port": {**port, **gone}})["port"]["id"]
    shown = orphans(ground)
    assert {one["id"]: one["keep"] for one in shown["orphans"]} == {
        lost: "it is too young: it may still belong to something", left: "",
    }  # fmt: skip
    assert {one["id"]: one["done"] for one in orphans(ground, "--remove", "--yes")["removals"]} == {left: True}
    assert [one["id"] for one in orphans(ground)["orphans"]] == [lost]
    assert [one["kind"] for one in ground.events("orphan_removed")] == ["orphan_removed"]
    floor(ground, "small", 0)
    ground.until(lambda: [one.id for one in ground.listed()] == [lost], 90, "only the worker goes")
    time.sleep(2)
    assert [one.id for one in ground.listed()] == [lost]
    ground.services.call("compute", "DELETE", f"/servers/{lost}")
    until_empty(ground, 60)
    assert orphans(ground, code=0)["orphans"] == []


def orphans(site: OpenStackSite, *words: str, code: int = 1) -> Mapping[str, list[Mapping[str, Any]]]:
    """What `elastic orphans` says."""
    ended = run("orphans", *words, "-o", "json", "--config", site.daemon.settings_file)
    assert ended.returncode == code, ended.stderr
    found: Mapping[str, list[Mapping[str, Any]]] = json.loads(ended.stdout)
    return found


def made_by_hand(site: OpenStackSite, metadata: Mapping[str, str]) -> str:
    """A server with such a tag that nobody asked the daemon for, active; its id."""
    image = site.services.call("image", "GET", "/images", query={"name": "elastic-worker"})["images"][0]["id"]
    wanted = {
        "name": "lost",
        "imageRef": image,
        "flavorRef": "worker-1",
        "networks": "none",
        "metadata": dict(metadata),
    }
    made = str(site.services.call("compute", "POST", "/servers", {"server": wanted})["server"]["id"])
    site.until(lambda: [one for one in site.listed() if one.id == made and one.status == "ACTIVE"], 60, "it is active")
    return made
