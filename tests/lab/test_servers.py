"""Servers as process trees, with real workers in them: what a cloud promises, crashes of either side included."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.local.errors import LimitReached, LocalError, NoSuchServer
from elastic.local.folder import Status
from elastic.local.processes import ProcessId, children, marked, name_of, send, teardown
from elastic.local.servers import Faults, Limits, LocalServer, ServerFolder
from elastic.local.userdata import UserData
from tests.lab.jobs import Jobs
from tests.lab.outcomes import histories, unhurt
from tests.lab.support import Lab, wait


@pytest.fixture
def servers(condor_prefix: Path, tmp_path: Path) -> Generator[ServerFolder]:
    """Servers without a pool: their workers call a collector that is not there."""
    yield ServerFolder(root=tmp_path / "servers", prefix=condor_prefix)
    teardown(tmp_path)


def wanted(name: str, *, cpus: int = 1, delay: float = 0.0, config: Mapping[str, str] | None = None) -> UserData:
    return UserData(
        name=name,
        collector="127.0.0.1:1",
        token="none",
        signing_key=b"k" * 64,
        signing_key_id=name,
        cpus=cpus,
        boot_delay_seconds=delay,
        config=config or {},
    )


def statuses(servers: ServerFolder) -> Mapping[str, Status]:
    return {server.name: server.status for server in servers.servers()}


def active(servers: ServerFolder, *names: str) -> list[LocalServer]:
    created = [servers.create(wanted(name), {}) for name in names]
    wait(lambda: set(statuses(servers).values()) == {Status.ACTIVE}, what="the servers become active")
    return created


def lasting(server: Path) -> list[ProcessId]:
    """The processes that a server has for all its life; none before its startd runs."""
    found = {name_of(process): process for process in marked(server)}
    return [found[name] for name in ("condor_master", "condor_startd")] if "condor_startd" in found else []


def launcher(root: Path) -> ProcessId:
    return next(process for process in marked(root) if name_of(process).startswith("python"))


def test_a_server_is_building_until_its_boot_delay_is_over(servers: ServerFolder) -> None:
    began = time.monotonic()
    servers.create(wanted("w0", delay=4.0), {"pool": "p", "worker": "w0"})
    seen = set()

    def boots() -> bool:
        status = statuses(servers)["w0"]
        seen.add(status)
        return status is Status.ACTIVE

    wait(boots, what="it becomes active")
    assert time.monotonic() - began >= 4.0
    assert seen == {Status.BUILD, Status.ACTIVE}
    (server,) = servers.servers()
    assert (server.name, server.cores, server.metadata, server.fault) == ("w0", 1, {"pool": "p", "worker": "w0"}, "")
    assert servers.server(server.id) == server


def test_creation_is_idempotent_by_name_and_ids_are_never_used_again(servers: ServerFolder) -> None:
    first = servers.create(wanted("w0"), {"n": "1"})
    assert servers.create(wanted("w0", cpus=4), {"n": "2"}).id == first.id
    assert [(server.id, server.metadata) for server in servers.servers()] == [(first.id, {"n": "1"})]
    servers.delete(first.id)
    assert servers.create(wanted("w0"), {}).id != first.id


def test_deletion_ends_that_server_and_no_other(servers: ServerFolder) -> None:
    doomed, kept = active(servers, "w0", "w1")
    # Startds come after their masters, and begin with programs that end by themselves.
    wait(lambda: lasting(servers.root / "w0") and lasting(servers.root / "w1"), what="both startds run")
    theirs = lasting(servers.root / "w1")
    servers.delete(doomed.id)
    assert (marked(servers.root / "w0"), lasting(servers.root / "w1")) == ([], theirs)
    assert statuses(servers) == {"w1": Status.ACTIVE}
    with pytest.raises(NoSuchServer):
        servers.server(doomed.id)
    with pytest.raises(NoSuchServer):
        servers.delete(doomed.id)
    assert servers.server(kept.id).status is Status.ACTIVE


def test_a_server_is_deleted_while_it_boots(servers: ServerFolder) -> None:
    server = servers.create(wanted("w0", delay=600), {})
    servers.delete(server.id)
    assert (list(servers.servers()), list(marked(servers.root))) == ([], [])
    time.sleep(1.0)
    assert marked(servers.root) == [], "a launcher that had only just been started does not go on either"


def test_the_console_is_kept_beyond_deletion(servers: ServerFolder) -> None:
    (server,) = active(servers, "w0")
    wait(lambda: "Setting ready state" in servers.console(server.id, 50), what="the master says something")
    before = servers.console(server.id, 5)
    assert len(before.splitlines()) == 5
    servers.delete(server.id)
    assert "Setting ready state" in servers.console(server.id, 50)
    assert len(servers.console(server.id, 3).splitlines()) == 3
    assert servers.console("no such server", 3) == ""


@pytest.mark.parametrize("victim", ["launcher", "namespace", "crash"])
def test_a_server_whose_processes_die_is_shut_off_and_all_of_it_is_dead(servers: ServerFolder, victim: str) -> None:
    (server,) = active(servers, "w0")
    match victim:
        case "launcher":
            send(launcher(servers.root), signal.SIGKILL)
        case "namespace":
            send(children(launcher(servers.root).pid)[0], signal.SIGKILL)
        case _:
            servers.crash(server.id)
    wait(lambda: marked(servers.root) == [], what="all of its processes end")
    seen = servers.server(server.id)
    assert (seen.status, "gone" in seen.fault) == (Status.SHUTOFF, True)
    servers.delete(server.id)
    assert statuses(servers) == {}


def test_a_server_that_cannot_boot_is_in_error_and_says_why(servers: ServerFolder) -> None:
    broken = ServerFolder(root=servers.root, prefix=servers.root / "no-daemons-here")
    server = broken.create(wanted("w0"), {})
    seen = wait(lambda: s if (s := broken.server(server.id)).status is not Status.BUILD else None)
    assert (seen.status, "no-daemons-here" in broken.console(server.id, 20)) == (Status.ERROR, True)
    broken.delete(server.id)
    assert statuses(broken) == {}


def test_every_nth_creation_fails_when_told_so(servers: ServerFolder) -> None:
    faulty = replace(servers, faults=Faults(fail_every=3))
    for number in range(6):
        faulty.create(wanted(f"w{number}", delay=600), {})
    failed = [server.name for server in faulty.servers() if server.status is Status.ERROR]
    assert failed == ["w2", "w5"]
    assert faulty.servers()[2].fault == "creation 3 fails on purpose"


def test_boot_delays_lie_within_their_bounds_and_are_the_same_each_time(servers: ServerFolder) -> None:
    slow = replace(servers, faults=Faults(boot_delay_seconds=(100.0, 200.0)))
    delays = []
    for _ in range(2):
        server = slow.create(wanted("w0"), {})
        text = (slow.root / "w0" / "user-data.toml").read_text(encoding="utf-8")
        delays.append(float(text.partition("boot_delay_seconds = ")[2].split("\n")[0]))
        slow.delete(server.id)
    assert 100.0 <= delays[0] == delays[1] <= 200.0


@pytest.mark.parametrize(
    ("limits", "complaint", "room"),
    [(Limits(servers=2), "servers: 2 of 2 in use", 0), (Limits(cores=5), "cores: 4 of 5 in use, 2 wanted", 0)],
)
def test_one_server_too_many_is_refused(servers: ServerFolder, limits: Limits, complaint: str, room: int) -> None:
    limited = replace(servers, limits=limits)
    assert limited.room(2) == 2
    first = limited.create(wanted("w0", cpus=2, delay=600), {})
    limited.create(wanted("w1", cpus=2, delay=600), {})
    with pytest.raises(LimitReached, match=complaint):
        limited.create(wanted("w2", cpus=2), {})
    assert limited.create(wanted("w0"), {}).id == first.id, "what is there already is no new server"
    assert (limited.room(2), sorted(statuses(limited))) == (room, ["w0", "w1"])
    assert servers.room(2) is None


def test_a_name_that_is_no_folder_name_is_refused(servers: ServerFolder) -> None:
    for name in ("", "../w0", ".hidden", "a/b", "a b"):
        with pytest.raises(LocalError, match="server name"):
            servers.create(wanted(name), {})


CREATOR = """
import sys
from pathlib import Path
from elastic.local.servers import ServerFolder
from elastic.local.userdata import UserData
servers = ServerFolder(root=Path(sys.argv[1]), prefix=Path(sys.argv[2]))
for number in range(1000):
    user_data = UserData(name=f"w{number}", collector="127.0.0.1:1", token="t", signing_key=b"k", signing_key_id="k",
        boot_delay_seconds=600)
    print(servers.create(user_data, {}).id, flush=True)
