"""What the daemon of a site shows to its operator: metrics, the command line, events; and what it is asked to do."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from elastic.local.daemon import merged, to_toml
from elastic.local.processes import ProcessId, marked, name_of
from tests.daemon_rig import run
from tests.lab.events import Kind
from tests.lab.jobs import Batch
from tests.lab.site import Site
from tests.lab.support import CallError

ASKER = {"author": "lab", "reason": "a test"}
NO_HARM = {"lost": 0.0, "mismatched": 0.0, "evictions": 0}


def metric(site: Site, name: str, **labels: str) -> float:
    """The sum of the samples called `name` that have these labels."""
    text = httpx.get(f"{site.daemon.url}/metrics", timeout=30, trust_env=False).text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def by_command(site: Site) -> Mapping[str, Any]:
    """What `elastic status -o json` prints."""
    ended = run("status", "-o", "json", "--config", site.daemon.settings_file)
    assert ended.returncode == 0, ended.stderr
    found: Mapping[str, Any] = json.loads(ended.stdout)
    return found


def floor(site: Site, group: str, workers: int) -> None:
    """Ask for so many workers at least, for an hour; 0 takes the wish back."""
    wish = {"kind": "floor", "workers": workers, "expires_in_seconds": 3600, **ASKER}
    site.write("PUT", f"/v1/groups/{group}/override", wish)


def reload(site: Site, over: Mapping[str, object]) -> None:
    """Change the settings of the running daemon, which is told by a SIGHUP; `over` is merged over them."""
    settings = merged(site.daemon.settings, {"api": {"port": site.daemon.port}})
    site.daemon.settings_file.write_text(to_toml(merged(settings, over)), encoding="utf-8")
    assert site.daemon.pid is not None
    os.kill(site.daemon.pid, signal.SIGHUP)


def known_schedds(site: Site) -> int:
    """How many schedds the collector knows; none while it does not answer the user.

    The first question after its restart always fails: his session was with the one before.
    """
    try:
        return len(site.jobs.client.ads("Schedd", projection=["Name"]))
    except CallError:
        return 0


def told(site: Site, kind: str, worker: str = "", group: str = "") -> Sequence[str]:
    """The texts of the events of this kind, of one worker or of one group, oldest first."""
    return [
        event["text"]
        for event in site.events(kind)
        if worker in ("", event["worker"]) and group in ("", event["group"])
    ]


def names(site: Site, group: str = "") -> set[str]:
    """The names of the servers that exist now, of one group."""
    return {server.name for server in site.listed() if group in ("", server.metadata["group"])}


def only_on(name: str) -> Mapping[str, str]:
    """The line of a submit file that keeps a job to one worker group."""
    return {"requirements": f'TARGET.ElasticGroup == "{name}"'}


def startd(site: Site, worker: str) -> ProcessId:
    """The process of this worker's startd."""
    folder = site.pool.folder.servers / worker
    return next(process for process in marked(folder) if name_of(process) == "condor_startd")


def harm(site: Site, *batches: Batch) -> Mapping[str, float]:
    """What the daemon counts as harm done by it, and the evictions in these jobs' logs; compare with NO_HARM."""
    kinds = [event.kind for batch in batches for events in batch.history().values() for event in events]
    return {
        "lost": metric(site, "elastic_jobs_lost_total"),
        "mismatched": metric(site, "elastic_victim_mismatch_total"),
        "evictions": kinds.count(Kind.EVICTED) + kinds.count(Kind.RECONNECT_FAILED),
    }
