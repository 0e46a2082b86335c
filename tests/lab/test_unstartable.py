"""Demand that cannot start, side by side against real daemons: at most one worker too many, then back to the minimum.

The daemon ticks each second (30 s in production), a negotiation cycle begins every few seconds (60 s), an idle worker
goes after 2 s or twice the time that joins take (900 s).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from elastic.local.processes import ProcessId, children, marked, name_of
from tests.lab import dags
from tests.lab.again import Beside
from tests.lab.conftest import Say
from tests.lab.events import Kind
from tests.lab.jobs import Batch
from tests.lab.outcomes import histories, unhurt
from tests.lab.shown import by_command, metric, names, only_on, told
from tests.lab.site import Site, group

GB_MB = 1024
WIDE = 25
MINIMUM = 3
STRICT = "TARGET.RequestCpus > 3"

# Who asks for a group by its name needs one worker there, for the name is in its ad; the other groups are told apart by
# what only their workers have.
GROUPS = (
    group(name="limited", minimum=1, maximum=6),
    group(name="quota", minimum=1, maximum=6),
    group(name="capped", minimum=1, maximum=4),
    # What the flavor is sold as, less what its system needs: a job of the whole flavor does not fit.
    group(name="honest", maximum=3, shape={"cpus": 4, "memory_mb": 8 * GB_MB}, reserve={"memory_mb": 256}),
    # The reserve was forgotten: the first worker shows what it really has.
    group(name="sold", maximum=3, shape={"cpus": 2, "memory_mb": 32 * GB_MB}, options={"config.MEMORY": "32000"}),
    # Nobody knows of START before the first worker has joined.
    group(name="picky", maximum=3, shape={"cpus": 3, "memory_mb": 16 * GB_MB}, options={"config.START": STRICT}),
    # Twenty-five jobs on each worker; no other has GPUs.
    group(name="factory", maximum=10, shape={"cpus": WIDE, "memory_mb": 128 * WIDE, "gpus": WIDE}),
)
POOL = {
    "PAIR_LIMIT": "2",
    "GROUP_NAMES": "group_physics",
    "GROUP_QUOTA_group_physics": "2",
    "second.MAX_JOBS_RUNNING": "1",
}


@contextmanager
def made(root: Path, prefix: Path) -> Iterator[Site]:
    """A pool with three schedds, a concurrency limit, a group quota, and a worker group for each case."""
    with Site(root, prefix, groups=GROUPS, pool_config=POOL, schedds=["second", "third"]) as site:
        site.until(lambda: sum(g["ready"] for g in site.status()["groups"]) == MINIMUM, 60, "the minimum")
        yield site


def alone(case: Callable[[Site], str], folders: pytest.TempPathFactory, prefix: Path) -> str:
    """Tell one case in a site of its own."""
    with made(folders.mktemp("alone"), prefix) as site:
        return case(site)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[Beside]:
    """All cases, told side by side in one site; on its second try each has one of its own."""
    with made(tmp_path_factory.mktemp("unstartable"), condor_prefix) as site, Beside(len(CASES)) as begun:
        for name, case in CASES.items():
            begun.begin(name, partial(case, site), partial(alone, case, tmp_path_factory, condor_prefix))
        yield begun


def most(site: Site, name: str) -> int:
    """The most servers of a group that ever existed at once."""
    return max(sum(server.startswith(f"{name}-") for server in look.existing) for look in site.seen.looks)


def ever(site: Site, name: str = "") -> set[str]:
    """Every server of a group there ever was."""
    return {server for server in site.seen.ever() if server.startswith(name)}


def until_back(site: Site, name: str, workers: int) -> None:
    site.until(lambda: len(names(site, name)) == workers, 90, f"{name} is back at its minimum")


def unserved(site: Site, batch: Batch, cause: str) -> Mapping[str, object]:
    """What the daemon says of these jobs, for which it asks for nothing on this ground; empty when it says nothing."""
    mine = (one for one in by_command(site)["queue"]["unserved"] if f"#{batch.cluster}." in f"#{one['example']}")
    return next((one for one in mine if one["cause"] == cause), {})


def misfits(site: Site, batch: Batch) -> Sequence[str]:
    """The events that named these jobs as fitting nowhere."""
    return [text for text in told(site, "misfit") if f" {batch.cluster}." in text.replace("#", " ")]


def named_misfit(site: Site, batch: Batch) -> str:
    """Return the reason why these jobs fit nowhere, once that is said."""
    site.until(lambda: misfits(site, batch), 60, "it is said that they fit nowhere")
    (text,) = misfits(site, batch)
    assert unserved(site, batch, "fits nowhere")["jobs"] == batch.count
    assert metric(site, "elastic_unserved_jobs", cause="fits nowhere") >= 1
    return text


def limited(site: Site) -> str:
    """A concurrency limit of 2 with 50 jobs."""
    batch = site.jobs.sleep("limited", 50, 300.0, **only_on("limited"), concurrency_limits="pair")
    return two_of_many(site, batch, "limited", "concurrency limit", "concurrency limit pair allows 0 more")


def over_quota(site: Site) -> str:
    """A group quota of two cores without surplus, and 20 jobs."""
    who = {"accounting_group": "group_physics", "accounting_group_user": "ada"}
    batch = site.jobs.sleep("quota", 20, 300.0, **only_on("quota"), **who)
    return two_of_many(site, batch, "quota", "group quota", "group quota of group_physics allows 0 more")


def two_of_many(site: Site, batch: Batch, name: str, cause: str, reason: str) -> str:
    """Two of these jobs may run, and do, on two workers; the others are named, and nothing is booted for them.

    The negotiator's cycles are so close here that it may let one more run than it should.
    """
    site.until(lambda: site.group(name)["demand"]["running_jobs"] >= 2, 90, f"two of {batch.count} jobs run")
    site.until(lambda: unserved(site, batch, cause).get("reason") == reason, 60, "the rest is named")
    time.sleep(10)
    run = site.group(name)["demand"]["running_jobs"]
    assert unserved(site, batch, cause)["jobs"] == batch.count - run
    assert metric(site, "elastic_unserved_jobs", cause=cause) == batch.count - run
    assert misfits(site, batch) == []
    assert (run in {2, 3}, site.group(name)["target"]["workers"]) == (True, run)
    site.jobs.client.remove(f"ClusterId == {batch.cluster}")
    until_back(site, name, 1)
    assert most(site, name) <= run + 1
    return f"{name}: {run} of {batch.count} jobs run, {most(site, name)} workers at most; {reason}"


def impossible(site: Site) -> str:
    """Requirements that no machine meets: named once, and no server."""
    batch = site.jobs.sleep("impossible", 3, 1.0, requirements="TARGET.HasUnobtainium =?= true")
    text = named_misfit(site, batch)
    assert "HasUnobtainium" in text
    time.sleep(10)
    assert misfits(site, batch) == [text]
    return f"impossible: {text}"


def whole_flavor(site: Site) -> str:
    """A job of 8 GB where the flavor has 8 GB and its system needs some: no server."""
    batch = site.jobs.sleep("flavor", 1, 1.0, request_cpus="4", request_memory=str(8 * GB_MB))
    text = named_misfit(site, batch)
    assert f"honest: RequestMemory {8 * GB_MB} > Memory {8 * GB_MB - 256}" in text
    time.sleep(10)
    assert most(site, "honest") == 0
    return f"a whole flavor: {text}"


def whole_flavor_without_reserve(site: Site) -> str:
    """The same where no reserve is set: the first worker tells, and is the only one."""
    batch = site.jobs.sleep("sold", 1, 1.0, request_cpus="2", request_memory=str(32 * GB_MB))
    text = named_misfit(site, batch)
    assert f"sold: RequestMemory {32 * GB_MB} > Memory 32000" in text
    until_back(site, "sold", 0)
    time.sleep(5)
    assert len(ever(site, "sold")) == 1
    return f"a whole flavor, no reserve: one worker, then {text}"


def strict_start(site: Site) -> str:
    """A START that refuses these jobs: the first worker tells, and is the only one."""
    batch = site.jobs.sleep("picky", 1, 1.0, request_cpus="3", request_memory=str(10 * GB_MB))
    text = named_misfit(site, batch)
    assert "picky: START: " in text
    until_back(site, "picky", 0)
    time.sleep(5)
    assert len(ever(site, "picky")) == 1
    return f"START refuses: one worker, then {text}"


def capped(site: Site) -> str:
    """MAX_JOBS_RUNNING of a schedd, which nobody tells: free room for three cycles and no start, so no demand."""
    batch = site.jobs.sleep("capped", 2, 300.0, schedd="second", **only_on("capped"))
    site.until(lambda: told(site, "futile", group="capped"), 60, "it is found futile")
    (text,) = told(site, "futile", group="capped")
    assert "negotiation cycles and did not start: " in text
    site.until(lambda: unserved(site, batch, "futile").get("jobs") == 1, 30, "the waiting one is named")
    assert metric(site, "elastic_unserved_jobs", cause="futile") >= 1
    until_back(site, "capped", 1)
    kinds = [event.kind for events in batch.history().values() for event in events]
    assert (kinds.count(Kind.EXECUTE), kinds.count(Kind.EVICTED), most(site, "capped")) == (1, 0, 2)
    site.jobs.client.remove(f"ClusterId == {batch.cluster}", "second")
    return f"futile: {text}"


def factory(site: Site) -> str:
    """A hundred jobs of which five show at a time, twenty-five for a worker: four workers in one jump.

    From a schedd of their own: HTCondor 25 did not look at them behind the rejected jobs of the other cases.
    """
    batch = site.jobs.sleep("factory", 100, 3.0, schedd="third", request_gpus="1", max_idle="5")
    batch.wait(180)
    until_back(site, "factory", 0)
    launched = [event["at"] for event in site.events("launched") if event["group"] == "factory"]
    assert len(set(launched[:4])) == 1
    assert 4 <= most(site, "factory") <= 4 + 1
    assert histories(batch) == unhurt(batch)
    return f"factory of 100 with max_idle 5: {launched.count(launched[0])} launched at once, {len(launched)} in all"


CASES: Mapping[str, Callable[[Site], str]] = {
    "a concurrency limit": limited,
    "a group quota": over_quota,
    "impossible requirements": impossible,
    "a job of the whole flavor": whole_flavor,
    "the same without a reserve": whole_flavor_without_reserve,
    "a strict START": strict_start,
    "a schedd that may run one job": capped,
    "a job factory": factory,
}


def test_five_running_dagmans_with_nothing_to_do_are_counted_apart_and_need_no_worker(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    """They run beside the schedd; the PRE script of their only node waits."""
    with Site(tmp_path, condor_prefix, groups=[group(minimum=1, maximum=4)]) as site:
        site.until_ready(1)
        clusters = [dags.submit_waiting(site.pool, site.jobs.client, f"dag-{number}") for number in range(5)]
        site.until(lambda: all(dags.waits(site.pool, f"dag-{number}") for number in range(5)), 60, "all of them wait")
        site.until(lambda: by_command(site)["queue"]["other_universes"] == {"scheduler": 5}, 30, "they are counted")
        assert metric(site, "elastic_queue_other_jobs", universe="scheduler") == 5
        assert {(job["JobUniverse"], job["JobStatus"]) for job in site.jobs.client.jobs()} == {(7, 2)}
        assert len(scripts(site)) == 5
        time.sleep(10)
        assert (len(ever(site)), site.group()["target"]["workers"], site.status()["queue"]["idle_jobs"]) == (1, 1, 0)
        site.jobs.client.remove(" || ".join(f"ClusterId == {cluster}" for cluster in clusters))
        site.until(lambda: not site.jobs.client.jobs(), 60, "the queue is empty")
        site.until(lambda: scripts(site) == [], 30, "their scripts are gone with them")
        say("five running DAGMan jobs: one worker, which is the minimum, all the time")


def scripts(site: Site) -> list[ProcessId]:
    """The PRE scripts that run. HTCondor gives them an environment without our mark, and no orphan leaves the pool."""
    level = list(marked(site.pool.folder.central))
    found = []
    while level:
        found += [process for process in level if name_of(process) == "sleep"]
        level = [child for process in level for child in children(process.pid) if child not in found]
    return sorted(set(found), key=lambda process: process.pid)


@pytest.mark.parametrize("case", list(CASES))
def test_demand_that_cannot_start_boots_at_most_one_worker_too_many(cases: Beside, case: str, say: Say) -> None:
    say(cases.result(case))
