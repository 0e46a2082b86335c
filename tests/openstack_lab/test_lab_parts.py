"""The parts of the one-machine cloud that need no cloud: its memory, its files, its meter's arithmetic, its stubs."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from elastic.lab import processes
from elastic.lab.cinder import CinderStub
from elastic.lab.configs import Site, files, ini
from elastic.lab.folder import PORTS, LabFolder, new_memory, with_all_ports
from elastic.lab.health import Health, rows
from elastic.lab.lab import Lab
from elastic.lab.meter import Used
from elastic.lab.neutron import NeutronStub
from elastic.lab.processes import Program
from elastic.lab.programs import Service, services
from elastic.lab.release import Release
from elastic.lab.rest import Refused, ask
from elastic.lab.software import known
from elastic.lab.stub import Stub
from elastic.local.errors import LocalError
from elastic.local.loopback import free_port
from elastic.local.processes import ProcessId, alive, children, identify, send
from tests.lab.support import wait


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A lab that was never started."""
    folder = LabFolder(tmp_path)
    folder.remember(new_memory(Release.NEWEST, None))
    for place in (folder.log, folder.run, folder.mark("x").parent):
        place.mkdir(parents=True)
    return Site(folder=folder, memory=folder.memory(), software=known(Release.NEWEST))


def test_a_lab_remembers_its_ports_passwords_and_steps(tmp_path: Path) -> None:
    folder, memory = LabFolder(tmp_path), new_memory(Release.NEWEST, None)
    assert len(set(memory.ports.values())) == len(PORTS)
    folder.remember(memory)
    folder.done("b", "a")
    folder.done("a")
    found = folder.memory()
    assert (found.ports, found.secrets, found.done) == (memory.ports, memory.secrets, ["a", "b"])
    assert (tmp_path / "lab.json").stat().st_mode & 0o777 == 0o600


def test_ports_in_use_are_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        first = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"ports in use on 127.0.0.1: {first} \(mariadb\).*--first-port"):
            new_memory(Release.NEWEST, first)


def test_a_lab_that_was_never_made_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"there is no lab in .*; `elastic lab up` makes one"):
        Lab(LabFolder(tmp_path)).status()
    assert Lab(LabFolder(tmp_path)).down() == 0


def test_another_release_needs_another_folder(site: Site) -> None:
    with pytest.raises(LocalError, match="is of release newest; choose another --home"):
        Lab(site.folder).up(lambda _: None, release=Release.ZED)


def test_a_folder_too_deep_for_a_socket_is_refused() -> None:
    with pytest.raises(LocalError, match="too long for a socket"):
        LabFolder(Path("/" + "x" * 90))


def test_purge_removes_what_a_lab_wrote_and_nothing_else(site: Site) -> None:
    mine = site.folder.root / "mine"
    mine.write_text("kept", encoding="utf-8")
    Lab(site.folder).down(purge=True)
    assert [entry.name for entry in site.folder.root.iterdir()] == ["mine"]


def test_every_address_that_a_service_is_given_is_on_loopback(site: Site) -> None:
    (paste := site.folder.root / "paste.ini").touch()
    pipelines = dict.fromkeys(site.software.pipelines, paste)
    text = json.dumps(files(replace(site, software=replace(site.software, pipelines=pipelines))))
    assert "127.0.0.1" in text
    assert "0.0.0.0" not in text  # noqa: S104  it is what must not be there


def test_ini_writes_lists_line_by_line() -> None:
    assert ini({"a": {"x": True, "y": [1, 2]}}) == "[a]\nx = true\ny = 1\ny = 2\n"


def test_services_are_named_once(site: Site) -> None:
    names = [service.name for service in services(site)]
    assert len(names) == len(set(names))


def test_a_service_is_known_by_its_process_and_ends_with_it(site: Site) -> None:
    sleeper = Service(name="s", program=Program(name="s", command=("sleep", "60"), environment=dict(os.environ)))
    assert rows(site, [sleeper])[0].health is Health.STOPPED
    processes.start(site.folder, sleeper.program)
    main = processes.main_process(site.folder, "s")
    assert main is not None
    row = rows(site, [sleeper])[0]
    assert (row.pid, row.processes, row.health) == (main.pid, 1, Health.OK)
    send(main, signal.SIGKILL)
    wait(lambda: not alive(main), 10)
    assert processes.main_process(site.folder, "s") is None


def test_what_a_marked_process_starts_is_its_servers_whatever_its_environment_says(tmp_path: Path) -> None:
    """HTCondor gives jobs an environment of their own: their CPU time came to light only when they had ended."""
    servers = tmp_path / "servers"
    shell = "env -i sleep 60 & env -i ELASTIC_LOCAL_ROOT=/elsewhere sleep 60 & wait"
    mark = {"ELASTIC_LOCAL_ROOT": str(servers / "s1" / "worker"), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["/bin/sh", "-c", shell], env=mark) as started:
        own = identify(started.pid)
        assert own is not None
        wait(lambda: len(children(started.pid)) == 2, 10, "both have started")
        first, second = children(started.pid)
        try:
            wait(lambda: processes.by_child(servers) == {"s1": [own, first]}, 10, "they are what they are")
        finally:
            for process in (own, first, second):
                send(process, signal.SIGKILL)


