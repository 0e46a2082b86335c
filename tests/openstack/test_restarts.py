"""Services and the collector that restart while jobs run, and tokens that have expired: nothing is deleted or lost.

In the usual run a service is out of reach for our daemon alone, behind the proxy; with the marker `full` each service
of the lab is really restarted, which disturbs whatever else runs there.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from elastic.lab import processes, programs
from elastic.lab.configs import Site as LabSite
from elastic.lab.folder import LabFolder
from elastic.lab.health import answers
from elastic.lab.programs import Service
from elastic.lab.release import Release
from elastic.lab.software import known
from tests.lab.conftest import Say
from tests.lab.jobs import Batch
from tests.lab.shown import known_schedds, metric, names, told
from tests.lab.support import wait
from tests.openstack.proxy import FaultProxy
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite
from tests.openstack.stories import (
    CALL_SECONDS,
    assert_nothing_wrong,
    floors,
    jobs_on_each,
    three,
    until_each_has,
    until_empty,
)

DOWN_SECONDS = 4.0
TOKEN_SECONDS = 75.0
"""Enough for joining, on a busy machine too."""
AD_SECONDS = 20.0
LEASE = {"job_lease_duration": "900"}
SETTINGS = {"htcondor": {"machine_update_seconds": 15.0, "ad_lifetime_seconds": 60.0}}


def test_each_service_out_of_reach_in_turn_and_the_collector_restarted_deletes_nothing(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    with FaultProxy(lab_folder()) as proxy:
        cloud = {"clouds_file": str(proxy.clouds(tmp_path / "clouds.yaml")), "call_seconds": CALL_SECONDS}
        with OpenStackSite(tmp_path / "site", condor_prefix, groups=three(), settings=SETTINGS, cloud=cloud) as site:
            long, before = begun(site, 60.0)
            for service in ("keystone", "nova", "heat", "senlin", "glance", "neutron"):
                proxy.down = {service}
                floors(site, 1)  # What there is to be done meanwhile: one worker of each group is too many.
                time.sleep(DOWN_SECONDS)
                floors(site, 2)
            proxy.down = set()
            say(f"services out of reach in turn: {proxy.told()}")
            survived(site, long, before)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("alone")
def test_each_service_of_the_lab_restarted_in_turn_deletes_nothing(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    folder = LabFolder(lab_folder())
    lab = LabSite(folder=folder, memory=folder.memory(), software=known(Release(folder.memory().release)))
    services = [service for service in programs.services(lab) if service.name not in {"condor", "meter"}]
    with OpenStackSite(tmp_path, condor_prefix, groups=three(), settings=SETTINGS) as site:
        long, before = begun(site, 240.0)
        for service in services:
            began = time.monotonic()
            restart(lab, service)
            floors(site, 1)
            time.sleep(DOWN_SECONDS)
            floors(site, 2)
            say(f"  {service.name} restarted, answers after {time.monotonic() - began - DOWN_SECONDS:.1f} s")
        survived(site, long, before)
        say(f"{len(services)} services and the collector restarted in turn, nothing deleted")


def test_every_token_expired_and_then_the_collector_restarted_deletes_nothing(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    shared = {"options": {"enrolment": "shared"}}
    groups = three(maximum=2, lost_seconds=20.0, lost_counted_seconds=600.0, job_lease_seconds=15.0, **shared)
    settings = {"htcondor": {"machine_update_seconds": 15.0, "ad_lifetime_seconds": AD_SECONDS}}
    # Tokens signed by keys of their own have no end, and where workers reach the daemon theirs are renewed.
    cloud = {"token_seconds": TOKEN_SECONDS, "signing_keys": None, "enrol_url": None}
    with OpenStackSite(tmp_path, condor_prefix, groups=groups, settings=settings, cloud=cloud) as site:
        floors(site, 1)
        until_each_has(site, 1, 60)
        last = max(server.created_at for server in site.listed())
        long = jobs_on_each(site, "cut-off", 1, 100.0, **LEASE)
        site.until(lambda: all(batch.worker() for batch in long), 60, "its jobs run")
        before = names(site)
        time.sleep(max(0.0, last + TOKEN_SECONDS + 2 - time.time()))
        site.pool.daemons.restart("collector")
        floors(site, 0)
        site.until(lambda: metric(site, "elastic_workers", phase="lost") == 3, 60, "none can report any more")
        site.until(lambda: metric(site, "elastic_workers", phase="failed") == 3, 90, "they are given up")
        site.until(lambda: known_schedds(site) == 1, 60, "jobs can be submitted again")
        for batch in long:
            batch.wait(120)

        def proofs() -> set[str]:
            return {worker["proof_missing"] for worker in site.workers().values()}

        site.until(lambda: len(proofs()) == 1, 30, "all are asked, and all answer alike")
        (proof,) = proofs()
        say(f"three expired tokens and a restarted collector: {proof}")
        assert proof.startswith("its startd answers")
        assert names(site) == before
        assert told(site, "deleting") == []
        assert_nothing_wrong(site, *long)


def begun(site: OpenStackSite, seconds: float) -> tuple[Sequence[Batch], set[str]]:
    """Two workers in each group, one job on one of them."""
    floors(site, 2)
    until_each_has(site, 2, 120)
    long = jobs_on_each(site, "through", 2, seconds, **LEASE)
    site.until(lambda: all(batch.worker(0) and batch.worker(1) for batch in long), 60, "its jobs run")
    return long, names(site)


def survived(site: OpenStackSite, long: Sequence[Batch], before: set[str]) -> None:
    """The collector is restarted as well; then all is as it was, and goes on: it grows, and shrinks to nothing."""
    site.pool.daemons.restart("collector")
    site.until(lambda: metric(site, "elastic_safe_to_scale") == 2, 90, "it sees again")
    assert (before <= names(site), told(site, "deleting")) == (True, [])
    for batch in long:
        batch.wait(240)
    site.until(lambda: known_schedds(site) == 1, 60, "jobs can be submitted again")
    floors(site, 3)
    until_each_has(site, 3, 180)
    assert before <= names(site)
    floors(site, 0)
    until_empty(site, 240)
    assert_nothing_wrong(site, *long)


def restart(lab: LabSite, service: Service) -> None:
    """End it as an operator would, start it again, and wait until it answers."""
    processes.stop(lab.folder, service.name)
    processes.start(lab.folder, service.program)
    wait(lambda: answers(lab, service), 60, f"{service.name} answers again")
