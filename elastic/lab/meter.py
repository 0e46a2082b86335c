"""Measure each worker's CPU time and send it to Gnocchi as Ceilometer would; the rest of Ceilometer is not here.

python -m elastic.lab.meter FOLDER
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from elastic.lab.configs import PROJECT, Site
from elastic.lab.folder import LabFolder
from elastic.lab.processes import by_child, cpu_seconds
from elastic.lab.release import Release
from elastic.lab.rest import Json, Refused, Session
from elastic.lab.seed import ARCHIVE_POLICY
from elastic.lab.software import known
from elastic.local.processes import ProcessId

USER = "ceilometer"
POLL_SECONDS = 5.0
NANOSECONDS = 1_000_000_000


class Meter:
    """Knows which servers Gnocchi has heard of, and how much each process had used when it was last seen."""

    def __init__(self, site: Site) -> None:
        """Speak as a user of the project that Ceilometer's users belong to: Aodh reads nobody else's measures."""
        self._site = site
        self._session = Session(site.url("keystone", "/v3"), USER, site.service_secret, PROJECT)
        self._resources: dict[str, Mapping[str, object]] = {}
        self._used = Used()

    def poll(self) -> int:
        """Measure once and send it; return how many servers were measured. Raise Refused if an API does not answer."""
        servers = {str(server["id"]): server for server in self._servers() if server["status"] == "ACTIVE"}
        taken = dt.datetime.now(dt.UTC).isoformat()
        measures: dict[str, Json] = {}
        processes = by_child(self._site.folder.servers)
        for name, server in sorted(servers.items()):
            self._declare(name, server)
            seconds = self._used.seconds(name, processes.get(name, ()))
            values = {"cpu": int(seconds * NANOSECONDS), "vcpus": server["flavor"]["vcpus"]}
            units = {"cpu": "ns", "vcpus": "vcpu"}
            measures[name] = {
                metric: {
                    "archive_policy_name": ARCHIVE_POLICY,
                    "unit": units[metric],
                    "measures": [{"timestamp": taken, "value": value}],
                }
                for metric, value in values.items()
            }
        if measures:
            self._session.post(self._gnocchi("/batch/resources/metrics/measures?create_metrics=true"), measures)
        self._used.keep(servers)
        return len(measures)

    def _servers(self) -> Sequence[Json]:
        """Return every project's servers, whose flavors Nova spells out from microversion 2.47 on."""
        url: str | None = self._site.url("nova", "/v2.1/servers/detail?all_tenants=1&limit=500")
        found: list[Json] = []
        while url:
            page = self._session.ask("GET", url, headers={"OpenStack-API-Version": "compute 2.47"})
            found += page["servers"]
            url = next((link["href"] for link in page.get("servers_links", ()) if link["rel"] == "next"), None)
        return found

    def _declare(self, name: str, server: Json) -> None:
        """Make the server's resource, or correct what it says, when that is not what Gnocchi heard last."""
        flavor = server["flavor"]["original_name"]
        said = {
            "display_name": server["name"],
            "flavor_id": flavor,
            "flavor_name": flavor,
            "host": server.get("OS-EXT-SRV-ATTR:host") or "",
            "image_ref": server["image"]["id"] if server["image"] else "",
            "server_group": server["metadata"].get("metering.server_group", ""),
        }
        if self._resources.get(name) == said:
            return
        owner = {"id": name, "project_id": server["tenant_id"], "user_id": server["user_id"]}
        try:
            self._session.post(self._gnocchi("/resource/instance"), {**owner, **said})
        except Refused as error:
            if error.status != 409:  # noqa: PLR2004  conflict: it is there
                raise
            self._session.ask("PATCH", self._gnocchi(f"/resource/instance/{name}"), said)
        self._resources[name] = said

    def _gnocchi(self, path: str) -> str:
        return self._site.url("gnocchi", f"/v1{path}")


class Used:
    """CPU time of each server over all its processes, those that ended between two looks not forgotten."""

    def __init__(self) -> None:
        """Know nothing."""
        self._live: dict[str, dict[ProcessId, float]] = {}
        self._total: dict[str, float] = {}

    def seconds(self, server: str, processes: Sequence[ProcessId]) -> float:
        """Return the server's CPU time since it was first seen here; it never falls.

        A process that ends hands its time to the parent that waits for it; so what counts is the sum of all.
        """
        live = {process: cpu_seconds(process) for process in processes}
        before = sum(self._live.get(server, {}).values())
        grown = max(0.0, sum(live.values()) - before)
        self._live[server] = live
        self._total[server] = self._total.get(server, 0.0) + grown
        return self._total[server]

    def keep(self, servers: Iterable[str]) -> None:
        """Drop what is known of all others: they are gone."""
        for server in self._total.keys() - set(servers):
            del self._total[server], self._live[server]


def main() -> int:
    """Poll until killed; what fails is said and tried again."""
    folder = LabFolder(Path(sys.argv[1]))
    memory = folder.memory()
    meter = Meter(Site(folder=folder, memory=memory, software=known(Release(memory.release))))
    while True:
        began = time.monotonic()
        try:
            meter.poll()
        except (Refused, KeyError) as error:
            print(f"meter: {error}", file=sys.stderr, flush=True)  # noqa: T201  its log
        time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - began)))


if __name__ == "__main__":
    sys.exit(main())