def test_cpu_time_of_a_server_never_falls() -> None:
    process = identify(os.getpid())
    assert process is not None
    used = Used()
    first = used.seconds("a", [process])
    assert first > 0
    gone = ProcessId(pid=process.pid, start_ticks=process.start_ticks)
    assert used.seconds("a", []) == first
    assert used.seconds("a", [gone]) >= first
    used.keep([])
    assert used.seconds("a", []) == 0


@contextmanager
def served(stub: type[Stub]) -> Generator[str]:
    """The stub's address, while it answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), stub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def neutron(tmp_path: Path) -> Generator[str]:
    """A stub of a project p that may have one port."""
    with served(type("Neutron", (NeutronStub,), {"projects": limited(tmp_path, port=1), "ports": {}})) as address:
        yield address


@pytest.fixture
def cinder(tmp_path: Path) -> Generator[str]:
    """A stub of a project p that may have two volumes of ten gigabytes."""
    projects = limited(tmp_path, volumes=2, gigabytes=10)
    with served(type("Cinder", (CinderStub,), {"projects": projects, "volumes": {}})) as address:
        yield address


def limited(projects: Path, **limits: int) -> Path:
    (projects / "p").mkdir()
    (projects / "p" / "limits.json").write_text(json.dumps(limits), encoding="utf-8")
    return projects


def test_the_stub_says_in_neutrons_words_that_there_is_no_network(neutron: str) -> None:
    assert ask("GET", f"{neutron}/").content["versions"][0]["id"] == "v2.0"
    assert ask("GET", f"{neutron}/v2.0/ports?device_id=x").content == {"ports": []}
    assert [group["name"] for group in ask("GET", f"{neutron}/v2.0/security-groups").content["security_groups"]] == [
        "default"
    ]
    assert set(ask("GET", f"{neutron}/v2.0/quotas/q").content["quota"].values()) == {-1}
    assert ask("DELETE", f"{neutron}/v2.0/ports/x").content is None
    with pytest.raises(Refused, match="boot servers with networks 'none'"):
        ask("POST", f"{neutron}/v2.0/networks", {"network": {}})
    with pytest.raises(Refused) as refused:
        ask("GET", f"{neutron}/v2.0/networks/x")
    assert refused.value.status == 404


def test_ports_of_the_stub_count_against_the_projects_quota(neutron: str) -> None:
    wanted = {"port": {"project_id": "p", "device_id": "server-1", "tags": ["elastic_pool=physics"]}}
    made = ask("POST", f"{neutron}/v2.0/ports", wanted).content["port"]
    assert ask("GET", f"{neutron}/v2.0/ports?device_id=server-1&tenant_id=p").content == {"ports": [made]}
    assert ask("GET", f"{neutron}/v2.0/ports?device_id=server-2").content == {"ports": []}
    assert ask("GET", f"{neutron}/v2.0/quotas/p/details").content["quota"]["port"] == {
        "limit": 1, "used": 1, "reserved": 0,
    }  # fmt: skip
    with pytest.raises(Refused, match="Quota exceeded") as refused:
        ask("POST", f"{neutron}/v2.0/ports", wanted)
    assert refused.value.status == 409
    ask("DELETE", f"{neutron}/v2.0/ports/{made['id']}")
    assert ask("GET", f"{neutron}/v2.0/ports").content == {"ports": []}


def test_volumes_of_the_stub_count_against_the_projects_limits(cinder: str) -> None:
    wanted = {"volume": {"size": 8, "metadata": {"elastic_pool": "physics"}}}
    made = ask("POST", f"{cinder}/v3/p/volumes", wanted).content["volume"]
    assert ask("GET", f"{cinder}/v3/p/volumes/detail?limit=1000").content == {"volumes": [made]}
    assert ask("GET", f"{cinder}/v3/q/volumes/detail").content == {"volumes": []}
    assert ask("GET", f"{cinder}/v3/p/limits").content["limits"]["absolute"] == {
        "maxTotalVolumes": 2, "maxTotalVolumeGigabytes": 10, "totalVolumesUsed": 1, "totalGigabytesUsed": 8,
    }  # fmt: skip
    with pytest.raises(Refused, match="gigabytes allowed") as refused:
        ask("POST", f"{cinder}/v3/p/volumes", wanted)
    assert refused.value.status == 413
    ask("DELETE", f"{cinder}/v3/p/volumes/{made['id']}")
    assert ask("GET", f"{cinder}/v3/p/volumes").content == {"volumes": []}


def test_a_lab_of_before_gets_ports_for_services_that_are_new(site: Site) -> None:
    before = replace(site.memory, ports={name: port for name, port in site.memory.ports.items() if name != "cinder"})
    after = with_all_ports(before)
    assert set(after.ports) == set(PORTS)
    assert {name: after.ports[name] for name in before.ports} == before.ports
    assert with_all_ports(after) == after
