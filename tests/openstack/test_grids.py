"""`elastic grid` on real Heat: made, spoiled in the middle, mended, listed, removed, and removed again."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.gridstack import PREFIX, GridStacks
from elastic.adapters.openstack.gridworkers import GridWorkers
from elastic.adapters.openstack.servers import Tag
from elastic.lab.guest import CLOUD_CONFIG
from tests.lab.rounds import elastic
from tests.lab.support import wait
from tests.openstack.rig import lab_folder

MASTER = f'{CLOUD_CONFIG}\nruncmd:\n- |\n  @ELASTIC_READY@ --data-binary \'{{"status": "SUCCESS"}}\'\n'
LAB_GRID = Path(__file__).parents[2] / "hot" / "env" / "lab.yaml"


class Cloud:
    """The commands on one grid of the lab, and what is really there."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.name = f"t{os.urandom(4).hex()}"
        self.stacks, self.workers = GridStacks(services), GridWorkers(services)

    def up(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self._run("up", self.name, "-e", str(LAB_GRID), "-o", "json", *more)

    def down(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self._run("down", self.name, "-o", "json", *more)

    def row(self) -> Mapping[str, Any] | None:
        """What `elastic grid list` shows of it."""
        shown = self._run("list", "-o", "json")
        assert shown.returncode == 0, shown.stderr
        return next((row for row in json.loads(shown.stdout) if row["name"] == self.name), None)

    def left(self) -> list[str]:
        """Everything of it that OpenStack still has."""
        stacks = self.services.call("orchestration", "GET", "/stacks", query={"show_nested": "true"})["stacks"]
        ports = self.services.call("network", "GET", "/ports")["ports"]
        volumes = self.services.call("block_storage", "GET", "/volumes/detail")["volumes"]
        named = [one["stack_name"] for one in stacks if self.name in one["stack_name"]]
        named += [one["name"] for one in (*ports, *volumes) if self.name in (one.get("name") or "")]
        return named + [one.name for one in self.workers.servers(self.name)]

    def _run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        return elastic("grid", command, "--cloud", "lab", "--clouds-file", str(lab_folder() / "clouds.yaml"), *more)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    found = Services("lab", clouds_file=lab_folder() / "clouds.yaml")
    yield found
    found.close()


@pytest.fixture
def cloud(services: Services) -> Iterator[Cloud]:
    found = Cloud(services)
    yield found
    removed = found.down("--force")
    assert (removed.returncode, found.left()) == (0, []), removed.stderr


def test_a_grid_that_failed_in_the_middle_is_mended_by_the_same_command_and_leaves_nothing(cloud: Cloud) -> None:
    spoiled = cloud.up("-p", "master_zone=nowhere")
    assert (spoiled.returncode, "master: " in spoiled.stderr, "CREATE_FAILED" in spoiled.stderr) == (1, True, True)
    assert cloud.row() is not None
    assert [one.master for one in cloud.workers.servers(cloud.name)] in ([], [True])

    mended = cloud.up("-p", "master_zone=", "-p", "initial=2")
    assert mended.returncode == 0, mended.stderr
    made = json.loads(mended.stdout)
    assert (made["done"], made["status"]) == ("mended", "UPDATE_COMPLETE")
    assert (cloud.row() or {})["workers"] == 2
    before = cloud.workers.servers(cloud.name)
    assert [one.master for one in before].count(True) == 1

    again = cloud.up("-p", "initial=2", "-p", "master_zone=")
    assert (again.returncode, json.loads(again.stdout)["done"]) == (0, "there already"), again.stderr
    changed = cloud.up("-p", "initial=1")
    assert (changed.returncode, "would reset it" in changed.stderr) == (1, True)
    refused = cloud.down()
    assert (refused.returncode, "2 workers" in refused.stderr, "--force" in refused.stderr) == (1, True, True)
    assert cloud.workers.servers(cloud.name) == before

    removed = cloud.down("--force")
    assert (removed.returncode, json.loads(removed.stdout)["workers"], cloud.left()) == (0, 2, []), removed.stderr
    nothing = cloud.down()
    assert (nothing.returncode, json.loads(nothing.stdout)["existed"], cloud.row()) == (0, False, None)


def test_workers_are_made_once_the_master_has_said_that_it_is_ready(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "master").write_text(MASTER, encoding="utf-8")
    options = ["-p", "wait_for_master=true", "-p", f"master_user_data=@{tmp_path / 'master'}"]
    # The word does not come in time: the command gives up, and the same command goes on with what Heat does.
    waited = cloud.up(*options, "--minutes", "0.15")
    assert (waited.returncode, "again goes on waiting" in waited.stderr) == (3, True), waited.stderr
    master = wait(lambda: cloud.workers.servers(cloud.name), 60, "the master is made")[0]
    stack = cloud.stacks.read(PREFIX + cloud.name)
    assert stack is not None
    assert {one.name: one.status for one in cloud.stacks.resources(stack)}["workers"] == "INIT_COMPLETE"

    boot(master.id)
    made = cloud.up(*options)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["worker_group"].startswith(f"{PREFIX}{cloud.name}-workers-")


def test_what_a_daemon_made_for_the_grid_goes_with_it(cloud: Cloud, services: Services) -> None:
    assert cloud.up("-p", "worker_group=false").returncode == 0
    image = services.call("image", "GET", "/images", query={"name": "elastic-worker"})["images"][0]["id"]
    metadata = Tag(cloud.name, "ledger").metadata("small", "w1")
    wanted = {"name": f"{cloud.name}-w1", "flavorRef": "worker-1", "imageRef": image, "networks": "none"}
    services.call("compute", "POST", "/servers", {"server": {**wanted, "metadata": metadata}})
    refused = cloud.down()
    assert (refused.returncode, f"{cloud.name}-w1" in refused.stderr) == (1, True)
    removed = cloud.down("--force")
    assert (removed.returncode, json.loads(removed.stdout)["workers"], cloud.left()) == (0, 1, []), removed.stderr


def test_an_image_that_is_not_there_is_said_before_anything_is_made(cloud: Cloud) -> None:
    missing = cloud.up("-p", "image=no-such-image")
    assert (missing.returncode, "there is no image no-such-image" in missing.stderr) == (1, True)
    assert cloud.row() is None


def boot(server_id: str) -> None:
    """What cloud-init does in a server that boots: run its commands. The lab's servers run workers only."""
    file = lab_folder() / "servers" / server_id / "user-data"
    command = wait(lambda: file.exists() and file.read_text(encoding="utf-8"), 30, "the master boots")
    line = next(line for line in str(command).splitlines() if "curl" in line)
    deadline = time.monotonic() + 60
    while subprocess.run(["sh", "-c", f"{line} --fail --silent"], capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, line
        time.sleep(1)
