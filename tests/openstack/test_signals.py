"""Load and alarms of real workers: an alarm of Aodh brings a tick forward, and a leftover process keeps its worker."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aodhclient.v2.client import Client

from elastic.local.sandbox import FOLDER_MARK
from tests.lab.conftest import Say
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, group

SECRET = "only-for-these-alarms"
TICK_SECONDS = 600.0
"""By itself the daemon does not look again while a test runs."""
GRANULARITY_SECONDS, POLL_SECONDS = 10, 5
IDLE_SECONDS = 120.0
"""Longer than it takes until a leftover process is seen, on a machine that polls late."""
BURN = "end=$(( $(date +%s) + 60 )); while [ $(date +%s) -lt $end ]; do :; done"
HALF_A_CORE = """
import time
while True:
    begun = time.process_time()
    while time.process_time() < begun + 0.05:
        pass
    time.sleep(0.05)
"""
LOADED = 0.03
"""Of a core: ten times what an idle startd uses; beside other tests a process may get little more."""


@pytest.fixture
def site(tmp_path: Path, condor_prefix: Path) -> Generator[OpenStackSite]:
    settings = {
        "tick_seconds": TICK_SECONDS,
        "api": {"alarm_secret": SECRET},
        "site": {"settling_seconds": 0.0, "leftover_percent": 100 * LOADED, "leftover_seconds": 10.0},
    }
    cloud = {
        "telemetry": True,
        "granularity_seconds": GRANULARITY_SECONDS,
        "alarms": True,
    }
    groups = [group("nova", maximum=1, idle_seconds=IDLE_SECONDS)]
    with OpenStackSite(tmp_path, condor_prefix, groups=groups, settings=settings, cloud=cloud) as real:
        yield real


def looking(site: OpenStackSite, condition: Callable[[], object]) -> Callable[[], object]:
    """The condition, after a tick that was asked for."""

    def looked() -> object:
        site.write("POST", "/v1/tick", {"author": "test"})
        return condition()

    return looked


def worker(site: OpenStackSite) -> dict[str, object]:
    found = list(site.workers().values())
    return dict(found[0]) if found else {}


def number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


@contextmanager
def alarm(site: OpenStackSite) -> Iterator[str]:
    """Aodh's alarm on the group's CPU: above for two granularities, it calls the daemon."""
    rule = {
        "metric": "cpu",
        "aggregation_method": "rate:mean",
        "comparison_operator": "gt",
        "threshold": LOADED * POLL_SECONDS * 1e9,
        "granularity": GRANULARITY_SECONDS,
        "evaluation_periods": 2,
        "resource_type": "instance",
        "query": json.dumps({"=": {"server_group": f"{site.pool_name}.small"}}),
    }
    url = site.daemon.url.replace("http://", f"http://elastic:{SECRET}@")
    kind = "gnocchi_aggregation_by_resources_threshold"
    wanted = {
        "name": f"{site.pool_name}-cpu-high",
        "type": kind,
        f"{kind}_rule": rule,
        "alarm_actions": [f"{url}/v1/alarms/aodh/small"],
    }
    client = Client(session=site.services.connection().session)
    made = client.alarm.create(wanted)
    try:
        yield str(made["name"])
    finally:
        client.alarm.delete(made["alarm_id"])


@contextmanager
def leftover(server_id: str) -> Iterator[None]:
    """Something that computes on this server, and that no startd has started."""
    mark = {FOLDER_MARK: str((lab_folder() / "servers" / server_id).resolve()), "PATH": os.environ["PATH"]}
    with subprocess.Popen([sys.executable, "-c", HALF_A_CORE], env=mark) as process:
        try:
            yield
        finally:
            process.kill()


def in_seconds(site: OpenStackSite) -> float:
    """How long it is until the next tick."""
    status = site.status()
    return float(status["next_wake"] - status["now"])


def test_an_alarm_brings_the_tick_forward_and_a_leftover_process_keeps_its_worker(
    site: OpenStackSite, say: Say
) -> None:
    batch = site.jobs.shell("burn", 1, BURN)
    site.until(
        looking(site, lambda: worker(site).get("use") == "working" and number(worker(site)["cores"]) > LOADED),
        150,
        "the worker computes, and Gnocchi says so",
    )
    say(f"a busy worker uses {worker(site)['cores']} of 1 core, the group's mean is {site.group()['load']}")
    with leftover(str(worker(site)["server_id"])):
        site.until(lambda: in_seconds(site) > TICK_SECONDS / 2, 60, "the next tick is far away")
        before = site.status()
        with alarm(site) as name:
            site.until(lambda: site.events("alarm"), 90, "Aodh has called")
            site.until(lambda: site.status()["tick"] > before["tick"], 30, "the tick has come forward")
            (told, *_) = site.events("alarm")
            say(f"told: {told['text']}")
            assert f"{name}: insufficient data -> alarm: " in told["text"] or f"{name}: ok -> alarm: " in told["text"]
            assert [(a["name"], a["state"]) for a in site.group()["alarms"]] == [(name, "alarm")]
            assert site.status()["last_tick_at"] < before["next_wake"]
        batch.wait(150)
        site.until(looking(site, lambda: worker(site)["use"] == "leftover"), 120, "the leftover process is seen")
        site.until(
            looking(
                site,
                lambda: site.events("leftover_overdue") and number(worker(site)["idle_seconds"]) > IDLE_SECONDS + 5,
            ),
            120,
            "it has been idle for longer than a worker without it may be",
        )
        assert (worker(site)["phase"], worker(site)["keep"]) == ("ready", "a leftover process")
        assert (site.group()["leftover"], site.group()["overdue"], len(site.listed())) == (1, 1, 1)
        path = f"/v1/workers/{worker(site)['name']}/leftover"
        site.write("PUT", path, {"author": "test", "reason": "its own process"})
        site.until(looking(site, lambda: not site.listed()), 90, "ignored, it may go")
