"""A worker that Nova made alone: a key and a small token of its own, which end with it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elastic.local.tokens import claims
from tests.lab.advertising import may_advertise
from tests.lab.conftest import Say
from tests.lab.support import wait
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, group

SCOPE = "condor:/READ condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER"


def test_a_worker_that_nova_made_alone_has_a_token_that_ends_with_it(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    with OpenStackSite(tmp_path, condor_prefix, groups=[group(maximum=1)]) as site:
        pinned(site, 1)
        site.until_ready(1, 120)
        (server,) = site.listed()
        given = user_data(server.id)
        said = claims(given["token"])
        say(said)
        assert (said["scope"], said["kid"]) == (SCOPE, f"elastic-{site.status()['ledger'][:8]}-{server.name}")
        assert believed(site, given["token"])
        pinned(site, 0)
        site.until(lambda: not site.workers(), 120, "the worker is gone")
        wait(lambda: keys_of_workers(site) == set(), 30, "its key is gone")
        assert not believed(site, given["token"])


def user_data(server_id: str) -> Mapping[str, Any]:
    """What the server was told at its boot."""
    return tomllib.loads((lab_folder() / "servers" / server_id / "user-data").read_text(encoding="utf-8"))


def believed(site: OpenStackSite, token: str) -> bool:
    """Whether somebody who has nothing but this token is in the collector with it."""
    return may_advertise(site.pool.folder, site.jobs.client, token, site.root)


def keys_of_workers(site: OpenStackSite) -> set[str]:
    """Names of the keys by which the collector knows workers' tokens."""
    return {path.name for path in site.pool.folder.key_file.parent.iterdir()} - {"POOL"}


def pinned(site: OpenStackSite, workers: int) -> None:
    """Have exactly so many workers for an hour."""
    wish = {"kind": "pin", "workers": workers, "author": "anna", "reason": "a test", "expires_in_seconds": 3600}
    site.write("PUT", "/v1/groups/small/override", wish)
