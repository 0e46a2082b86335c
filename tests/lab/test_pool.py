"""A central manager and workers of real daemons: they start, run jobs, are disturbed, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elastic.local.errors import LocalError
from elastic.local.pool import Pool
from elastic.local.processes import alive, marked, send, teardown
from tests.lab.conftest import StartPool
from tests.lab.jobs import Jobs
from tests.lab.outcomes import histories, unhurt
from tests.lab.support import CallError, Client, Lab, machine, wait


def mounts() -> list[str]:
    return sorted(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines())


def test_jobs_run_once_each_on_workers_that_carry_their_servers_ids(lab: Lab, jobs: Jobs) -> None:
    servers = lab.start_workers(2, cpus=2)
    batch = jobs.submit("names", 6, "/usr/bin/id", "-un")
    batch.wait(60)
    assert histories(batch) == unhurt(batch)
    assert [batch.output(proc) for proc in range(6)] == ["elastic\n"] * 6
    assert {batch.worker(proc) for proc in range(6)} <= {"w0", "w1"}
    assert lab.joined() == {server.id for server in servers}


def test_a_worker_has_the_shape_it_was_asked_for(lab: Lab) -> None:
    lab.start_worker("w0", cpus=3, memory_mb=777)
    wanted = ["Cpus", "Memory", "Disk", "PartitionableSlot", "ElasticGroup", "ElasticPool", "ElasticWorker"]
    (ad,) = wait(lambda: lab.client.machines(projection=wanted), what="the worker joins")
    assert ad == {
        "Cpus": 3,
        "Memory": 777,
        "Disk": 1024 * 1024,
        "PartitionableSlot": True,
        "ElasticGroup": "test",
        "ElasticPool": "test",
        "ElasticWorker": "w0",
    }


def test_a_static_machine_does_not_look_like_a_server(lab: Lab) -> None:
    lab.start_static("old-iron")
    ads = lab.client.machines(projection=["Name", "ElasticServerId"])
    assert ads == [{"Name": f"slot1@{machine('old-iron')}"}]


def test_a_job_that_asks_for_gpus_runs_where_they_are(lab: Lab, jobs: Jobs) -> None:
    lab.start_worker("plain")
    lab.start_worker("gpu", gpus=2)
    batch = jobs.sleep("gpus", 1, 0.2, request_gpus="2")
    batch.wait(60)
    assert (histories(batch), batch.worker()) == (unhurt(batch), "gpu")


def test_workers_come_back_to_a_collector_that_was_restarted(lab: Lab) -> None:
    (server,) = lab.start_workers(1)
    lab.pool.daemons.restart("collector")
    wait(lambda: lab.joined() == {server.id}, what="the worker is seen again")


def test_a_worker_whose_token_has_expired_stays_away_from_a_restarted_collector(lab: Lab) -> None:
    lab.start_worker("kept")
    lab.start_worker("expired", token_seconds=30)
    asked = time.monotonic()
    wait(lambda: len(lab.joined()) == 2, what="both join")
    time.sleep(max(0.0, asked + 31 - time.monotonic()))
    assert len(lab.joined()) == 2, "nothing happens to it until the collector forgets it"
    lab.pool.daemons.restart("collector")
    wait(lambda: len(lab.joined()) == 1, what="the one with a good token is seen again")
    time.sleep(11)
    assert lab.client.machines(projection=["ElasticWorker"]) == [{"ElasticWorker": "kept"}]


def test_a_schedd_that_is_off_answers_nothing_until_it_is_on(pool: Pool, client: Client) -> None:
    pool.daemons.switch_off("schedd")
    with pytest.raises(LocalError, match="no condor_schedd"):
        pool.daemons.process("schedd")
    with pytest.raises(CallError):
        client.jobs()
    pool.daemons.switch_on("schedd")

    def answers() -> bool:
        try:
            return client.jobs() == []
        except CallError:
            return False

    wait(answers, what="the schedd answers")


def test_a_frozen_daemon_hangs_and_a_thawed_one_goes_on(pool: Pool) -> None:
    pool.daemons.freeze("collector")
    with pytest.raises(subprocess.TimeoutExpired):
        pool.tool("condor_status", "-schedd", timeout_seconds=3)
    pool.daemons.thaw("collector")
    assert "elastic.local" in pool.tool("condor_status", "-schedd", "-af", "Name")


def test_extra_schedds_have_queues_of_their_own(start_pool: StartPool) -> None:
    pool = start_pool(extra_schedds=["second"])
    names = pool.tool("condor_status", "-schedd", "-af", "Name").split()
    assert sorted(names) == ["127-0-0-1.elastic.local", "second@127-0-0-1.elastic.local"]
    assert pool.daemons.process("second") != pool.daemons.process("schedd")


def test_configuration_can_be_overridden(start_pool: StartPool) -> None:
    pool = start_pool({"NEGOTIATOR_INTERVAL": "77", "LICENCE_LIMIT": "2"})
    assert pool.tool("condor_config_val", "NEGOTIATOR_INTERVAL", "LICENCE_LIMIT").split() == ["77", "2"]


def test_two_pools_at_once_know_nothing_of_each_other(start_pool: StartPool) -> None:
    first, second = start_pool(name="first"), start_pool(name="second")
    with Client(first.folder) as one, Client(second.folder) as other:
        Lab(first, one).start_workers(1)
        assert (len(one.machines()), other.machines()) == (1, [])


def test_a_pool_that_is_stopped_keeps_its_port_and_its_workers(lab: Lab) -> None:
    (server,) = lab.start_workers(1)
    address = lab.pool.address
    lab.pool.stop()
    assert marked(lab.folder.central) == []
    lab.pool.start()
    assert lab.pool.address == address
    wait(lambda: lab.joined() == {server.id}, what="the worker is seen again")


def test_teardown_leaves_no_process_and_no_mount(lab: Lab, jobs: Jobs) -> None:
    before = mounts()
    lab.start_workers(2)
    batch = jobs.sleep("long", 2, 600)
    wait(lambda: {batch.worker(0), batch.worker(1)} == {"w0", "w1"}, what="both jobs run")
    everything = marked(lab.folder.root)
    assert teardown(lab.folder.root) == len(everything)
    assert [process for process in everything if alive(process)] == []
    assert marked(lab.folder.root) == []
    assert mounts() == before


def test_teardown_touches_nothing_but_its_own_pool(start_pool: StartPool) -> None:
    doomed, kept = start_pool(name="pool"), start_pool(name="pool-2")
    teardown(doomed.folder.root)
    assert marked(doomed.folder.root) == []
    assert "elastic.local" in kept.tool("condor_status", "-schedd", "-af", "Name")


STARTER = """
import sys, time
from pathlib import Path
from elastic.local.pool import Pool
Pool(Path(sys.argv[1]), Path(sys.argv[2])).start()
print("started", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["starter", "namespace"])
def test_a_pool_ends_with_the_process_that_started_it(condor_prefix: Path, tmp_path: Path, victim: str) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "pool"), str(condor_prefix)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "started\n"
        processes = marked(tmp_path / "pool")
        assert len(processes) >= 6
        if victim == "starter":
            starter.kill()
        else:
            send(processes[0], signal.SIGKILL)
        wait(lambda: not any(alive(process) for process in processes), what="all of it is gone")
        starter.kill()
