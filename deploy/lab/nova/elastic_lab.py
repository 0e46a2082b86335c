"""A hypervisor whose servers are real HTCondor workers: process trees that the worker launcher starts from user data.

Nova imports it as nova.virt.elastic_lab, in the environment that `elastic lab` gives to nova-compute. It knows its
servers by their folders only, so that it finds them again after it was killed.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nova.conf
from nova import exception
from nova.compute import power_state
from nova.virt import fake, hardware
from oslo_log import log as logging

# The worker launcher's own reading of its folders; at the end, where it hides nothing of Nova's.
sys.path.append(os.environ["ELASTIC_PARENT"])

from elastic.lab import guest
from elastic.local.folder import Status, kill, last_lines, status_of, write_private
from elastic.local.launcher import STATE_FILE, TOMBSTONE
from elastic.local.runtime import prepare
from elastic.local.sandbox import FOLDER_MARK, HOST_PATH

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)
LAB = Path(os.environ["ELASTIC_LAB"])
SERVERS = LAB / "servers"
RECORD = "server.json"
RUNNING = {Status.BUILD, Status.ACTIVE}


class WorkerDriver(fake.FakeDriver):
    """Starts a worker for each server that has user data; one without runs nothing, and is well."""

    def init_host(self, host):
        """Take over what an earlier process started."""
        super().init_host(host)
        for folder in SERVERS.iterdir() if SERVERS.is_dir() else ():
            with suppress(FileNotFoundError, ValueError):
                record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
                self._count(record["id"], record)

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None,
              block_device_info=None, power_on=True, accel_info=None):  # fmt: skip
        faults = _faults(instance)
        time.sleep(faults.get("spawn_seconds", 0))
        if faults.get("spawn_error"):
            raise exception.InstanceDeployFailure(reason=faults["spawn_error"])
        record = {
            "id": instance.uuid,
            "name": instance.name,
            "hostname": instance.hostname or instance.display_name,
            "vcpus": instance.flavor.vcpus,
            "memory_mb": instance.flavor.memory_mb,
            "disk_gb": instance.flavor.root_gb,
        }
        folder = SERVERS / instance.uuid
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / RECORD, json.dumps(record))
        user_data = base64.b64decode(instance.user_data or b"").decode(errors="replace")
        if user_data.strip():
            write_private(folder / "user-data", user_data)
            write_private(folder / "metadata.json", json.dumps(dict(instance.metadata)))
        self._count(instance.uuid, record)
        if power_on:
            self._start(folder, record)

    def destroy(self, context, instance, network_info, block_device_info=None, destroy_disks=True,
                destroy_secrets=True):  # fmt: skip
        faults = _faults(instance)
        until = time.monotonic() + faults.get("destroy_seconds", 0)
        while time.monotonic() < until and _faults(instance).get("destroy_seconds"):
            time.sleep(0.2)
        if faults.get("destroy_error"):
            raise exception.InstanceTerminationFailure(reason=faults["destroy_error"])
        folder = SERVERS / instance.uuid
        if folder.is_dir():
            # Before the kill: a launcher that has just been started looks for it and does not go on.
            (folder / TOMBSTONE).touch()
            kill(folder)
            shutil.rmtree(folder, ignore_errors=True)
        if self.instances.pop(instance.uuid, None):
            self.resources.release(instance.flavor.vcpus, instance.flavor.memory_mb, instance.flavor.root_gb)

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None, share_info=None):
        folder = SERVERS / instance.uuid
        self._start(folder, _record(folder, instance))

    def power_off(self, instance, timeout=0, retry_interval=0):
        if _faults(instance).get("power_off_ignored"):
            return
        folder = SERVERS / instance.uuid
        _record(folder, instance)
        kill(folder)
        # As if it had run and were over, whatever it was doing.
        write_private(folder / STATE_FILE, json.dumps({"phase": "ended", "started": True, "status": 0}))

    def reboot(self, context, instance, network_info, reboot_type, block_device_info=None, bad_volumes_callback=None,
               accel_info=None, share_info=None):  # fmt: skip
        self.power_off(instance)
        self.power_on(context, instance, network_info)

    def get_info(self, instance, use_cache=True):
        folder = SERVERS / instance.uuid
        _record(folder, instance)
        if not (folder / "user-data").exists() and not (folder / STATE_FILE).exists():
            return hardware.InstanceInfo(state=power_state.RUNNING)
        status, _ = status_of(folder)
        return hardware.InstanceInfo(state=power_state.RUNNING if status in RUNNING else power_state.SHUTDOWN)

    def get_console_output(self, context, instance):
        return "\n".join(last_lines(SERVERS / instance.uuid, 200))

    def instance_on_disk(self, instance):
        return (SERVERS / instance.uuid).is_dir()

    def get_available_resource(self, nodename):
        found = super().get_available_resource(nodename)
        # From 2023 on, Nova wants the node to be who it was at the first start.
        return {**found, "uuid": _node_uuid()} if found and "uuid" in found else found

    def get_nodenames_by_uuid(self, refresh=False):
        return {_node_uuid(): name for name in self.get_available_nodes()}

    def _count(self, uuid, record):
        if uuid not in self.instances:
            self.resources.claim(record["vcpus"], record["memory_mb"], record["disk_gb"])
        self.instances[uuid] = fake.FakeInstance(record["name"], power_state.RUNNING, uuid)

    def _start(self, folder, record):
        """Start the launcher, which belongs to nobody from then on."""
        (folder / STATE_FILE).unlink(missing_ok=True)
        if not (folder / "user-data").exists():
            return
        with (folder / "console.log").open("a", encoding="utf-8") as console:
            try:
                worker = guest.worker((folder / "user-data").read_text(encoding="utf-8"), record)
            except ValueError as error:
                # A server boots with whatever it is given; only its console tells.
                console.write(f"user data: {error}\n")
                return
            write_private(folder / "worker.toml", worker)
            launcher = [os.environ["ELASTIC_PYTHON"], "-m", "elastic.local.launcher"]
            options = ["--prefix", str(prepare().prefix), "--node", str(folder), "--server-id", record["id"]]
            subprocess.run(
                ["setsid", "--fork", *launcher, *options, str(folder / "worker.toml")],
                cwd="/",
                env={"PATH": HOST_PATH, FOLDER_MARK: str(folder), "PYTHONPATH": os.environ["ELASTIC_PARENT"]},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                check=True,
            )


def _node_uuid():
    from nova.virt import node  # noqa: PLC0415  older releases have none

    return node.get_local_node_uuid()


def _record(folder, instance):
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise exception.InstanceNotFound(instance_id=instance.uuid) from error


def _faults(instance):
    """Return what is to go wrong, as the lab's files say now: the one of the server's project, else everybody's."""
    for file in (LAB / "projects" / instance.project_id / "faults.json", LAB / "faults.json"):
        with suppress(FileNotFoundError):
            return json.loads(file.read_text(encoding="utf-8"))
    return {}
