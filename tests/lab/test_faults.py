"""Faults of the pool as a whole and of single workers, against real daemons: nothing wrong is deleted, and it is told.

Times are scaled down: the daemon ticks each second (30 s in production), machines report within 25 s of a collector's
start (300 s), ads live for 90 s (900 s), jobs wait 20 s for a lost worker (2400 s). The troubles of single workers
ripen in a site of their own beside the faults of the pool, and are looked at in the end. What has failed is tried again
in a new site.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from elastic.local.processes import send
from tests.lab import expired, troubles
from tests.lab.again import Beside, Shared
from tests.lab.conftest import Say
from tests.lab.events import Kind
from tests.lab.jobs import Batch
from tests.lab.outcomes import histories, unhurt
from tests.lab.shown import NO_HARM, by_command, floor, harm, known_schedds, metric, names, startd, told
from tests.lab.site import Site, group

# What is looked at while the daemon is blind takes seconds, by command line too: on a busy machine more than ten.
SETTINGS = {"htcondor": {"machine_update_seconds": 25.0, "query_seconds": 4.0, "ad_lifetime_seconds": 90.0}}
POOL = {"CLASSAD_LIFETIME": "90"}
LEASE = {"job_lease_duration": "600"}


@pytest.fixture(scope="module", autouse=True)
def beside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path
) -> Iterator[Beside]:
    """What ripens beside the faults of the pool, as far as it is selected: the troubles, and a pool of its own."""
    selected = {item.name for item in request.session.items}
    stories = {name: story for name, story in troubles.STORIES.items() if any(name in test for test in selected)}

    def root(name: str) -> Path:
        return tmp_path_factory.mktemp(name.replace(" ", "-"))

    with ExitStack() as stack:
        begun = stack.enter_context(Beside(1 + len(stories)))
        if any("expired" in test for test in selected):
            begun.begin("expired", lambda: expired.story(root("expired"), condor_prefix))
        if stories:
            site = stack.enter_context(troubles.site(root("troubles"), condor_prefix))
            # Nobody may still be told a story of a site that is being taken down.
            stack.callback(begun.join)
            for name, story in stories.items():
                begun.begin(name, partial(story, site), partial(troubles.alone, story, root, condor_prefix))
        yield begun


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[Shared[Site]]:
    """A pool with two schedds and one group of up to twelve workers; another one after a test that failed."""
    workers = group(
        name="fleet",
        maximum=12,
        options=troubles.REPORTING,
        lost_seconds=120.0,
        lost_counted_seconds=5.0,
        job_lease_seconds=20.0,
    )

    def make() -> Site:
        root = tmp_path_factory.mktemp("fleet")
        return Site(root, condor_prefix, groups=[workers], settings=SETTINGS, pool_config=POOL, schedds=["second"])

    with Shared(make) as shared:
        yield shared


@pytest.fixture
def fleet(request: pytest.FixtureRequest, fleets: Shared[Site]) -> Iterator[Site]:
    """The site that these tests share."""
    with fleets.lent(request.node) as site:
        yield site


def running(site: Site, name: str, count: int, seconds: float, **more: str) -> Batch:
    """Jobs that have been started, and wait long for a worker that is not seen."""
    batch = site.jobs.sleep(name, count, seconds, **{**LEASE, **more})
    site.until(lambda: len(started(batch)) == count, 60, f"{count} jobs run")
    return batch


def started(batch: Batch) -> set[str]:
    """The jobs that were started."""
    return {job for job, events in batch.history().items() if any(event.kind == Kind.EXECUTE for event in events)}


def until_empty(site: Site) -> None:
    site.until(lambda: not names(site), 60, "the pool is empty again")


def test_a_restarted_collector_makes_the_daemon_blind_until_the_workers_have_reported(fleet: Site) -> None:
    floor(fleet, "fleet", 3)
    fleet.until_ready(3)
    long = running(fleet, "through", 2, 20.0)
    before, launched = names(fleet), told(fleet, "launched")
    fleet.pool.daemons.restart("collector")
    floor(fleet, "fleet", 5)
    fleet.until(lambda: "the collector started" in fleet.status()["trust"]["grow"], 20, "the daemon is blind")
    # Not by the command: to start that may take all of the time that the daemon is blind.
    assert fleet.status()["trust"]["shrink"].startswith("blind: the collector started")
    assert metric(fleet, "elastic_safe_to_scale") == 0
    assert "freshness" in fleet.group("fleet")["target"]["limited_by"]
    assert metric(fleet, "elastic_refusals_total", guardrail="freshness") > 0
    assert (names(fleet), told(fleet, "launched"), told(fleet, "draining")) == (before, launched, [])
    fleet.until(lambda: metric(fleet, "elastic_safe_to_scale") == 2, 40, "it sees again")
    assert told(fleet, "sighted")[-1].startswith("no longer blind after ")
    fleet.until_ready(5)
    fleet.until(lambda: known_schedds(fleet) == 2, 30, "jobs can be submitted again")
    long.wait(60)
    assert histories(long) == unhurt(long)
    assert harm(fleet, long) == NO_HARM


def test_a_third_of_the_machine_ads_gone_at_once_is_a_fault_of_the_pool_and_deletes_nothing(fleet: Site) -> None:
    floor(fleet, "fleet", 9)
    fleet.until_ready(9)
    long = running(fleet, "third", 3, 30.0)
    before = names(fleet)
    drained, deleted = told(fleet, "draining"), told(fleet, "deleting")
    silent = [long.worker(0), *sorted(before - {long.worker(number) for number in range(3)})[:2]]
    for worker in silent:
        send(startd(fleet, worker), signal.SIGSTOP)
    fleet.jobs.client.call(_forget, silent)
    fleet.until(lambda: "vanished within one ad lifetime" in fleet.status()["trust"]["shrink"], 20, "it is blind")
    floor(fleet, "fleet", 0)
    assert fleet.status()["trust"]["grow"] == "blind: 3 of 9 machine ads vanished within one ad lifetime"
    assert metric(fleet, "elastic_workers", phase="lost") == 3
    wanted = fleet.jobs.sleep("beyond", 4, 1.0, request_memory="512")
    time.sleep(5)
    assert metric(fleet, "elastic_safe_to_scale") == 0
    assert metric(fleet, "elastic_refusals_total", guardrail="freshness") > 0
    assert (names(fleet), told(fleet, "deleting"), told(fleet, "draining")) == (before, deleted, drained)
    for worker in silent:
        send(startd(fleet, worker), signal.SIGCONT)
    fleet.until(lambda: all(told(fleet, "returned", worker) for worker in silent), 30, "they are back")
    fleet.until(lambda: metric(fleet, "elastic_safe_to_scale") == 2, 30, "it sees again")
    assert "3 of 9 machine ads" in told(fleet, "blind")[-1]
    wanted.wait(60)
    long.wait(60)
    assert (histories(long), histories(wanted)) == (unhurt(long), unhurt(wanted))
    assert harm(fleet, long, wanted) == NO_HARM
    until_empty(fleet)


def test_a_silent_schedd_holds_shrinking_and_the_other_is_served(fleet: Site) -> None:
    first = running(fleet, "of-first", 1, 25.0)
    second = running(fleet, "of-second", 2, 25.0, schedd="second")
    # Not all that are there: an idle one may be leaving just now.
    before = {first.worker(), second.worker(0), second.worker(1)}
    fleet.pool.daemons.freeze("second")
    try:
        fleet.until(lambda: "schedd second@" in fleet.status()["trust"]["shrink"], 40, "it is missed")
        source = next(s for s in by_command(fleet)["sources"] if s["source"].startswith("schedd:second@"))
        assert (source["ok"], bool(source["error"])) == (False, True)
        served = fleet.jobs.sleep("served", 2, 1.0)
        served.wait(60)
        first.wait(60)
        drained = told(fleet, "draining")
        time.sleep(8)
        assert metric(fleet, "elastic_safe_to_scale", direction="down") == 0
        assert metric(fleet, "elastic_safe_to_scale", direction="up") == 1
        assert metric(fleet, "elastic_source_errors_total", source=source["source"]) > 0
        assert (before <= names(fleet), told(fleet, "draining")) == (True, drained)
    finally:
        fleet.pool.daemons.thaw("second")
    second.wait(60)
    for batch in (first, second, served):
        assert histories(batch) == unhurt(batch)
    assert harm(fleet, first, second, served) == NO_HARM


def test_a_schedd_that_is_killed_with_running_jobs_finds_them_again(fleet: Site) -> None:
    long = running(fleet, "orphaned", 3, 20.0)
    before = {long.worker(number) for number in range(3)}
    fleet.pool.daemons.restart("schedd")
    time.sleep(5)
    assert before <= names(fleet)
    long.wait(90)
    executed = [[e.kind for e in events].count(Kind.EXECUTE) for events in long.history().values()]
    assert (executed, harm(fleet, long)) == ([1, 1, 1], NO_HARM)


def test_a_collector_restart_after_every_token_has_expired_deletes_nothing(beside: Beside, say: Say) -> None:
    say(beside.result("expired"))


@pytest.mark.parametrize("story", list(troubles.STORIES))
def test_a_single_worker_in_trouble(beside: Beside, story: str, say: Say) -> None:
    say(beside.result(story))


def _forget(workers: list[str]) -> None:
    import classad2  # noqa: PLC0415  in the client's process
    import htcondor2  # noqa: PLC0415

    named = " || ".join(f'ElasticWorker == "{worker}"' for worker in workers)
    ad = classad2.ClassAd(f'[MyType = "Query"; TargetType = "Machine"; Requirements = {named}]')
    htcondor2.Collector().advertise([ad], "INVALIDATE_STARTD_ADS")
