"""Servers, volumes and ports that belong to nothing, found and removed in a real project."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from elastic.adapters.openstack.connection import Json
from elastic.core.memory import Memory
from elastic.core.observation import JobsOnWorkers, Machine, Machines
from elastic.core.orphans import SAFE_SECONDS, Belonging
from elastic.daemon import orphans
from elastic.ports import Listing, World
from tests.lab.support import wait
from tests.openstack.bench import LEDGER, Bench, bench, record, said
from tests.openstack.project import Project, project

POOL = "orphans"


@dataclass(frozen=True)
class Later:
    """The bench as a world in which nothing runs, seen some hours from now."""

    cloud: Any
    machines_there: Sequence[Machine] = ()

    @property
    def batch(self) -> "Later":
        return self

    @property
    def clock(self) -> "Later":
        return self

    def now(self) -> float:
        return time.time() + 2 * SAFE_SECONDS

    def machines(self) -> Machines:
        return Machines(machines=tuple(self.machines_there))

    def jobs_on(self, _machines: Sequence[str]) -> JobsOnWorkers:
        return JobsOnWorkers(jobs={}, complete=True)

    def belongings(self) -> Listing:
        listing: Listing = self.cloud.belongings.listed()
        return listing

    def remove(self, thing: Belonging) -> None:
        self.cloud.remove(thing)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of this module's own."""
    with project(tmp_path_factory.mktemp("orphans")) as made:
        yield made


@contextmanager
def made_of(own: Project, folder: Path, backend: str) -> Iterator[tuple[Bench, World]]:
    with bench(own, folder, f"{POOL}-{backend}", small=said(backend=backend)) as made:
        yield made, cast("World", Later(made.cloud))


def known(*servers: str) -> Memory:
    workers = {f"w{number}": record("small", f"w{number}", one) for number, one in enumerate(servers)}
    return Memory(ledger=LEDGER, pool=POOL, workers=workers)


def found(world: World, memory: Memory, *gone: str) -> dict[str, str]:
    """What is kept for which reason, by id."""
    seen = orphans.found(world, memory, dict.fromkeys(gone, ""), SAFE_SECONDS)
    assert seen.untold == ()
    return {one.thing.id: one.keep for one in seen.orphans}


@pytest.mark.parametrize("backend", ["nova", "heat", "senlin"])
def test_a_server_that_the_ledger_does_not_know_is_removed_on_request_and_no_other(
    own: Project, tmp_path: Path, backend: str
) -> None:
    with made_of(own, tmp_path, backend) as (made, world):
        made.cloud.sizes()
        made.ask("small", "small-1", "small-2")
        wait(lambda: len(active(made)) == 2, 90, "both are there")
        mine, lost = active(made)
        assert found(world, known(mine, lost)) == {}
        assert found(world, known(mine)) == {lost: ""}
        made.cloud.sizes()
        wait(lambda: removal(world, known(mine), lost), 60, "its removal is taken on")
        wait(lambda: active(made) == [mine], 60, "it is gone")
        (refused,) = orphans.removed(world, known(mine), {}, [mine], SAFE_SECONDS)
        assert (refused.done, refused.text) == (False, "it is not there, or it belongs to something")
        assert active(made) == [mine]


def active(made: Bench) -> list[str]:
    return sorted(server.id for server in made.cloud.servers().servers if server.raw_status == "ACTIVE")


def removal(world: World, memory: Memory, server_id: str) -> bool:
    """Whether it was taken on; a stack that is at work wants to be asked again."""
    (one,) = orphans.removed(world, memory, {}, [server_id], SAFE_SECONDS)
    return one.done


def test_a_young_server_and_one_whose_startd_is_in_the_pool_are_kept(own: Project, tmp_path: Path) -> None:
    with made_of(own, tmp_path, "nova") as (made, world):
        (answer,) = made.ask("small", "small-1")
        server_id = answer.server_id or ""
        wait(lambda: active(made) == [server_id], 60, "it is there")
        young = orphans.found(world, known(), {}, 100 * SAFE_SECONDS).orphans
        assert [one.keep for one in young] == ["it is too young: it may still belong to something"]
        (kept,) = orphans.removed(world, known(), {}, [server_id], 100 * SAFE_SECONDS)
        assert not kept.done
        alive = cast("World", Later(made.cloud, [in_the_pool(server_id)]))
        assert "its startd is in the pool" in found(alive, known())[server_id]
        (kept,) = orphans.removed(alive, known(), {}, [server_id], SAFE_SECONDS)
        assert not kept.done
        assert active(made) == [server_id]


def in_the_pool(server_id: str) -> Machine:
    from tests.core.builders import machine  # noqa: PLC0415  its names would hide ours

    return machine("small-1", server_id=server_id)


def test_volumes_and_ports_of_servers_that_are_gone_and_of_nobody_else_are_removed(
    own: Project, tmp_path: Path
) -> None:
    with made_of(own, tmp_path, "nova") as (made, world):
        services, gone, theirs = made.cloud.services, "11111111-0000-0000-0000-000000000001", "22222222"
        ours = port(made, own, gone)
        port(made, own, theirs)
        port(made, own, gone, owner="network:dhcp")
        tagged = {
            "size": 8,
            "metadata": {"elastic_pool": made.pool, "elastic_ledger": LEDGER, "elastic_group": "small"},
        }
        volume = services.call("block_storage", "POST", "/volumes", {"volume": tagged})["volume"]["id"]
        services.call("block_storage", "POST", "/volumes", {"volume": {"size": 8, "name": "somebody's"}})
        assert found(world, known(), gone) == {volume: "", ours: ""}
        assert found(world, known(gone), gone) == {volume: ""}
        both = orphans.removed(world, known(), {gone: ""}, [volume, ours], SAFE_SECONDS)
        assert [one.done for one in both] == [True, True]
        assert found(world, known(), gone) == {}
        assert len(services.call("network", "GET", "/ports", query={"project_id": own.id})["ports"]) == 2
        assert len(services.call("block_storage", "GET", "/volumes")["volumes"]) == 1


def port(made: Bench, own: Project, server_id: str, owner: str = "compute:nova") -> str:
    """A port of the stub, made a day ago."""
    asked: Json = {
        "project_id": own.id,
        "device_id": server_id,
        "device_owner": owner,
        "created_at": "2026-01-01T00:00:00Z",
    }
    return str(made.cloud.services.call("network", "POST", "/ports", {"port": asked})["port"]["id"])
