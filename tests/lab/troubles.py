"""Troubles of single workers, each a story about a worker group of its own in one site; they are told side by side."""

import json
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from elastic.local.processes import send
from tests.lab.events import Kind
from tests.lab.outcomes import histories, unhurt
from tests.lab.shown import ASKER, NO_HARM, by_command, floor, harm, metric, names, only_on, reload, startd, told
from tests.lab.site import Site, group
from tests.lab.support import machine

# A master reports each 5 minutes by default, and its ad is needed to switch its startd off.
REPORTING = {"config.MASTER_UPDATE_INTERVAL": "5"}
ELSEWHERE = {**REPORTING, "config.COLLECTOR_HOST": "127.0.0.1:1"}
NOTHING_WORKS = {**REPORTING, "config.USER_JOB_WRAPPER": "/bin/false"}
# It waits 10 s before it starts a startd again.
QUICK_MASTER = {**REPORTING, "config.MASTER_BACKOFF_CONSTANT": "1", "config.MASTER_BACKOFF_CEILING": "2"}
AD_SECONDS = 30.0
LEASE_SECONDS = 20.0
LOST_SECONDS = 25.0
JOIN_SECONDS = 6.0

GROUPS = (
    group(name="mid", minimum=1, maximum=2, validation_seconds=15.0, idle_seconds=4.0, options=QUICK_MASTER),
    group(name="foreign", minimum=1, maximum=2, options=REPORTING),
    group(name="stray", minimum=0, maximum=6, join_seconds=JOIN_SECONDS, breaker_backoff_seconds=3.0,
          options=ELSEWHERE),
    group(name="hole", minimum=1, maximum=2, validation_seconds=10.0, options=NOTHING_WORKS),
    group(name="mortal", minimum=2, maximum=4, lost_seconds=LOST_SECONDS, lost_counted_seconds=3.0,
          job_lease_seconds=LEASE_SECONDS, options=REPORTING),
)  # fmt: skip


def site(root: Path, prefix: Path) -> Site:
    """A site with a group for each trouble; ads live for half a minute in it."""
    settings = {"htcondor": {"ad_lifetime_seconds": AD_SECONDS}}
    return Site(root, prefix, groups=GROUPS, settings=settings, pool_config={"CLASSAD_LIFETIME": f"{AD_SECONDS:.0f}"})


def alone(story: Callable[[Site], str], root: Callable[[str], Path], prefix: Path) -> str:
    """Tell one story in a site of its own, below a new folder."""
    with site(root("trouble"), prefix) as entered:
        return story(entered)


def restarted_in_its_drain(site: Site) -> str:
    """Its drain is lost with the old startd: the worker serves again, and leaves by a second, whole drain."""
    floor(site, "mid", 2)
    site.until(lambda: site.group("mid")["ready"] == 2, 60, "two workers are there")
    floor(site, "mid", 0)
    site.until(lambda: told(site, "drained", group="mid"), 60, "one of them is drained")
    worker = next(event["worker"] for event in site.events("drained") if event["group"] == "mid")
    send(startd(site, worker), signal.SIGKILL)
    site.until(lambda: told(site, "drain_lost", worker), 40, "its drain is lost")
    # Long enough that the second does not wait for the first's worker: it is to run on the restarted one.
    batch = site.jobs.sleep("after-its-restart", 2, 20.0, **only_on("mid"))
    assert told(site, "deleting", worker) == []
    assert metric(site, "elastic_events_total", kind="drain_lost") == 1
    batch.wait(60)
    assert worker in {batch.worker(0), batch.worker(1)}
    assert histories(batch) == unhurt(batch)
    site.until(lambda: len(names(site, "mid")) == 1, 60, "one of them leaves")
    lost = next(event["at"] for event in site.events("drain_lost") if event["worker"] == worker)
    (leaver,) = {event["worker"] for event in site.events("deleting") if event["group"] == "mid"}
    assert max(event["at"] for event in site.events("drained") if event["worker"] == leaver) > lost
    assert harm(site, batch) == NO_HARM
    return f"a drain lost to a restart: {told(site, 'drain_lost', worker)[0]}"


