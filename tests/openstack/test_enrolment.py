"""Members of a stack or cluster share their user data and yet have credentials of their own; nobody else gets any."""

import json
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from elastic.adapters.openstack.connection import Json
from elastic.adapters.openstack.servers import listed
from elastic.local.tokens import claims
from tests.lab.advertising import may_advertise
from tests.lab.conftest import Say
from tests.lab.outcomes import histories, unhurt
from tests.lab.support import wait
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, group

SCOPE = "condor:/READ condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER"
NO_SERVER = "00000000-0000-0000-0000-000000000000"


@pytest.mark.full
@pytest.mark.parametrize("backend", ["heat", "senlin"])
def test_each_member_has_credentials_of_its_own_nobody_else_gets_any_and_they_end_with_it(
    tmp_path: Path, condor_prefix: Path, backend: str, say: Say
) -> None:
    with OpenStackSite(tmp_path, condor_prefix, groups=[group(backend, maximum=2)]) as site:
        pinned(site, 2)
        site.until_ready(2, 180)
        members = sorted(server.id for server in site.listed())
        wish = user_data(members[0])
        kept = {member: credentials(member) for member in members}

        _one_user_data_and_two_identities(members, wish, kept)
        _strangers_get_nothing(site, wish, members[0], say)
        batch = site.jobs.sleep("short", 4, 1.0)
        batch.wait(90)
        assert histories(batch) == unhurt(batch)

        tokens = [kept[member]["token"] for member in members]
        assert [believed(site, token) for token in tokens] == [True, True]
        pinned(site, 0)
        site.until(lambda: not site.workers() and not site.listed(), 180, "all members are gone")
        wait(lambda: keys_of_workers(site) == set(), 30, "their keys are gone")
        assert [believed(site, token) for token in tokens] == [False, False]
        assert wish["enrol_secret"] not in site.daemon.log.read_text(encoding="utf-8")


def _one_user_data_and_two_identities(
    members: list[str], wish: Mapping[str, Any], kept: Mapping[str, Mapping[str, str]]
) -> None:
    assert [user_data(member) for member in members] == [wish, wish]
    assert (wish["token"], wish["signing_key"], wish["signing_key_id"]) == ("", "", "")
    assert len({own["signing_key"] for own in kept.values()}) == 2
    said = [claims(own["token"]) for own in kept.values()]
    assert [len({token[name] for token in said}) for name in ("jti", "kid")] == [2, 2]
    assert {(token["scope"], token["sub"]) for token in said} == {(SCOPE, "worker@elastic.local")}


def _strangers_get_nothing(site: OpenStackSite, wish: Mapping[str, Any], member: str, say: Say) -> None:
    """Whoever knows the secret, such as a job on a member that asks the metadata service, gets nothing by it."""
    metadata = next(one["metadata"] for one in listed(site.services, site.pool_name) if one["id"] == member)
    with server(site, {}) as nobodys, server(site, {**metadata, "elastic_ledger": "another"}) as foreign:
        answers = {
            "a member a second time": answer(site, wish, member),
            "a server of nobody": answer(site, wish, nobodys),
            "a server of another ledger": answer(site, wish, foreign),
            "no server": answer(site, wish, NO_SERVER),
        }
    say(answers)
    assert {name: status for name, (status, _) in answers.items()} == {
        "a member a second time": 409,
        "a server of nobody": 403,
        "a server of another ledger": 403,
        "no server": 403,
    }
    refused = [event["text"] for event in site.events("enrolment_refused")]
    assert [text.partition("asked from 127.0.0.1: ")[2] for text in refused] == [why for _, why in answers.values()]


def answer(site: OpenStackSite, wish: Mapping[str, Any], server_id: str) -> tuple[int, str]:
    """What somebody hears who knows the group's secret and asks for this server."""
    body = {"group": wish["enrol_group"], "secret": wish["enrol_secret"], "server_id": server_id}
    url = f"{site.enrol_url}/v1/enrol"
    said = httpx.post(url, json={**body, "proof": secrets.token_hex(32)}, timeout=30, trust_env=False)
    return said.status_code, said.json().get("detail", "")


@contextmanager
def server(site: OpenStackSite, metadata: Mapping[str, str]) -> Iterator[str]:
    """A server of the project that no stack and no cluster made; its id."""
    wanted: Json = {
        "name": f"stranger-{site.pool_name}",
        "flavorRef": next(f["id"] for f in site.services.pages("compute", "/flavors", "flavors")),
        "imageRef": next(i["id"] for i in site.services.call("image", "GET", "/images")["images"]),
        "networks": "none",
        "metadata": dict(metadata),
    }
    made = site.services.call("compute", "POST", "/servers", {"server": wanted})["server"]["id"]
    try:
        yield str(made)
    finally:
        site.services.call("compute", "DELETE", f"/servers/{made}")


def user_data(server_id: str) -> Mapping[str, Any]:
    """What the server was told at its boot."""
    return tomllib.loads((lab_folder() / "servers" / server_id / "user-data").read_text(encoding="utf-8"))


def credentials(server_id: str) -> Mapping[str, str]:
    """What the server fetched for itself."""
    found: Mapping[str, str] = json.loads((lab_folder() / "servers" / server_id / "credentials.json").read_text())
    return found


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
