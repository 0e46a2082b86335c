"""What stories about sites on OpenStack share: one worker group for each backend, its jobs, and what must hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from elastic.local.daemon import Tree
from tests.lab.jobs import Batch
from tests.lab.outcomes import histories, unhurt
from tests.lab.shown import floor, harm, only_on
from tests.openstack.records import astray
from tests.openstack.site import OpenStackSite, group

BACKENDS = ("nova", "heat", "senlin")
CALL_SECONDS = 12.0
NO_HARM = {"lost": 0.0, "mismatched": 0.0, "evictions": 0}


def three(**changes: object) -> Sequence[Tree]:
    """A worker group for each backend, called by its name."""
    return [group(backend, name=backend, **{"maximum": 3, **changes}) for backend in BACKENDS]


def ready(site: OpenStackSite) -> Mapping[str, int]:
    """How many workers of each group serve."""
    return {one["name"]: one["ready"] for one in site.status()["groups"]}


def floors(site: OpenStackSite, workers: int) -> None:
    """Ask each group for so many workers at least; 0 takes the wish back."""
    for name in site.group_names:
        floor(site, name, workers)


def until_each_has(site: OpenStackSite, workers: int, seconds: float) -> None:
    """Return when each group has at least so many workers that serve."""
    site.until(lambda: min(ready(site).values()) >= workers, seconds, f"each group has {workers} workers")


def jobs_on_each(site: OpenStackSite, name: str, count: int, seconds: float, **more: str) -> Sequence[Batch]:
    """Jobs for each group's workers alone."""
    return [site.jobs.sleep(f"{name}-{one}", count, seconds, **{**only_on(one), **more}) for one in site.group_names]


def until_empty(site: OpenStackSite, seconds: float) -> None:
    """Return when no server is left, and the daemon has forgotten all of them."""
    site.until(lambda: not site.listed(), seconds, "no server is left")
    site.until(lambda: not site.workers(), seconds, "every worker is forgotten")


def assert_nothing_wrong(site: OpenStackSite, *batches: Batch) -> None:
    """No orphan, no duplicate, no lost job."""
    assert astray(site.pool_name, ledger(site)) == []
    for batch in batches:
        assert histories(batch) == unhurt(batch)
    assert harm(site, *batches) == NO_HARM


def ledger(site: OpenStackSite) -> Path:
    """The daemon's ledger."""
    return site.root / "daemon" / "ledger.sqlite"
