"""The one-machine cloud itself, from nothing to nothing: servers are workers, and what is killed comes back."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import openstack
import psutil
import pytest

from elastic.lab.folder import LabFolder
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import PROC, ProcessId, alive, identify, marked, send, teardown
from elastic.local.userdata import UserData
from tests.lab.jobs import Jobs
from tests.lab.support import Client, wait

pytestmark = pytest.mark.timeout(1800)

UP_SECONDS = 1500
SECONDS = 60.0
GRANULARITY = 10
# A core shared with everything else that runs here.
BUSY_PERCENT = 5
TEMPLATE = "{{ v1.instance_id }}"

Say = Callable[[object], None]
Row = Mapping[str, Any]


class Cloud:
    """A lab of this module's own, its commands, and a member of its project."""

    def __init__(self, root: Path) -> None:
        self.folder = LabFolder(root)
        self.pool = PoolFolder(self.folder.condor)
        self.seconds = 0.0

    def elastic(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `elastic lab ...` on this lab."""
        command = [sys.executable, "-m", "elastic", "lab", *words, "--home", str(self.folder.root)]
        return subprocess.run(command, capture_output=True, text=True, timeout=UP_SECONDS, check=False)

    def up(self, *options: str) -> float:
        """Bring it up; the seconds that it took."""
        began = time.monotonic()
        done = self.elastic("up", *options)
        assert done.returncode == 0, done.stderr
        clouds = openstack.config.OpenStackConfig(config_files=[str(self.folder.clouds)], load_envvars=False)
        self.sdk = openstack.connection.Connection(config=clouds.get_one("lab"))
        return time.monotonic() - began

    def status(self) -> Mapping[str, Row]:
        """What `elastic lab status` says, by service."""
        rows: Sequence[Row] = json.loads(self.elastic("status", "-o", "json").stdout)
        return {row["service"]: row for row in rows}

    def user_data(self, name: str, *, shared: bool = False) -> str:
        """What makes a server a worker; `shared` by the members of a group, which are called by their ids."""
        own = self.pool.enrolment(86400).enrol(name)
        return UserData(
            name=TEMPLATE if shared else name,
            collector=self.pool.address(),
            token=own.token,
            signing_key=own.signing_key,
            signing_key_id=own.signing_key_id,
            cpus=1,
            memory_mb=512,
        ).to_toml()

    def boot(self, name: str, user_data: str, group: str = "small") -> str:
        """Ask for a server and give its id once it is no longer BUILD."""
        server = self.sdk.compute.create_server(
            name=name,
            image_id=self.image,
            flavor_id="worker-1",
            networks="none",
            user_data=base64.b64encode(user_data.encode()).decode(),
            metadata={"metering.server_group": group},
        )
        wait(lambda: self.state(server.id) != "BUILD", SECONDS, f"{name} is built")
        return str(server.id)

    @property
    def image(self) -> str:
        return next(str(image.id) for image in self.sdk.image.images(name="elastic-worker"))

    def state(self, server_id: str) -> str:
        """What Nova says of a server; GONE once it knows nothing of it."""
        found = self.sdk.compute.find_server(server_id)
        return "GONE" if found is None else str(found.status)

    def processes(self, server_id: str) -> Sequence[ProcessId]:
        """The processes of one server."""
        return marked(self.folder.servers / server_id)

    def load(self, group: str) -> Sequence[float]:
        """Gnocchi's rates of a group's servers, in per cent of one cpu, oldest first."""
        operations = f"(/ (* (metric cpu rate:mean) 100) {GRANULARITY * 10**9})"
        wanted = {"operations": operations, "resource_type": "instance", "search": f'server_group="{group}"'}
        url = f"{self.sdk.endpoint_for('metric')}/v1/aggregates?granularity={GRANULARITY}"
        answer = self.sdk.session.post(url, json=wanted, raise_exc=False)
        if answer.status_code != 200:
            return []
        return [value for each in answer.json()["measures"].values() for value in _values(each)]


def _values(tree: Any) -> list[float]:  # noqa: ANN401  a tree of dictionaries, its leaves lists of points
    if isinstance(tree, dict):
        return [value for branch in tree.values() for value in _values(branch)]
    return [float(value) for _, _, value in tree]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    """A lab of our own, up; afterwards not one process, mount or file of it is left.

    Who works on the lab itself names one in ELASTIC_LAB_KEPT, which stays up between runs.
    """
    if kept := os.environ.get("ELASTIC_LAB_KEPT"):
        found = Cloud(Path(kept))
        found.seconds = found.up()
        yield found
        return
    root = tmp_path_factory.mktemp("lab").resolve()
    found = Cloud(root)
    try:
        found.seconds = found.up("--release", os.environ.get("ELASTIC_LAB_RELEASE", "newest"))
        yield found
        done = found.elastic("down", "--purge")
        assert done.returncode == 0, done.stderr
        assert (marked(root), _mounts(root), root.exists()) == ([], [], False)
    finally:
        teardown(root)


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Generator[Client]:
    with Client(cloud.pool) as user:
        yield user


def joined(client: Client) -> set[str]:
    """The servers whose startds are in the collector."""
    return {ad["ElasticServerId"] for ad in client.machines("PartitionableSlot =?= true", ["ElasticServerId"])}


def test_every_service_of_a_new_lab_is_well(cloud: Cloud, say: Say) -> None:
    rows = cloud.status()
    say(f"lab up after {cloud.seconds:.0f} s; {sum(row['memory_mb'] for row in rows.values())} MB in "
        f"{sum(row['processes'] for row in rows.values())} processes")  # fmt: skip
    assert {name: row["health"] for name, row in rows.items()} == dict.fromkeys(rows, "ok")
    apis = {"keystone", "placement", "glance", "nova", "heat", "senlin", "gnocchi", "aodh", "neutron", "cinder"}
    assert apis <= {name for name, row in rows.items() if row["port"] is not None}
    assert all(row["pid"] and row["memory_mb"] for name, row in rows.items() if not name.startswith("workers"))


def test_nothing_listens_or_writes_beside_the_lab(cloud: Cloud) -> None:
    ours = {process.pid for process in marked(cloud.folder.root)}
    listening = [each for each in psutil.net_connections("tcp") if each.pid in ours and each.status == "LISTEN"]
    # Erlang's port mapper takes both loopback addresses, whatever it is told.
    assert {str(next(iter(each.laddr))) for each in listening} <= {"127.0.0.1", "::1"}
    assert {file for pid in ours for file in _written(pid) if not file.startswith(f"{cloud.folder.root}/")} == set()


def test_a_server_is_a_worker_from_its_boot_to_its_deletion(cloud: Cloud, client: Client, say: Say) -> None:
    began = time.monotonic()
    server = cloud.boot("w1", cloud.user_data("w1"))
    assert cloud.state(server) == "ACTIVE"
    active = time.monotonic() - began
    wait(lambda: server in joined(client), SECONDS, "the worker joins")
    say(f"ACTIVE after {active:.1f} s, in the collector after {time.monotonic() - began:.1f} s")

    busy = "timeout 25 sh -c 'while :; do :; done'; true"
    batch = Jobs(client, cloud.pool).shell("burn", 1, busy)
    batch.wait(SECONDS)
    loads = wait(
        lambda: [load for load in cloud.load("small") if load > BUSY_PERCENT], SECONDS, "Gnocchi shows the load"
    )
    say(f"per cent of a cpu in Gnocchi: {[round(load) for load in loads]}")

    processes = cloud.processes(server)
    assert processes
    cloud.sdk.compute.delete_server(server)
    wait(lambda: cloud.state(server) == "GONE", SECONDS, "the server is deleted")
    assert [process for process in processes if alive(process)] == []


def test_a_worker_that_dies_by_itself_is_stopped_and_boots_again(cloud: Cloud, client: Client) -> None:
    server = cloud.boot("w2", cloud.user_data("w2"))
    wait(lambda: server in joined(client), SECONDS, "the worker joins")
    for process in cloud.processes(server):
        send(process, signal.SIGKILL)
    wait(lambda: cloud.state(server) == "SHUTOFF", SECONDS, "Nova sees that it is stopped")
    cloud.sdk.compute.start_server(server)
    wait(lambda: cloud.state(server) == "ACTIVE" and cloud.processes(server), SECONDS, "it boots again")
    cloud.sdk.compute.delete_server(server)
    wait(lambda: cloud.state(server) == "GONE" and not cloud.processes(server), SECONDS, "it is deleted")


def test_user_data_that_is_no_worker_is_told_on_the_console(cloud: Cloud) -> None:
    server = cloud.boot("odd", "#cloud-config\nruncmd: [true]\n")
    assert cloud.state(server) == "ACTIVE"
    output = cloud.sdk.compute.get_server_console_output(server)["output"]
    assert output == "user data: cloud-config without a file /etc/elastic/worker.toml"
    cloud.sdk.compute.delete_server(server)


def test_a_hypervisor_fails_when_it_is_told_to(cloud: Cloud) -> None:
    cloud.folder.faults.write_text(json.dumps({"spawn_error": "no power"}), encoding="utf-8")
    server = cloud.boot("broken", cloud.user_data("broken"))
    cloud.folder.faults.unlink()
    assert cloud.state(server) == "ERROR"
    cloud.sdk.compute.delete_server(server)


def test_members_of_a_heat_group_and_of_a_senlin_cluster_join(cloud: Cloud, client: Client) -> None:
    stack = cloud.sdk.orchestration.create_stack(name="group", template=_group(cloud, 2))
    profile = cloud.sdk.clustering.create_profile(name="worker", spec=_profile(cloud))
    cluster = cloud.sdk.clustering.create_cluster(
        name="cluster", profile_id=profile.id, desired_capacity=1, min_size=0, max_size=3
    )

    def settled() -> bool:
        states = (
            cloud.sdk.orchestration.get_stack(stack.id).status,
            cloud.sdk.clustering.get_cluster(cluster.id).status,
        )
        return states == ("CREATE_COMPLETE", "ACTIVE")

    wait(settled, 2 * SECONDS, "stack and cluster are made")
    servers = {str(server.id) for server in cloud.sdk.compute.servers()}
    wait(lambda: servers <= joined(client), SECONDS, "all members join")
    assert len(servers) == 3

    cloud.sdk.orchestration.delete_stack(stack.id)
    wait(lambda: cloud.sdk.clustering.get_cluster(cluster.id).status == "ACTIVE", SECONDS)
    cloud.sdk.clustering.delete_cluster(cluster.id)
    wait(lambda: not list(cloud.sdk.compute.servers()), 2 * SECONDS, "all members are gone")
    assert [process for server in servers for process in cloud.processes(server)] == []


def test_up_brings_back_whatever_was_killed(cloud: Cloud) -> None:
    rows = cloud.status()
    for name in ("keystone", "rabbitmq", "nova-compute", "heat-engine", "senlin", "condor", "meter"):
        process = identify(rows[name]["pid"])
        assert process is not None
        send(process, signal.SIGKILL)
    assert cloud.elastic("status").returncode == 1
    cloud.up()
    wait(lambda: {row["health"] for row in cloud.status().values()} == {"ok"}, 2 * SECONDS, "all is well again")
    server = cloud.boot("after", cloud.user_data("after"))
    assert cloud.state(server) == "ACTIVE"


def test_down_ends_everything_and_up_goes_on_where_it_was(cloud: Cloud, say: Say) -> None:
    done = cloud.elastic("down")
    assert done.returncode == 0, done.stderr
    assert (marked(cloud.folder.root), _mounts(cloud.folder.root)) == ([], [])
    assert cloud.elastic("down").stdout == "0 processes were ended\n"
    say(f"lab up again after {cloud.up():.0f} s")
    assert [server.name for server in cloud.sdk.compute.servers()] == ["after"]


def _group(cloud: Cloud, count: int) -> Row:
    worker = {
        "type": "OS::Nova::Server",
        "properties": {
            "image": cloud.image,
            "flavor": "worker-1",
            "networks": [{"allocate_network": "none"}],
            "user_data_format": "RAW",
            "user_data": cloud.user_data("heat", shared=True),
        },
    }
    limits = {"min_size": 0, "max_size": 5, "desired_capacity": count}
    group = {"type": "OS::Heat::AutoScalingGroup", "properties": {**limits, "resource": worker}}
    return {"heat_template_version": "2021-04-16", "resources": {"group": group}}


def _profile(cloud: Cloud) -> Row:
    properties = {
        "name": "senlin-worker",
        "flavor": "worker-1",
        "image": cloud.image,
        "networks": [],
        "user_data": cloud.user_data("senlin", shared=True),
    }
    return {"type": "os.nova.server", "version": 1.0, "properties": properties}


def _written(pid: int) -> Sequence[str]:
    """The ordinary files that a process has open for writing."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            flags = int((PROC / str(pid) / "fdinfo" / entry.name).read_text(encoding="ascii").split()[3], 8)
            target = str(entry.readlink())
            if (
                flags & os.O_ACCMODE
                and target.startswith("/")
                and not target.startswith(("/dev/", "/proc/", "/memfd:"))
            ):
                found.append(target)
    return found


def _mounts(root: Path) -> Sequence[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if f"{root}/" in line.split()[4]]
