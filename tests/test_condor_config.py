"""The fragments for sites: read by HTCondor's own parser, and compared with what the pools of these tests use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from elastic.adapters.htcondor import slots
from elastic.local import config
from elastic.local.userdata import UserData
from elastic.settings.groups import GroupSettings
from elastic.settings.model import HtcondorSettings

FOLDER = Path(__file__).parent.parent / "condor-config"
WORKER = "60-elastic-worker.conf"
CENTRAL_MANAGER = "60-elastic-central-manager.conf"
IDENTITY = """
ELASTIC_WORKER = small-1
ELASTIC_GROUP = small
ELASTIC_POOL = physics
ELASTIC_SERVER_ID = 0a9b4c52
TRUST_DOMAIN = elastic.local
COLLECTOR_HOST = cm.example.org:9618
"""
READ = """
import json, sys, htcondor2
print(json.dumps({name: str(htcondor2.param[name]) for name in sys.argv[1:] if name in htcondor2.param}))
"""
# Quick updates are for runs of minutes; the tests' workers may be asked by anybody on their one machine.
ONE_MACHINE_ONLY = {
    "UPDATE_INTERVAL", "MASTER_UPDATE_INTERVAL", "ALLOW_ADMINISTRATOR", "ALLOW_READ", "ALLOW_WRITE", "ALLOW_DAEMON",
}  # fmt: skip
DUMP = """
import json, htcondor2
print(json.dumps({name: str(htcondor2.param[name]) for name in htcondor2.param.keys()}))
"""


def assigned(fragment: str) -> list[str]:
    lines = (FOLDER / "config.d" / fragment).read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]


def as_read(fragment: str, folder: Path) -> dict[str, str]:
    """What HTCondor's parser makes of the fragment behind a worker's identity."""
    text = (FOLDER / "config.d" / fragment).read_text(encoding="utf-8")
    file = folder / "condor_config"
    file.write_text(IDENTITY + text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ, *assigned(fragment)],
        env={**os.environ, "CONDOR_CONFIG": str(file)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_a_worker_is_configured_as_the_tests_workers_are_but_for_what_only_one_machine_needs(tmp_path: Path) -> None:
    read = as_read(WORKER, tmp_path)
    wanted = UserData(
        name="small-1",
        collector="127.0.0.1:9618",
        token="token",
        signing_key=b"key",
        signing_key_id="small-1",
        attributes={"ElasticWorker": "small-1", "ElasticGroup": "small", "ElasticPool": "physics"},
    )
    tested = config.worker_settings(tmp_path, wanted, "0a9b4c52")

    same = {name: tested[name] for name in read if name in tested and name not in ONE_MACHINE_ONLY | {"STARTD_ATTRS"}}

    assert {name: read[name] for name in same} == same
    assert {"MAXJOBRETIREMENTTIME", "PREEMPT", "DAEMON_LIST", "ElasticServerId", "ElasticWorker"} <= same.keys()
    assert set(tested["STARTD_ATTRS"].split()) <= set(read["STARTD_ATTRS"].split())
    assert config.CLIENT_USER in read["ALLOW_ADMINISTRATOR"].split()


def test_the_attributes_that_join_a_slot_to_a_server_and_its_intent_are_advertised(tmp_path: Path) -> None:
    read = as_read(WORKER, tmp_path)

    assert {slots.SERVER, slots.WORKER} <= set(read["STARTD_ATTRS"].split())
    assert (read[slots.SERVER], read[slots.WORKER]) == ('"0a9b4c52"', '"small-1"')


def test_elastic_and_workers_may_advertise_and_take_ads_out_at_the_central_manager(tmp_path: Path) -> None:
    read = as_read(CENTRAL_MANAGER, tmp_path)

    for name in ("ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER", "ALLOW_READ"):
        assert {config.CLIENT_USER, config.WORKER_USER} <= set(read[name].replace(",", " ").split()), name


def test_times_are_at_most_the_defaults_of_the_settings_that_wait_for_them(tmp_path: Path) -> None:
    read = as_read(WORKER, tmp_path) | as_read(CENTRAL_MANAGER, tmp_path)
    lease = GroupSettings(name="small", maximum=1).job_lease_seconds

    assert float(read["UPDATE_INTERVAL"]) == 60 <= HtcondorSettings().machine_update_seconds
    assert float(read["CLASSAD_LIFETIME"]) == HtcondorSettings().ad_lifetime_seconds
    # A lost worker frees its jobs in minutes.
    assert float(read["JOB_DEFAULT_LEASE_DURATION"]) == 600 <= lease
    assert float(read["MAXJOBRETIREMENTTIME"]) >= 30 * 86400


@pytest.mark.parametrize("fragment", [WORKER, CENTRAL_MANAGER])
def test_nobody_is_allowed_anything_but_by_a_token_and_encrypted(fragment: str, tmp_path: Path) -> None:
    as_read(fragment, tmp_path)
    found = dumped(tmp_path)
    sides = ("DEFAULT", "CLIENT")
    kinds = ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY")

    assert {found[f"SEC_{side}_{kind}"] for side in sides for kind in kinds} == {"REQUIRED"}
    assert {found[f"SEC_{side}_AUTHENTICATION_METHODS"] for side in sides} == {"IDTOKENS"}
    # ALLOW_CLIENT, HTCondor's default, is which daemons we may speak to, not who may speak to us.
    open_to_all = {name for name, value in found.items() if name.startswith("ALLOW_") and "*" in value.split()}
    assert open_to_all <= {"ALLOW_CLIENT"}
    assert "ALLOW_CLIENT" not in assigned(fragment)


def test_a_worker_is_reached_by_the_broker_and_its_network_has_a_name(tmp_path: Path) -> None:
    as_read(WORKER, tmp_path)
    found = dumped(tmp_path)
    assert (found["CCB_ADDRESS"], found["PRIVATE_NETWORK_NAME"]) == ("cm.example.org:9618", "elastic-physics")


def dumped(folder: Path) -> dict[str, str]:
    """All of HTCondor's configuration, defaults too, with the fragment that `as_read` has left in `folder`."""
    environment = {**os.environ, "CONDOR_CONFIG": str(folder / "condor_config")}
    done = subprocess.run(
        [sys.executable, "-c", DUMP], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_schedds_keep_the_records_of_executions_that_evictions_are_counted_from(tmp_path: Path) -> None:
    read = as_read(CENTRAL_MANAGER, tmp_path)
    tested = config.central_settings(tmp_path, port=9618)

    assert assigned(CENTRAL_MANAGER).count("JOB_EPOCH_HISTORY") == 1
    assert (tested["JOB_EPOCH_HISTORY"], Path(read["JOB_EPOCH_HISTORY"]).name) == (
        "$(SPOOL)/epoch_history",
        "epoch_history",
    )


@pytest.mark.parametrize("fragment", [WORKER, CENTRAL_MANAGER])
def test_every_line_of_a_fragment_is_understood(fragment: str, tmp_path: Path) -> None:
    assert sorted(as_read(fragment, tmp_path)) == sorted(set(assigned(fragment)))


def test_the_table_of_attributes_names_what_the_adapter_reads() -> None:
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    behind_total = {f"TotalSlot{name}" for name in ("Cpus", "Memory", "Disk", "GPUs")}

    assert [name for name in slots.ATTRIBUTES if f"`{name}`" not in told and name not in behind_total] == []
