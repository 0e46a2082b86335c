"""A fifth of the calls to OpenStack fail: the pool reaches its target, nothing is doubled, lost or orphaned."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elastic.lab.folder import LabFolder
from elastic.lab.rest import Session
from tests.lab.conftest import Say
from tests.openstack.proxy import ACTED, Fault, FaultProxy
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

SHARE = 0.2
LAUNCH_SECONDS = 30.0
STORM_SECONDS = 60.0
FULL = [pytest.param(seed, marks=[pytest.mark.full, pytest.mark.timeout(3600)]) for seed in range(2, 7)]


@pytest.mark.parametrize("seed", [1, *FULL])
def test_with_a_fifth_of_all_calls_failing_the_pool_reaches_its_target_and_nothing_is_doubled_or_lost(
    tmp_path: Path, condor_prefix: Path, seed: int, say: Say
) -> None:
    groups = three(launch_seconds=LAUNCH_SECONDS, delete_repeat_seconds=5.0)
    with FaultProxy(lab_folder(), seed=seed, silent_seconds=CALL_SECONDS + 1) as proxy:
        cloud = {"clouds_file": str(proxy.clouds(tmp_path / "clouds.yaml")), "call_seconds": CALL_SECONDS}
        with OpenStackSite(tmp_path / "site", condor_prefix, groups=groups, cloud=cloud) as site:
            # The first order of each backend is carried out, and nobody hears of it.
            for service, path in (("nova", "/servers"), ("heat", "/stacks"), ("senlin", "/clusters")):
                proxy.order(service, "POST", path, Fault.CUT)
            proxy.share = SHARE
            batches = jobs_on_each(site, "troubled", 4, 3.0)
            floors(site, 2)
            until_each_has(site, 2, 240)
            for batch in batches:
                batch.wait(240)
            floors(site, 0)
            until_empty(site, 240)
            proxy.share = 0.0
            say(f"seed {seed}: {proxy.told()}")
            failed = [call for call in proxy.failed() if call.method != "GET"]
            changing = Counter(f"{call.method} {call.service}" for call in failed)
            acted = sum(call.fault in ACTED for call in failed)
            say(f"  of these {len(failed)} were to change something, {acted} of which did: {dict(changing)}")
            assert_nothing_wrong(site, *batches)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("seed", [11, 12])
def test_with_the_services_own_calls_failing_too_nothing_is_orphaned_doubled_or_lost(
    tmp_path: Path, condor_prefix: Path, seed: int, say: Say
) -> None:
    """Heat and Senlin call Nova through the proxy, too: the pool need not reach its target before it is calm again."""
    groups = three(launch_seconds=LAUNCH_SECONDS, delete_repeat_seconds=5.0)
    with FaultProxy(lab_folder(), seed=seed, silent_seconds=CALL_SECONDS + 1) as proxy, everybodys("nova", proxy):
        cloud = {"clouds_file": str(proxy.clouds(tmp_path / "clouds.yaml")), "call_seconds": CALL_SECONDS}
        with OpenStackSite(tmp_path / "site", condor_prefix, groups=groups, cloud=cloud) as site:
            proxy.share = SHARE
            batches = jobs_on_each(site, "troubled", 4, 3.0)
            for workers in (2, 0, 2, 0):
                floors(site, workers)
                time.sleep(STORM_SECONDS)
            proxy.share = 0.0
            say(f"seed {seed}, services too: {proxy.told()}")
            for batch in batches:
                batch.wait(600)
            until_empty(site, 400)
            assert_nothing_wrong(site, *batches)


@contextmanager
def everybodys(service: str, proxy: FaultProxy) -> Iterator[None]:
    """Let the catalog name the proxy for this service, to the other services as well."""
    memory = LabFolder(lab_folder()).memory()
    keystone = f"http://127.0.0.1:{memory.ports['keystone']}/v3"
    admin = Session(keystone, "admin", memory.secrets["admin"], "admin")
    real = f"http://127.0.0.1:{memory.ports[service]}"
    found = [one for one in admin.get(f"{keystone}/endpoints")["endpoints"] if one["url"].startswith(real)]
    assert found
    try:
        for one in found:
            told = one["url"].replace(real, f"http://127.0.0.1:{proxy.port(service)}")
            admin.ask("PATCH", f"{keystone}/endpoints/{one['id']}", {"endpoint": {"url": told}})
        yield
    finally:
        for one in found:
            admin.ask("PATCH", f"{keystone}/endpoints/{one['id']}", {"endpoint": {"url": one["url"]}})