def drained_by_somebody_else(site: Site) -> str:
    """No capacity, never resumed, never deleted, until who drained it takes that back."""
    site.until(lambda: site.group("foreign")["ready"] == 1, 60, "its worker is there")
    (worker,) = names(site, "foreign")
    site.pool.tool("condor_drain", "-reason", "a new kernel", f"slot1@{machine(worker)}")
    site.until(lambda: site.group("foreign")["phases"] == {"foreign_drain": 1, "ready": 1}, 40, "it is replaced")
    # Nothing is done to it in the ticks that follow.
    time.sleep(5)
    seen = site.workers()[worker]
    assert (seen["phase"], "a new kernel" in seen["keep"]) == ("foreign_drain", True), seen
    assert metric(site, "elastic_workers", group="foreign", phase="foreign_drain") == 1
    (text,) = told(site, "foreign_drain", worker)
    assert "a new kernel" in text
    site.pool.tool("condor_drain", "-cancel", f"slot1@{machine(worker)}")
    site.until(lambda: len(names(site, "foreign")) == 1, 60, "back in service, one of the two is too many")
    assert [kind for event in site.events() if (kind := event["kind"]) == "resumed" and event["worker"] == worker] == []
    return f"a foreign drain: {text}"


def never_joined(site: Site) -> str:
    """Five that call the wrong collector: each is kept until proved gone, then one canary at a time."""
    floor(site, "stray", 5)
    site.until(lambda: told(site, "breaker", group="stray"), 60, "the breaker opens")
    opened = site.events("breaker")[0]
    assert opened["text"].startswith("breaker open after 5 failed boots: stray-")
    assert "its startd did not join within 6 s" in opened["text"]
    shown = next(one for one in by_command(site)["groups"] if one["name"] == "stray")
    assert (shown["breaker"]["state"], shown["breaker"]["failures"] >= 5) in {("open", True), ("canary", True)}
    site.until(lambda: told(site, "breaker", group="stray")[-1].startswith("one canary is booting"), 30, "a canary")
    assert metric(site, "elastic_breaker_state", group="stray") > 0
    site.until(lambda: len(told(site, "breaker", group="stray")) >= 3, 30, "that one fails, too")
    _kept_until_proved_gone(site, opened["at"])
    boots = _boots_after(site, opened["at"])
    assert boots == ["launched", "failed"] * (len(boots) // 2) + ["launched"] * (len(boots) % 2)
    mended = {"options": REPORTING, "join_seconds": 120.0}
    reload(site, {"groups": [one if one["name"] != "stray" else {**one, **mended} for one in GROUPS]})
    site.write("POST", "/v1/groups/stray/breaker/reset", ASKER)
    site.until(lambda: site.group("stray")["ready"] == 5, 60, "mended and reset, it boots as wanted")
    assert metric(site, "elastic_breaker_state", group="stray") == 0
    floor(site, "stray", 0)
    site.until(lambda: not names(site, "stray"), 60, "and shrinks")
    return f"the breaker of five that never joined: {opened['text']}"


def _kept_until_proved_gone(site: Site, until: float) -> None:
    """The first five: asked for, given up after the deadline, deleted on that proof, their last words kept."""
    failed = [event for event in site.events("failed") if event["group"] == "stray" and event["at"] <= until]
    workers = {event["worker"] for event in failed}
    assert len(workers) >= 5
    site.until(lambda: all(told(site, "gone", worker) for worker in workers), 30, "their servers are gone")
    for worker in sorted(workers):
        steps = {event["kind"]: event for event in site.events() if event["worker"] == worker}
        assert list(steps) == ["launched", "failed", "deleting", "missing", "gone"]
        assert steps["failed"]["at"] - steps["launched"]["at"] >= JOIN_SECONDS
        why, _, console = steps["deleting"]["text"].partition("; last on its console: ")
        assert why == f"gone: {steps['failed']['text']}"
        assert console, "its last words are told"
        assert "condor_master" in _console(site, worker)


def _boots_after(site: Site, opened_at: float) -> list[str]:
    """What became of the boots that were begun since the breaker opened, step by step."""
    steps = [e for e in site.events() if e["group"] == "stray" and e["kind"] in {"launched", "failed"}]
    canaries = {step["worker"] for step in steps if step["kind"] == "launched" and step["at"] > opened_at}
    return [step["kind"] for step in steps if step["worker"] in canaries]


def _console(site: Site, worker: str) -> str:
    with sqlite3.connect(f"file:{site.root / 'daemon' / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        ((record,),) = ledger.execute("SELECT record FROM workers WHERE name = ?", [worker])
    return str(json.loads(record)["console"])


def black_hole(site: Site) -> str:
    """Jobs of two clusters that fail one after the other on one worker: it is named, drained and deleted."""
    site.until(lambda: site.group("hole")["ready"] == 1, 60, "its worker is there")
    (worker,) = names(site, "hole")
    batches = [site.jobs.sleep(f"swallowed-{number}", 4, 1.0, **only_on("hole")) for number in range(2)]
    site.until(lambda: told(site, "quarantined", worker), 60, "it is quarantined")
    (text,) = told(site, "quarantined", worker)
    assert text.startswith("black hole: ")
    assert text.endswith("starts in a row failed, from 2 clusters")
    # It is there for its validation at least.
    assert text == f"black hole: {site.workers()[worker]['quarantine']}"
    assert site.group("hole")["breaker"]["reason"] == f"{worker}: {text}"
    assert metric(site, "elastic_events_total", kind="quarantined") >= 1
    site.until(lambda: told(site, "draining", worker), 60, "it is drained")
    assert told(site, "draining", worker) == [text]
    site.until(lambda: worker not in names(site), 60, "it is deleted")
    assert told(site, "deleting", worker)[0].startswith("drained: ")
    assert harm(site, *batches) == NO_HARM
    return f"a black hole: {text}"


def died(site: Site) -> str:
    """Two servers lose power, one of them busy: deleted once their leases are over; the job runs again elsewhere."""
    site.until(lambda: site.group("mortal")["ready"] == 2, 60, "its workers are there")
    batch = site.jobs.sleep("bereaved", 1, 12.0, **only_on("mortal"))
    site.until(batch.worker, 60, "its job runs")
    busy, victims = batch.worker(), names(site, "mortal")
    for server in site.listed():
        if server.name in victims:
            site.servers.crash(server.id)
    site.until(lambda: all(told(site, "vanished", worker) for worker in victims), 60, "both are missed")
    site.until(lambda: metric(site, "elastic_workers", group="mortal", phase="lost") == 2, 20, "both are lost")
    lease = "the lease of jobs it may have held"
    site.until(lambda: lease in site.workers()[busy]["proof_missing"], 20, "it is kept for its job's sake")
    batch.wait(120)
    site.until(lambda: not victims & names(site), 90, "both are deleted")
    for worker in victims:
        steps = {event["kind"]: event for event in site.events() if event["worker"] == worker}
        assert steps["deleting"]["at"] - steps["vanished"]["at"] >= LEASE_SECONDS
        assert steps["deleting"]["text"].startswith(f"gone: lost for {LOST_SECONDS:.0f} s")
    kinds = [event.kind for event in batch.history()[f"{batch.cluster}.0"]]
    assert (kinds.count(Kind.EXECUTE), kinds[-1], batch.worker() in victims) == (2, Kind.TERMINATED, False)
    assert metric(site, "elastic_jobs_lost_total") == 0
    return f"two dead servers: {told(site, 'deleting', busy)[0]}"


STORIES: Mapping[str, Callable[[Site], str]] = {
    "never joined": never_joined,
    "restarted in its drain": restarted_in_its_drain,
    "drained by somebody else": drained_by_somebody_else,
    "black hole": black_hole,
    "died": died,
}
