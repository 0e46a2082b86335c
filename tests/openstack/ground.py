"""The one-machine OpenStack as a place to show the five requirements, for each backend, in small counts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from elastic.adapters.openstack.clusters import SdkClusters
from elastic.adapters.openstack.servers import listed
from elastic.adapters.openstack.stack import Stacks
from elastic.local.daemon import Tree, merged
from elastic.local.errors import LocalError
from elastic.local.processes import marked
from elastic.ports import PortError
from tests.lab.ground import Counts, Ground
from tests.lab.rounds import Round, run_ten
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, PoolServers, SeenServer
from tests.openstack.site import group as site_group

# The bound of so few jobs is missed by whole seconds that hundreds of jobs would make little of.
SMALL = Counts(
    squares=120,
    square_workers=2,
    square_cpus=4,
    rounds=3,
    jobs=12,
    job_seconds=15.0,
    workers=3,
    short_of_bound=0.5,
    most=4,
    pin_seconds=90.0,
    least=2,
    # An idle worker stays for twice as long as workers take to join.
    hours=2,
    hour_seconds=120.0,
    short_jobs=3,
    short_share=1 / 6,
    quiet_hours=0.2,
    maximum=4,
)
LARGE = Counts(rounds=20, short_of_bound=0.1, pin_seconds=60.0, hour_seconds=120.0)
SECONDS = 150.0


def ground(backend: str) -> Ground:
    """The lab with worker groups of this backend."""
    return Ground(
        name=backend,
        site=_site,
        group=partial(group, backend),
        attempt=partial(attempt, backend),
        counts=SMALL,
        full=LARGE,
    )


def group(backend: str, **changes: Any) -> Tree:  # noqa: ANN401  settings
    """The settings of a worker group whose flavor has the cpus of its shape."""
    cpus = changes.get("shape", {}).get("cpus", 1)
    return site_group(backend, **merged({"options": {"flavor": f"worker-{cpus}"}}, changes))


class SeenById(PoolServers):
    """Servers called by their ids, as the folders are in which jobs run."""

    def servers(self) -> Sequence[SeenServer]:
        return [replace(one, name=one.id) for one in super().servers()]


def _site(root: Path, prefix: Path, *, groups: Sequence[Tree], boot_seconds: tuple[float, float] = (0, 0)) -> Any:  # noqa: ANN401
    """A site; how long boots take is Nova's business."""
    del boot_seconds
    site = OpenStackSite(root, prefix, groups=groups)
    site.servers = SeenById(site.services, site.pool_name)
    return site


def attempt(backend: str, home: Path, prefix: Path, number: int) -> Round:
    """Make a pool and its daemon, run ten jobs from no worker, remove everything; never raises."""
    root = home / f"round-{number}"
    site = _site(root, prefix, groups=[group(backend, maximum=2)])
    began = time.monotonic()
    created = removing = began
    failure = ""
    try:
        with site:
            ten = run_ten(site.jobs)
            created = began + _first_worker_after(site, time.time() - (time.monotonic() - began))
            site.until(lambda: not site.listed(), SECONDS, "the pool is empty again")
            removing = time.monotonic()
        failure = ten or _left(site, root)
    except (AssertionError, LocalError, PortError, TimeoutError) as error:
        failure = f"{type(error).__name__}: {error}"
    return Round(
        created_seconds=created - began,
        removed_seconds=time.monotonic() - removing,
        failure=f"round {number}: {failure}" if failure else "",
    )


def _first_worker_after(site: OpenStackSite, began_at: float) -> float:
    """How long after this the first worker joined, in seconds."""
    joined: Sequence[Mapping[str, Any]] = site.events("joined")
    return float(min(event["at"] for event in joined)) - began_at


def _left(site: OpenStackSite, root: Path) -> str:
    """What a grid has left behind; empty when that is nothing."""
    services, name = site.services, f"elastic-{site.pool_name}-small"
    servers = [found["id"] for found in listed(services, site.pool_name)]
    groups = [one for one in (Stacks(services).read(name), SdkClusters(services).read(name)) if one is not None]
    processes = [*marked(root), *(p for server in servers for p in marked(lab_folder() / "servers" / server))]
    left = {"servers": servers, "groups": groups, "processes": processes}
    return f"left behind: {left}" if any(left.values()) else ""
