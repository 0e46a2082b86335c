"""Troubles of single servers and of the project, told about a worker group of each backend in one site.

The site has a project of its own, so that its quota and its hypervisor's faults disturb nobody beside it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.again import Shared
from tests.lab.conftest import Say
from tests.lab.shown import ASKER, told
from tests.openstack.project import Project, project
from tests.openstack.records import astray
from tests.openstack.site import OpenStackSite
from tests.openstack.stories import (
    BACKENDS,
    assert_nothing_wrong,
    floors,
    jobs_on_each,
    ledger,
    ready,
    three,
    until_each_has,
    until_empty,
)

REPORTING = {"config.MASTER_UPDATE_INTERVAL": "5"}
AD_SECONDS = 30.0
IDLE_SECONDS = 60.0
SYNC_SECONDS = 15.0
LEASE = {"job_lease_duration": "600"}


class Ground(OpenStackSite):
    """A site with a group for each backend, in a project of its own."""

    project: Project


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[Shared[Ground]]:
    """One for all tests of this module, and another one after a test that failed."""

    @contextmanager
    def made() -> Iterator[Ground]:
        root = tmp_path_factory.mktemp("troubles")
        groups = three(
            lost_seconds=20.0, lost_counted_seconds=3.0, job_lease_seconds=10.0, options=REPORTING,
            breaker_backoff_seconds=5.0, error_backoff_seconds=3.0, launch_seconds=60.0,
        )  # fmt: skip
        settings = {"htcondor": {"ad_lifetime_seconds": AD_SECONDS}}
        pool = {"CLASSAD_LIFETIME": f"{AD_SECONDS:.0f}"}
        with (
            project(root) as own,
            Ground(
                root / "site", condor_prefix, groups=groups, clouds=own.clouds, settings=settings, pool_config=pool
            ) as site,
        ):
            site.project = own
            yield site

    with Shared(made) as shared:
        yield shared


@pytest.fixture
def ground(request: pytest.FixtureRequest, grounds: Shared[Ground]) -> Iterator[Ground]:
    """The site that these tests share."""
    with grounds.lent(request.node) as site:
        yield site


def test_a_server_deleted_behind_everyones_back_is_missed_and_replaced(ground: Ground) -> None:
    settled(ground)
    before = servers(ground)
    long = jobs_on_each(ground, "beside-deleted", 1, 20.0, **LEASE)
    ground.until(lambda: busy(ground, 3), 60, "each group has a job on one of its workers")
    working = {name for name, worker in ground.workers().items() if worker["busy"]}
    victims = {name: before[name] for name in before if name not in working}
    assert len(victims) == 3
    for server_id in victims.values():
        ground.services.call("compute", "DELETE", f"/servers/{server_id}")
    ground.until(lambda: all(told(ground, "gone", name) for name in victims), 120, "they are missed and forgotten")
    settled(ground)
    for batch in long:
        batch.wait(60)
    assert working <= servers(ground).keys()
    assert [told(ground, "deleting", name) for name in victims] == [[], [], []]
    assert {told(ground, "gone", name)[0] for name in victims} == {"its server is gone without our asking"}
    assert_nothing_wrong(ground, *long)


def test_servers_in_error_or_stopped_whose_startds_answer_are_kept_for_their_jobs_and_are_no_victims(
    ground: Ground, say: Say
) -> None:
    settled(ground)
    by_group = {name: sorted(n for n in servers(ground) if n.startswith(f"{name}-")) for name in BACKENDS}
    in_error, stopped = ([names[place] for names in by_group.values()] for place in (0, 1))
    before = servers(ground)
    long = jobs_on_each(ground, "through-error", 2, 30.0, **LEASE)
    ground.until(lambda: busy(ground, 6), 60, "every worker has a job")
    ground.project.faults(power_off_ignored=True)
    for name in in_error:
        ground.project.state(before[name], "error")
    for name in stopped:
        ground.services.call("compute", "POST", f"/servers/{before[name]}/action", {"os-stop": None})
    ground.until(lambda: all(seen(ground, name)["flagged"] for name in in_error), 60, "those in error are flagged")
    ground.until(lambda: {seen(ground, n)["phase"] for n in stopped} == {"lost"}, 60, "those called stopped are lost")
    floors(ground, 0)
    for batch in long:
        batch.wait(90)
    # Twice as long as joins take here an idle worker is left alone; then it would go.
    time.sleep(IDLE_SECONDS)
    assert before.items() <= servers(ground).items()
    assert {seen(ground, name)["phase"] for name in in_error} == {"ready"}
    assert {seen(ground, name)["proof_missing"] for name in stopped} == {"the collector has its ad"}
    assert [told(ground, kind, name) for name in before for kind in ("draining", "deleting")] == [[]] * 12
    idle = seen(ground, in_error[0])["idle_seconds"]
    say(f"in error and idle for {idle:.0f} s, not wanted: kept; called stopped: lost, kept")
    for name in before:
        ground.project.state(before[name], "active")
    # Nova asks each 10 s what runs, and would stop now what it took for stopped then.
    time.sleep(SYNC_SECONDS)
    ground.project.faults()
    settled(ground)
    assert_nothing_wrong(ground, *long)


def test_a_quota_below_use_holds_growth_by_name_and_takes_nothing_away(ground: Ground, say: Say) -> None:
    settled(ground)
    before = servers(ground)
    long = jobs_on_each(ground, "over-quota", 1, 10.0, **LEASE)
    ground.project.quota(instances=3, cores=3)
    floors(ground, 3)

    def held() -> bool:
        return all("quota" in ground.group(name)["target"]["limited_by"] for name in BACKENDS)

    ground.until(held, 60, "growth is held by the quota")
    say(f"over quota: {ground.group('heat')['target']['reason']}")
    for batch in long:
        batch.wait(60)
    assert before.items() <= servers(ground).items()
    assert_nothing_wrong(ground, *long)
    # Shrinking goes on while the quota is full.
    floors(ground, 0)
    until_empty(ground, 180)
    assert_nothing_wrong(ground, *long)
    ground.project.quota(instances=-1, cores=-1)


def test_a_hypervisor_that_fails_every_spawn_opens_the_breaker_and_leaves_nothing_behind(
    ground: Ground, say: Say
) -> None:
    ground.project.faults(spawn_error="no power")
    floors(ground, 1)
    ground.until(lambda: all(told(ground, "failed", group=name) for name in BACKENDS), 240, "boots have failed")
    faults = {name: told(ground, "failed", group=name)[-1] for name in BACKENDS}
    say(f"spawns that fail: {faults}")
    assert all("server error" in text and len(text) > len("server error: ") for text in faults.values())
    floors(ground, 0)
    ground.until(lambda: not ground.listed(), 180, "their servers are gone")
    ground.project.faults()
    for name in BACKENDS:
        ground.write("POST", f"/v1/groups/{name}/breaker/reset", ASKER)
    floors(ground, 1)
    until_each_has(ground, 1, 240)
    floors(ground, 0)
    until_empty(ground, 180)
    assert astray(ground.pool_name, ledger(ground)) == []


def settled(site: Ground) -> None:
    """Each group has two workers that serve, and no other servers."""
    floors(site, 2)
    site.until(
        lambda: set(ready(site).values()) == {2} and len(servers(site)) == len(site.listed()) == 6,
        180,
        "each group has exactly two workers",
    )


def busy(site: OpenStackSite, workers: int) -> bool:
    """Whether the daemon sees so many workers with jobs."""
    return sum(bool(worker["busy"]) for worker in site.workers().values()) == workers


def seen(site: OpenStackSite, worker: str) -> Mapping[str, Any]:
    """A worker as the newest tick saw it."""
    return site.workers()[worker]


def servers(site: OpenStackSite) -> Mapping[str, str]:
    """The servers that exist, by the worker's name that the daemon has for them."""
    ids = {one.id for one in site.listed()}
    return {name: worker["server_id"] for name, worker in site.workers().items() if worker["server_id"] in ids}
