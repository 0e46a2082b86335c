"""Tokens of workers against real daemons: one that ends with its worker, and ones that are renewed before they end."""

import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from elastic.local.tokens import claims
from tests.lab.advertising import may_advertise
from tests.lab.conftest import Say
from tests.lab.shown import known_schedds, metric, names, told
from tests.lab.support import wait
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, group
from tests.openstack.stories import assert_nothing_wrong, floors, jobs_on_each, three, until_each_has, until_empty

LIFE_SECONDS = 40.0
"""Twenty for renewal, on a busy machine too."""
LEASE = {"job_lease_duration": "900"}
SETTINGS = {"htcondor": {"machine_update_seconds": 15.0, "ad_lifetime_seconds": 60.0}}
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


def test_a_token_that_ends_is_renewed_at_half_its_life_and_its_worker_survives_a_restarted_collector(
    tmp_path: Path, condor_prefix: Path, say: Say
) -> None:
    # The pool's key signs, so that tokens have an end.
    cloud = {"token_seconds": LIFE_SECONDS, "signing_keys": None}
    with OpenStackSite(tmp_path, condor_prefix, groups=three(maximum=1), settings=SETTINGS, cloud=cloud) as site:
        floors(site, 1)
        until_each_has(site, 1, 120)
        first = {server.id: held(server.id) for server in site.listed()}
        long = jobs_on_each(site, "through", 1, 60.0, **LEASE)
        site.until(lambda: all(batch.worker() for batch in long), 90, "its jobs run")
        before = names(site)
        ended = max(float(str(claims(token)["exp"])) for token in first.values())
        site.until(lambda: time.time() > ended, LIFE_SECONDS * 2, "the first tokens have ended")
        site.pool.daemons.restart("collector")
        site.until(lambda: metric(site, "elastic_safe_to_scale") == 2, 90, "it sees again")
        until_each_has(site, 1, 90)
        site.until(lambda: known_schedds(site) == 1, 60, "the user sees the collector again")
        site.until(lambda: len(site.slots()) == len(first), 60, "their startds are in the new collector")
        now = {server_id: held(server_id) for server_id in first}
        lives = [float(str(claims(now[one])["exp"])) - float(str(claims(first[one])["exp"])) for one in first]
        say(f"tokens of {LIFE_SECONDS:.0f} s, renewed {[round(more / LIFE_SECONDS * 2, 1) for more in lives]} times")
        assert (names(site), min(lives) > 0, told(site, "deleting")) == (before, True, [])
        for batch in long:
            batch.wait(180)
        floors(site, 0)
        until_empty(site, 180)
        assert {renewed(site, token) for token in now.values()} <= {401, 403}
        assert_nothing_wrong(site, *long)


def held(server_id: str) -> str:
    """The token that this server shows now."""
    return (lab_folder() / "servers" / server_id / "tokens.d" / "pool").read_text(encoding="utf-8").strip()


def renewed(site: OpenStackSite, token: str) -> int:
    """The status of the answer to who shows this token."""
    return httpx.post(f"{site.enrol_url}/v1/enrol/renew", json={"token": token}, trust_env=False).status_code


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
