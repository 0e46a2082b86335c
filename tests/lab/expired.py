"""A pool whose workers hold tokens of a few seconds, and its collector restarts when all of them have expired."""

import time
from pathlib import Path

from tests.lab.outcomes import histories, unhurt
from tests.lab.shown import NO_HARM, by_command, floor, harm, known_schedds, metric, names, told
from tests.lab.site import Site, group

TOKEN_SECONDS = 40.0
"""Enough for joining, on a busy machine too."""
SETTINGS = {
    "htcondor": {"ad_lifetime_seconds": 20.0},
    "cloud": {"options": {"token_seconds": TOKEN_SECONDS}},
}
GROUP = group(maximum=6, lost_seconds=20.0, lost_counted_seconds=5.0, job_lease_seconds=15.0)


def story(root: Path, prefix: Path) -> str:
    """The startds run on and cannot report any more: they answer for themselves, so they are not called gone."""
    with Site(root, prefix, groups=[GROUP], settings=SETTINGS) as site:
        floor(site, "small", 3)
        site.until_ready(3)
        last = max(server.created_at for server in site.listed())
        long = site.jobs.sleep("cut-off", 2, 90.0, job_lease_duration="600")
        site.until(lambda: site.group()["busy"] == 2, 60, "its jobs run")
        before = names(site)
        time.sleep(max(0.0, last + TOKEN_SECONDS + 2 - time.time()))
        site.pool.daemons.restart("collector")
        floor(site, "small", 0)
        site.until(lambda: "3 of 3 machine ads vanished" in site.status()["trust"]["grow"], 40, "it is blind")
        assert metric(site, "elastic_workers", phase="lost") == 3
        site.until(lambda: metric(site, "elastic_safe_to_scale") == 2, 60, "blindness ends with the ads' lifetime")
        site.until(lambda: metric(site, "elastic_workers", phase="failed") == 3, 40, "they are given up")
        site.until(lambda: known_schedds(site) == 1, 30, "jobs can be submitted again")
        late = site.jobs.sleep("late", 1, 1.0)
        late.wait(60)
        long.wait(120)
        site.until(lambda: len(proofs(site, before)) == 1, 20, "all are asked, and all answer alike")
        (proof,) = proofs(site, before)
        assert proof.startswith("its startd answers")
        assert (before <= names(site), harm(site, long, late)) == (True, NO_HARM)
        assert (histories(long), histories(late)) == (unhurt(long), unhurt(late))
        assert [told(site, "deleting", worker) for worker in before] == [[], [], []]
        assert metric(site, "elastic_refusals_total", guardrail="proof") > 0
        assert by_command(site)["groups"][0]["phases"]["failed"] == 3
        return f"three expired tokens and a restarted collector: nothing deleted: {proof}"


def proofs(site: Site, workers: set[str]) -> set[str]:
    """What is not proved yet of these workers."""
    return {site.workers()[worker]["proof_missing"] for worker in workers}
