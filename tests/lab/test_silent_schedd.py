"""A schedd that stops answering for good: its demand counts until its ad expires, and then no longer, which is told.

Times are scaled down: ads live for 45 s (900 s), a tick comes each second (30 s).
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from elastic.local.pool import Pool
from tests.contract.rig import template
from tests.lab.again import Shared
from tests.lab.conftest import Say
from tests.lab.outcomes import histories, unhurt
from tests.lab.real import RealRig, central
from tests.lab.shown import NO_HARM, by_command, harm, metric, names, told
from tests.lab.site import Site, group
from tests.lab.support import Client
from tests.lab.troubles import REPORTING

AD_SECONDS = 45.0
SETTINGS = {"htcondor": {"query_seconds": 5.0, "ad_lifetime_seconds": AD_SECONDS}}
# The negotiator asks it in vain too, and the other schedd waits meanwhile.
POOL = {"CLASSAD_LIFETIME": f"{AD_SECONDS:.0f}", "NEGOTIATOR_TIMEOUT": "2"}
SECOND = "second@127-0-0-1.elastic.local"


def test_the_demand_of_a_silent_schedd_counts_until_its_ad_expires_and_then_no_longer(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    """Until then nothing shrinks, and nothing grows beyond it; the other schedd is served all the while."""
    groups = [group(maximum=6, options=REPORTING)]
    with Site(
        tmp_path,
        condor_prefix,
        groups=groups,
        settings=SETTINGS,
        boot_seconds=(10.0, 12.0),
        pool_config=POOL,
        schedds=["second"],
    ) as site:
        waiting = site.jobs.sleep("waiting", 3, 5.0, schedd="second", job_lease_duration="600")
        site.until(lambda: len(told(site, "launched")) == 3, 60, "a server is asked for each job")
        site.pool.daemons.freeze("second")
        site.until(lambda: SECOND in site.status()["trust"]["shrink"], 40, "it is missed")
        held = source(site)
        assert (held["ok"], held["error_type"]) == (False, "Transient")
        assert (site.status()["queue"]["idle_jobs"], site.group()["target"]["workers"]) == (3, 3)
        site.until_ready(3)
        served = site.jobs.sleep("served", 1, 1.0)
        served.wait(60)
        site.until(lambda: "do not count any more" in source(site).get("error", ""), 120, "it has expired")
        assert site.status()["trust"]["shrink"] == ""
        assert (source(site)["error_type"], site.status()["queue"]["idle_jobs"]) == ("Expired", 0)
        assert metric(site, "elastic_safe_to_scale") == 2
        assert metric(site, "elastic_source_errors_total", source=f"schedd:{SECOND}", type="Expired") > 0
        text = source(site)["error"]
        assert "a source counts no more" in site.daemon.log.read_text(encoding="utf-8")
        site.until(lambda: not names(site), 90, "the pool shrinks to its minimum without it")
        assert all(event["at"] >= expired_at(site) for event in site.events("draining"))
        most = max(len(look.existing) for look in site.seen.looks)
        site.pool.daemons.thaw("second")
        waiting.wait(90)
        assert source(site)["ok"]
        assert (histories(waiting), histories(served)) == (unhurt(waiting), unhurt(served))
        assert harm(site, waiting, served) == NO_HARM
        # The queue may be told a tick later than the machines: a job that has just begun then counts on both sides.
        assert most <= 3 + 2
        say(f"a silent schedd with 3 jobs: {most} workers at most; {text}")


def expired_at(site: Site) -> float:
    """The first tick at which its jobs did not count any more."""
    ticks = site.get("/v1/ticks", limit=1000)["ticks"]
    known = ((tick["now"], tick["snapshot"]["sources"].get(f"schedd:{SECOND}", {})) for tick in ticks)
    return next(float(now) for now, seen in known if seen.get("error_type") == "Expired")


def source(site: Site) -> Mapping[str, Any]:
    """The second schedd, as `elastic status` shows it; empty once it is forgotten."""
    return next((s for s in by_command(site)["sources"] if s["source"] == f"schedd:{SECOND}"), {})


@pytest.fixture(scope="module")
def pools(condor_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[tuple[Pool, Client]]]:
    with Shared(lambda: central(tmp_path_factory.mktemp("stale"), condor_prefix)) as shared:
        yield shared


@pytest.fixture
def rig(request: pytest.FixtureRequest, pools: Shared[tuple[Pool, Client]]) -> Iterator[RealRig]:
    with pools.lent(request.node) as (pool, client), RealRig(pool, client) as real:
        yield real


def test_a_schedd_that_is_listed_on_and_never_answers_is_waited_for_half_an_hour_and_no_longer(rig: RealRig) -> None:
    """Half an hour is ten seconds here. Who is silent may still have jobs on our machines: that is never forgotten."""
    stale_seconds = 10.0
    batch = rig.fresh_batch(schedd_stale_seconds=stale_seconds)
    rig.submit(2)
    rig.wait(lambda: sum(shape.idle for one in batch.queue(template(rig)).schedds for shape in one.shapes) == 2)
    answered_at = time.monotonic()
    rig.stop_schedd()
    repeated = rig.wait(lambda: next((one for one in batch.queue(template(rig)).schedds if one.error), None))
    assert (sum(shape.idle for shape in repeated.shapes), repeated.expired) == (2, False)
    late = rig.wait(lambda: next((one for one in batch.queue(template(rig)).schedds if one.expired), None))
    assert time.monotonic() - answered_at >= stale_seconds
    assert (late.shapes, "its jobs do not count any more" in late.error) == ((), True)
    assert batch.jobs_on(["w1@anywhere"]).complete is False
    rig.start_schedd()
    back = rig.wait(lambda: next((one for one in batch.queue(template(rig)).schedds if not one.error), None))
    assert (sum(shape.idle for shape in back.shapes), back.expired) == (2, False)
