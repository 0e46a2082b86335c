"""The daemon on OpenStack, end to end: from zero to zero with real jobs, for each backend."""

from pathlib import Path

import pytest

from tests.lab.conftest import Say
from tests.lab.outcomes import histories, unhurt
from tests.openstack.site import OpenStackSite, group


@pytest.mark.parametrize("backend", ["nova", "heat", "senlin"])
def test_the_pool_grows_from_zero_works_the_queue_off_and_shrinks_to_zero(
    tmp_path: Path, condor_prefix: Path, backend: str, say: Say
) -> None:
    with OpenStackSite(tmp_path, condor_prefix, groups=[group(backend, maximum=3)]) as site:
        batch = site.jobs.sleep("burst", 9, 3.0)
        batch.wait(150)
        site.until(lambda: not site.listed(), 150, "the pool is empty again")
        site.until(lambda: not site.workers(), 60, "every worker is forgotten")
        kinds = [event["kind"] for event in site.events()]
        say(f"{backend}: {kinds.count('joined')} workers joined, {kinds.count('gone')} gone")
        assert histories(batch) == unhurt(batch)
        assert kinds.count("joined") == kinds.count("gone") == len(site.seen.ever())
        assert 1 <= kinds.count("joined") <= 3 or kinds.count("joined") <= 6
        assert "victim_mismatch" not in kinds