"""


def test_servers_outlive_a_killed_creator_and_none_is_forgotten(servers: ServerFolder) -> None:
    command = [sys.executable, "-c", CREATOR, str(servers.root), str(servers.prefix)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as creator:
        assert creator.stdout is not None
        told = [creator.stdout.readline().strip() for _ in range(5)]
        creator.kill()
        told += [line.strip() for line in creator.stdout]
    found = {server.id for server in servers.servers()}
    assert set(told) <= found
    assert len(found) - len(told) <= 1, "at most the one that was being created"
    assert set(statuses(servers).values()) == {Status.BUILD}
    for server in servers.servers():
        servers.delete(server.id)
    assert marked(servers.root) == []


def test_what_was_accepted_but_never_started_is_started(servers: ServerFolder) -> None:
    servers.create(wanted("w0"), {})
    teardown(servers.root)
    folder = servers.root / "w0"
    (folder / "launcher.json").unlink(missing_ok=True)
    record = folder / "server.json"
    os.utime(record, (time.time() - 60, time.time() - 60))
    wait(lambda: statuses(servers) == {"w0": Status.ACTIVE}, what="it becomes active")


def test_a_deletion_that_was_interrupted_is_finished(servers: ServerFolder) -> None:
    active(servers, "w0", "w1")
    (servers.root / "w0" / "deleted").touch()
    assert statuses(servers) == {"w1": Status.ACTIVE}
    assert marked(servers.root / "w0") == []
    assert not (servers.root / "w0").exists()


def test_two_launchers_never_run_the_same_server(servers: ServerFolder) -> None:
    active(servers, "w0")
    first = launcher(servers.root)
    folder = servers.root / "w0"
    command = [sys.executable, "-m", "elastic.local.launcher", "--prefix", str(servers.prefix)]
    subject = ["--node", str(folder), "--server-id", "x", str(folder / "user-data.toml")]
    done = subprocess.run(command + subject, capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode, "another launcher" in done.stderr) == (2, True)
    assert launcher(servers.root) == first
    assert statuses(servers) == {"w0": Status.ACTIVE}


def test_terminating_the_launcher_lets_the_running_job_end_first(lab: Lab, jobs: Jobs) -> None:
    lab.start_workers(1)
    batch = jobs.sleep("long", 1, 8)
    wait(lambda: batch.worker() == "w0", what="the job runs")
    send(launcher(lab.servers.root), signal.SIGTERM)
    batch.wait(60)
    assert histories(batch) == unhurt(batch)
    wait(lambda: statuses(lab.servers) == {"w0": Status.SHUTOFF}, what="the worker switches itself off")
    wait(lambda: marked(lab.servers.root) == [], what="no process of it is left")
    # The ads of a startd that just ends live for 15 minutes.
    wait(lambda: lab.joined() == set(), what="it has taken back its ads")


def test_a_deleted_servers_job_is_disconnected_and_not_told_to_stop(lab: Lab, jobs: Jobs) -> None:
    (server,) = lab.start_workers(1)
    batch = jobs.sleep("long", 1, 600)
    wait(lambda: batch.worker() == "w0", what="the job runs")
    lab.servers.delete(server.id)
    wait(lambda: list(histories(batch).values()) == [[0, 1, 22]], seconds=120, what="its shadow misses it")
    assert [job["JobStatus"] for job in lab.client.jobs(projection=["JobStatus"])] == [2]


def test_the_count_of_creations_is_never_seen_half_written_and_an_empty_one_stops_nothing(
    servers: ServerFolder,
) -> None:
    """A SIGKILL of the creator in that moment left an empty file, on which every later creation failed."""
    servers.create(wanted("w0", delay=600), {})
    with (servers.root / "created").open(encoding="ascii") as before:
        servers.create(wanted("w1", delay=600), {})
        assert (before.read(), (servers.root / "created").read_text(encoding="ascii")) == ("1", "2")
    (servers.root / "created").write_text("", encoding="ascii")
    servers.create(wanted("w2", delay=600), {})
    assert sorted(statuses(servers)) == ["w0", "w1", "w2"]


def test_servers_hold_their_folders_only(servers: ServerFolder) -> None:
    server = servers.create(wanted("w0"), {})
    servers.delete(server.id)
    left = sorted(path.name for path in servers.root.iterdir())
    assert left == [".graves", ".lock", "created"]
    shutil.rmtree(servers.root)
    assert servers.servers() == []
