"""A worker group that an operator changes behind the running daemon, by OpenStack's own command line `openstack`."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elastic.adapters.openstack.servers import GROUP, POOL
from tests.lab.conftest import Say
from tests.lab.shown import reload, told
from tests.openstack.commandline import CommandLine
from tests.openstack.site import OpenStackSite, group

SIZED = ("heat", "named", "senlin")
"""The groups whose size the cloud keeps."""
KEPT_SECONDS = 3600.0
SHORTLY = 15.0
SECONDS = 120.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, condor_prefix: Path) -> Iterator[OpenStackSite]:
    """A group of one worker for each way to keep one."""
    with OpenStackSite(
        tmp_path_factory.mktemp("site"), condor_prefix, groups=groups(1), settings=kept_for(KEPT_SECONDS)
    ) as made:
        made.until(lambda: set(ready(made).values()) == {1}, 2 * SECONDS, "one worker in each group")
        yield made


@pytest.fixture(scope="module")
def openstack(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("plugins"))


def groups(workers: int) -> list[dict[str, object]]:
    """The settings of a group for each way, which the policy wants to have so many workers."""
    fixed = {"policy": "fixed", "policy_parameters": {"workers": workers}, "maximum": 4, "launch_seconds": 300.0}
    named = {"heat_kind": "resource_group"}
    return [
        dict(group("heat", name="heat", **fixed)),
        dict(group("heat", name="named", options=named, **fixed)),
        dict(group("senlin", name="senlin", **fixed)),
        dict(group("nova", name="nova", **{**fixed, "policy_parameters": {"workers": 1}})),
    ]


def kept_for(seconds: float) -> dict[str, object]:
    """The settings by which a size from outside is kept for so long."""
    return {"site": {"min_wake_seconds": 1.0, "outside_override_seconds": seconds}}


def ready(site: OpenStackSite) -> Mapping[str, int]:
    """How many workers of each group serve."""
    found = [worker["group"] for worker in site.workers().values() if worker["phase"] == "ready"]
    return {name: found.count(name) for name in site.group_names}


def servers(site: OpenStackSite, name: str) -> frozenset[str]:
    return frozenset(one.id for one in site.listed() if one.metadata["group"] == name)


def pinned(site: OpenStackSite, name: str) -> tuple[tuple[str, int, str, float], ...]:
    """Kind, size, author and duration of what is imposed on a group."""
    found = [one for one in site.get("/v1/overrides") if one["group"] == name]
    return tuple((o["kind"], o["workers"], o["author"], o["expires_at"] - o["created_at"]) for o in found)


def outside(site: OpenStackSite, name: str) -> list[str]:
    """What the daemon has told of a group's changes from outside."""
    return [event["text"] for event in site.events("outside") if event["group"] == name]


def resized(openstack: CommandLine, site: OpenStackSite, size: int) -> None:
    """Give each group another size, as docs/backend-heat.md and docs/backend-senlin.md say how."""
    called = {name: f"elastic-{site.pool_name}-{name}" for name in SIZED}
    commands = [
        ("stack", "update", "--existing", "--parameter", f"desired={size}", called["heat"]),
        ("stack", "update", "--existing", "--parameter", f"desired={size}", called["named"]),
        ("cluster", "resize", "--capacity", str(size), called["senlin"]),
    ]
    with ThreadPoolExecutor(len(commands)) as threads:
        list(threads.map(lambda words: openstack(*words), commands))


def each(site: OpenStackSite, size: int) -> bool:
    """Whether each group has so many servers, and so many workers that serve."""
    serving = ready(site)
    return all(len(servers(site, name)) == serving[name] == size for name in SIZED)


def test_a_size_from_outside_is_gone_to_and_kept_for_a_while_and_then_the_policy_decides(
    site: OpenStackSite, openstack: CommandLine, say: Say
) -> None:
    first = {name: servers(site, name) for name in SIZED}
    resized(openstack, site, 3)
    site.until(
        lambda: all(pinned(site, name) == (("pin", 3, "outside", KEPT_SECONDS),) for name in SIZED),
        SECONDS,
        "each size is kept as a pin of outside",
    )
    site.until(lambda: each(site, 3), SECONDS, "three workers in each")
    grown = {name: servers(site, name) for name in SIZED}
    assert all(first[name] < grown[name] for name in SIZED)

    # From now on no worker is wanted, which shows when the next size from outside is over.
    reload(site, {"groups": groups(0), **kept_for(SHORTLY)})
    resized(openstack, site, 1)
    site.until(lambda: all(len(outside(site, name)) == 2 for name in SIZED), SECONDS, "the smaller size too")
    site.until(lambda: each(site, 0), 2 * SECONDS, "no server is left when the pins are over")

    said = {name: outside(site, name) for name in SIZED}
    say(said)
    texts = [
        f"its size in the cloud was changed from 1 to 3; kept there for {KEPT_SECONDS:.0f} s",
        f"its size in the cloud was changed from 3 to 1; kept there for {SHORTLY:.0f} s",
    ]
    assert list(said.values()) == [texts] * len(SIZED)
    assert not any(pinned(site, name) for name in SIZED)
    # Of each group the daemon has taken out the one that the smaller size had left, and nobody beside.
    assert [len(told(site, "deleting", group=name)) for name in SIZED] == [1] * len(SIZED)
    assert told(site, "victim_mismatch") == []


def test_a_server_made_by_hand_is_nobodys_and_one_deleted_by_hand_is_replaced(
    site: OpenStackSite, openstack: CommandLine
) -> None:
    (ours,) = servers(site, "nova")
    # It says of itself what ours say, but for the ledger, which nobody else knows.
    tags = ("--property", f"{POOL}={site.pool_name}", "--property", f"{GROUP}=nova")
    place = ("--image", "elastic-worker", "--flavor", "worker-1", "--nic", "none", *tags)
    made = openstack(
        "--os-compute-api-version", "2.37", "server", "create", *place, "-f", "value", "-c", "id", "by-hand"
    )
    by_hand = made.strip()
    openstack("server", "delete", ours)

    def replaced() -> bool:
        others = servers(site, "nova") - {ours, by_hand}
        return len(others) == 1 and ready(site)["nova"] == 1

    site.until(replaced, 2 * SECONDS, "the deleted one is replaced")
    assert by_hand in servers(site, "nova")
    assert by_hand not in {worker["server_id"] for worker in site.workers().values()}
    assert outside(site, "nova") == []
