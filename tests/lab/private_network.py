"""A pool whose worker lives in a network of its own that nobody can connect to; told by whoever runs it inside.

    ip netns exec CENTRAL python -m tests.lab.private_network ROOT PREFIX WORKERS_NAMESPACE

Central manager, user and adapter are in the namespace that this runs in. Both sides have the configuration that is
shipped for sites. Prints what was seen as JSON.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from elastic.adapters.htcondor import HTCondorBatch, HTCondorSettings
from elastic.core.memory import WorkerRecord
from elastic.core.observation import Inspection
from elastic.local.config import WORKER_USER
from elastic.local.pool import Pool
from elastic.local.processes import teardown
from elastic.local.sandbox import FOLDER_MARK
from elastic.local.userdata import UserData
from elastic.ports import Transient
from tests.lab.jobs import Jobs
from tests.lab.support import Client, wait

CENTRAL, WORKER = "10.77.0.1", "10.77.0.2"
LISTENING = (20000, 31999)
"""Ports of listening sockets; only from these may the central side answer the worker, so it begins no connection."""
PORT = 23456
FRAGMENTS = Path(__file__).parents[2] / "condor-config" / "config.d"
SECONDS = 120.0
SERVER = "0a9b4c52-3f1e-4d57-9d0e-6b1f4f0e7f11"
LEDGER = "5b0c9e6e-private"
PORTS: Mapping[str, str] = MappingProxyType(
    {"IN_LOWPORT": str(LISTENING[0]), "IN_HIGHPORT": str(LISTENING[1]), "BIND_ALL_INTERFACES": "True"}
)


def fragment(name: str) -> Mapping[str, str]:
    """What a shipped fragment sets, by name."""
    text = (FRAGMENTS / name).read_text(encoding="utf-8")
    return {found[1]: found[2].strip() for found in re.finditer(r"^(\w+) *=(.*)$", text, re.MULTILINE)}


def central_config() -> Mapping[str, str]:
    """The shipped fragment over a central manager that is open to the worker's network."""
    quick = {"NEGOTIATOR_INTERVAL": "5", "NEGOTIATOR_MIN_INTERVAL": "1", "NETWORK_INTERFACE": CENTRAL}
    shipped = fragment("60-elastic-central-manager.conf")
    # Where it says "what the site has, and", the one-machine pool has the same users already.
    own = {name: value for name, value in shipped.items() if f"$({name})" not in value}
    return {**own, **PORTS, **quick, "COLLECTOR_HOST": f"{CENTRAL}:{PORT}"}


def user_data(pool: Pool) -> UserData:
    """A worker with the shipped fragment."""
    own = pool.folder.enrolment(86400).enrol("w1")
    identity = {
        "ELASTIC_WORKER": "w1", "ELASTIC_GROUP": "small", "ELASTIC_POOL": "private", "ELASTIC_SERVER_ID": SERVER,
        "UPDATE_INTERVAL": "5", "NETWORK_INTERFACE": WORKER,
    }  # fmt: skip
    # The launcher's own name for what cloud-init calls condor@.
    config = {**fragment("60-elastic-worker.conf"), **identity, "ELASTIC_OWN_USER": WORKER_USER}
    return UserData(
        name="w1", collector=f"{CENTRAL}:{PORT}", token=own.token, signing_key=own.signing_key,
        signing_key_id=own.signing_key_id, cpus=2, config=config,
    )  # fmt: skip


def batch_of(pool: Pool) -> HTCondorBatch:
    """The adapter, which can be called back."""
    known = pool.folder.environment()
    parameters = {n.removeprefix("_CONDOR_"): v for n, v in known.items() if n.startswith("_CONDOR_")}
    parameters |= {**PORTS, "NETWORK_INTERFACE": CENTRAL, "COLLECTOR_HOST": f"{CENTRAL}:{PORT}"}
    return HTCondorBatch(
        HTCondorSettings(
            collector=f"{CENTRAL}:{PORT}", token_folder=pool.folder.token_folder, ledger=LEDGER,
            query_seconds=20.0, inspect_seconds=20.0, control_seconds=60.0, parameters=parameters,
        )
    )  # fmt: skip


def connects(address: str) -> bool:
    """Whether a connection can be begun to the host and port in a daemon's address."""
    host, _, port = address.strip("<>").partition("?")[0].rpartition(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except OSError:
        return False
    return True


def tell(root: Path, prefix: Path, namespace: str) -> Mapping[str, object]:
    """Run the story and return what was seen."""
    pool = Pool(root / "pool", prefix, extra_config=central_config())
    pool.port = PORT
    node = root / "worker"
    node.mkdir()
    with pool, Client(pool.folder) as client:
        batch = batch_of(pool)
        (node / "worker.toml").write_text(user_data(pool).to_toml(), encoding="utf-8")
        launcher = [sys.executable, "-m", "elastic.local.launcher", "--prefix", str(prefix), "--node", str(node)]
        with subprocess.Popen(
            ["ip", "netns", "exec", namespace, *launcher, "--server-id", SERVER, str(node / "worker.toml")],
            env={**os.environ, FOLDER_MARK: str(node)},
        ) as process:
            try:
                return _removed(batch, Jobs(client, pool.folder))
            finally:
                batch.close()
                process.terminate()
                teardown(node)


def _removed(batch: HTCondorBatch, jobs: Jobs) -> Mapping[str, object]:
    """Its job runs, then it is drained, inspected, fenced and brought back, all from outside its network."""
    machine = wait(lambda: next((m for m in batch.machines().machines if m.worker == "w1"), None), SECONDS)
    batch_of_jobs = jobs.sleep("inside", 1, 1.0)
    batch_of_jobs.wait(SECONDS)
    record = WorkerRecord(
        name="w1", group="small", requested_at=0.0, server_id=machine.server_id, machine=machine.name,
        address=machine.address, started=machine.started,
    )  # fmt: skip
    seen: dict[str, object] = {
        "server": machine.server_id,
        "broker": "CCBID=" in machine.address,
        "connects": connects(machine.address),
        "granted": batch.authorised(machine),
    }
    idle = wait(lambda: one if not (one := batch.inspect(record)).claimed and one.answered else None, SECONDS)
    answer = batch.drain(record, f"elastic:{LEDGER}:w1:1", busy=False)
    drained = wait(lambda: _drained(batch, record), SECONDS)
    batch.fence(record)
    fenced = _answer(batch, record)
    batch.resume(record)
    # Its startd is another one, known to the broker by another number.
    moved = wait(lambda: _moved(batch, machine.address), SECONDS)
    back = wait(lambda: _answer(batch, replace(record, address=moved)), SECONDS)
    return {
        **seen,
        "idle": idle.answered,
        "drained": drained.drain is not None and drained.drain.request_id == answer.request_id,
        "fenced": fenced is None,
        "back": back.drain is None,
    }


def _moved(batch: HTCondorBatch, address: str) -> str | None:
    """The worker's address in the collector, once it is another one."""
    return next((m.address for m in batch.machines().machines if m.worker == "w1" and m.address != address), None)


def _answer(batch: HTCondorBatch, record: WorkerRecord) -> Inspection | None:
    """What the startd says; none while it is silent, which behind a broker is an error."""
    with suppress(Transient):
        seen = batch.inspect(record)
        return seen if seen.answered else None
    return None


def _drained(batch: HTCondorBatch, record: WorkerRecord) -> Inspection | None:
    seen = batch.inspect(record)
    return seen if seen.drain is not None and seen.drain.drained else None


if __name__ == "__main__":
    print(json.dumps(tell(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))  # noqa: T201  for the test
