"""Keys and tokens of workers on OpenStack: whose they are, what they allow, how they end."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.openstack import tokenlife
from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.enrolment import NEW_SECONDS, Enrolling
from elastic.adapters.openstack.options import GroupOptions, group_options, site_options
from elastic.adapters.openstack.world import OpenStackWorld, enrolling
from elastic.core.model import GroupSpec
from elastic.local import tokens
from elastic.ports import Enrols, NotEnrolled, WorldSpec

NOW = 1_800_000_000.0
POOL_KEY = bytes(range(1, 65))
OPTIONS = {"flavor": "m1.large", "image": "debian-12", "user_data": "launcher"}
GROUP = GroupSpec(name="small", maximum=2, options={**OPTIONS, "backend": "heat"})


def spec(folder: Path, **options: object) -> WorldSpec:
    """A pool whose collector reads its keys from `folder`/keys."""
    (folder / "keys").mkdir()
    (folder / "tokens").mkdir()
    (folder / "keys" / "POOL").write_bytes(POOL_KEY)
    htcondor = {"collector": "cm.example.org", "token_folder": folder / "tokens"}
    site = {"trust_domain": "example.org", "pool_key": str(folder / "keys" / "POOL"), "htcondor": htcondor, **options}
    return WorldSpec(pool="physics", ledger="0123456789", folder=folder, groups={"small": GROUP}, options=site)


def made(folder: Path, **options: object) -> Enrolling:
    world = spec(folder, **options)
    site = {name: value for name, value in world.options.items() if name != "htcondor"}
    htcondor = world.options["htcondor"]
    assert isinstance(htcondor, Mapping)
    return enrolling(world, site_options(site), htcondor)


def options(**more: str) -> GroupOptions:
    return group_options(replace(GROUP, options={**GROUP.options, **more}))


def test_a_token_allows_what_a_worker_needs_in_the_pools_own_domain_and_no_more(tmp_path: Path) -> None:
    token = made(tmp_path).enrolment.enrol("small-1").token
    said = tokens.claims(token)
    assert {name: said[name] for name in ("kid", "iss", "sub", "scope")} == {
        "kid": "POOL",
        "iss": "example.org",
        "sub": "worker@example.org",
        "scope": "condor:/READ condor:/ADVERTISE_STARTD condor:/ADVERTISE_MASTER",
    }
    assert int(str(said["exp"])) - int(str(said["iat"])) == 30 * 86400
    ours = tokens.claims((tmp_path / "tokens" / "worker-small-1").read_text())
    assert (ours["kid"], ours["sub"]) == ("small-1", "elastic@example.org")


def test_with_a_key_of_its_own_at_the_collector_a_token_has_no_end_but_that_keys(tmp_path: Path) -> None:
    credentials = made(tmp_path, signing_keys=str(tmp_path / "keys"))
    first, second = (credentials.enrolment.enrol(name) for name in ("small-1", "small-2"))
    said = tokens.claims(first.token)
    assert (said["kid"], "exp" in said) == ("elastic-01234567-small-1", False)
    key = tmp_path / "keys" / "elastic-01234567-small-1"
    # What the worker holds is another key: with this one it could make itself any token.
    assert key.read_bytes() not in (first.signing_key, second.signing_key)
    assert key.stat().st_mode & 0o777 == 0o600

    credentials.forget("small-1")
    credentials.forget("small-1")
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["POOL", "elastic-01234567-small-2"]
    assert sorted(path.name for path in (tmp_path / "tokens").iterdir()) == ["worker-small-2"]


def test_a_token_of_the_pools_key_is_renewed_for_its_own_worker_while_that_one_lives(tmp_path: Path) -> None:
    credentials = made(tmp_path, enrol_url="http://10.0.0.5:9681", token_seconds=1000.0)
    first = credentials.enrolment.enrol("small-1").token
    at = float(str(tokens.claims(first)["iat"]))

    worker, fresh = credentials.renew(first, {"small-1", "small-2"}, at + 500)
    said = tokens.claims(fresh)
    assert (worker, said["exp"], str(said["jti"]).partition(".")[0]) == ("small-1", at + 1500, "small-1")
    assert said["jti"] != tokens.claims(first)["jti"]
    assert credentials.renew(fresh, {"small-1"}, at + 1400)[0] == "small-1"
    for token, living, later, why in (
        (first, {"small-2"}, 500.0, "small-1 is no worker any more"),
        (first, {"small-1"}, 1000.0, "it ended 0 s ago"),
        ("no.token.this", {"small-1"}, 0.0, "it is no token"),
    ):
        with pytest.raises(NotEnrolled, match=why):
            credentials.renew(token, living, at + later)


def test_who_gets_a_token_that_ends_is_told_where_to_renew_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ends = made(tmp_path / "a", enrol_url="http://10.0.0.5:9681")
    for text in (ends.user_data(GROUP, options(backend="nova"), "small-1"), ends.shared_user_data(GROUP, options())):
        assert tomllib.loads(text)["renew_url"] == "http://10.0.0.5:9681"
    endless = made(tmp_path / "b", enrol_url="http://10.0.0.5:9681", signing_keys=str(tmp_path / "b" / "keys"))
    assert "renew_url" not in endless.user_data(GROUP, options(backend="nova"), "small-1")


def test_elastic_check_names_tokens_that_end_before_their_workers() -> None:
    def said(oldest_days: float, **more: object) -> tuple[bool, str]:
        found = tokenlife.check(site_options(more), [NOW - oldest_days * 86400, NOW], NOW)
        return found.ok, found.seen

    assert said(14) == (True, "end after 30 days, and are not renewed; the oldest worker is 14 days old")
    assert said(16) == (False, "end after 30 days, and are not renewed; the oldest worker is 16 days old")
    assert said(16, enrol_url="https://cm:9681") == (
        True,
        "end after 30 days, and are renewed at half of that by https://cm:9681",
    )
    assert said(99, signing_keys="/keys") == (True, "have no end, and are worth nothing once their worker is gone")


def test_keys_of_nobody_are_swept_unless_they_are_new_shared_or_another_ledgers(tmp_path: Path) -> None:
    credentials = made(tmp_path, signing_keys=str(tmp_path / "keys"))
    for name in ("small-1", "small-2", "a-server-id", "group-small"):
        credentials.enrolment.enrol(name)
    (tmp_path / "keys" / "elastic-89abcdef-small-1").touch()
    newest = max(credentials.enrolment.known().values())
    assert credentials.sweep({"small-2"}, newest) == []
    assert credentials.sweep({"small-2", "a-server-id"}, newest + NEW_SECONDS + 1) == ["small-1"]
    assert sorted(credentials.enrolment.known()) == ["a-server-id", "group-small", "small-2"]


def test_the_secret_of_a_group_is_the_same_after_a_restart_and_another_for_every_group_pool_and_stack(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, again = made(tmp_path / "a"), made(tmp_path / "b")
    assert first.secret("small", options()) == again.secret("small", options())
    other = replace(first, tag=replace(first.tag, pool="chemistry"))
    secrets = [
        first.secret("small", options()),
        first.secret("large", options()),
        first.secret("small", options(stack="new")),
        other.secret("small", options()),
    ]
    assert len(set(secrets)) == 4
    assert min(map(len, secrets)) >= 43


def test_members_are_told_where_to_ask_or_share_one_key_when_that_is_said(tmp_path: Path) -> None:
    credentials = made(tmp_path, enrol_url="http://10.0.0.5:9681")
    asks = tomllib.loads(credentials.shared_user_data(GROUP, options()))
    assert (asks["enrol_url"], asks["enrol_group"], asks["token"]) == ("http://10.0.0.5:9681", "small", "")
    assert asks["enrol_secret"] == credentials.secret("small", options())
    assert list((tmp_path / "tokens").iterdir()) == []

    shares = tomllib.loads(credentials.shared_user_data(GROUP, options(enrolment="shared")))
    assert ("enrol_url" in shares, shares["signing_key_id"]) == (False, "group-small")
    assert shares["token"]


def test_a_group_whose_members_could_not_enrol_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"group small: .*enrol_url.*enrolment = \"shared\""):
        OpenStackWorld(spec(tmp_path))


def test_the_world_enrols() -> None:
    assert issubclass(OpenStackWorld, Enrols)
    assert not issubclass(OpenStackCloud, Enrols)
