"""What the daemons of a one-machine pool are configured with, and why; nothing is started here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from elastic.local.sandbox import JOB_USER, USERS
from elastic.local.userdata import UserData

SERVER_ATTRIBUTE = "ElasticServerId"
DOMAIN = "elastic.local"
WORKER_USER = f"worker@{DOMAIN}"
CLIENT_USER = f"{JOB_USER}@{DOMAIN}"
# Daemons that hold the pool's key make themselves tokens in this name.
DAEMON_USER = "condor@password"
SUBFOLDERS = ("log", "run", "lock", "spool", "execute", "etc", "tokens.d", "passwords.d")

# Sessions that condor makes for itself between a schedd and the startd that it was matched to.
MATCH_SESSIONS = "execute-side@matchsession submit-side@matchsession"


def central_settings(folder: Path, *, port: int, extra_schedds: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the configuration of a central manager with its schedd below `folder`; the collector listens on `port`."""
    everyone = f"*@{DOMAIN} {DAEMON_USER} {MATCH_SESSIONS}"
    schedds = [name.upper() for name in extra_schedds]
    settings = {
        **_common(folder, f"127.0.0.1:{port}"),
        "DAEMON_LIST": " ".join(["MASTER", "COLLECTOR", "NEGOTIATOR", "SCHEDD", *schedds]),
        "SEC_TOKEN_POOL_SIGNING_KEY_FILE": "$(SEC_PASSWORD_DIRECTORY)/POOL",
        "ALLOW_READ": everyone,
        "ALLOW_WRITE": everyone,
        "ALLOW_CLIENT": "*",
        "ALLOW_DAEMON": f"{DAEMON_USER} {WORKER_USER} {MATCH_SESSIONS}",
        "ALLOW_NEGOTIATOR": DAEMON_USER,
        "ALLOW_ADMINISTRATOR": DAEMON_USER,
        # elastic takes the ads of vanished workers out of the collector, hence its place in this list.
        "ALLOW_ADVERTISE_STARTD": f"{DAEMON_USER} {WORKER_USER} {CLIENT_USER}",
        "ALLOW_ADVERTISE_MASTER": f"{DAEMON_USER} {WORKER_USER} {CLIENT_USER}",
        "ALLOW_ADVERTISE_SCHEDD": DAEMON_USER,
        # elastic's own tokens for workers name them in their id; others were fetched with one of these.
        "SEC_TOKEN_REVOCATION_EXPR": f'sub == "{WORKER_USER}" && !regexp("[.]", jti)',
        # One record of each execution, evicted ones too: HTCondor 23.9 keeps none by default, and the queue alone tells
        # no more than each job's last eviction.
        "JOB_EPOCH_HISTORY": "$(SPOOL)/epoch_history",
        # A job is matched within a second of the worker's coming, so that a run of minutes shows what hours would.
        "NEGOTIATOR_INTERVAL": "5",
        "NEGOTIATOR_MIN_INTERVAL": "1",
        "NEGOTIATOR_CYCLE_DELAY": "1",
        "NEGOTIATOR_UPDATE_INTERVAL": "5",
        "SCHEDD_INTERVAL": "5",
        "SCHEDD_MIN_INTERVAL": "1",
        # A daemon that a test kills is back in seconds; the default waits 10 s and doubles.
        "MASTER_BACKOFF_CONSTANT": "1",
        "MASTER_BACKOFF_CEILING": "4",
    }
    for name in extra_schedds:
        settings |= {
            name.upper(): "$(SBIN)/condor_schedd",
            f"{name.upper()}_ARGS": f"-local-name {name} -n {name}",
            f"SCHEDD.{name}.SCHEDD_LOG": f"$(LOG)/SchedLog.{name}",
            f"SCHEDD.{name}.SPOOL": f"$(LOCAL_DIR)/spool-{name}",
            f"SCHEDD.{name}.HISTORY": f"$(LOCAL_DIR)/spool-{name}/history",
            f"SCHEDD.{name}.SCHEDD_ADDRESS_FILE": f"$(LOCAL_DIR)/spool-{name}/.schedd_address",
            f"SCHEDD.{name}.SCHEDD_DAEMON_AD_FILE": f"$(LOCAL_DIR)/spool-{name}/.schedd_classad",
        }
    return settings


def worker_settings(folder: Path, wanted: UserData, server_id: str) -> Mapping[str, str]:
    """Return the configuration of one worker below `folder`: one partitionable slot that carries the server's id."""
    attributes = {SERVER_ATTRIBUTE: server_id, **wanted.attributes}
    # Names only: jobs that ask for GPUs are matched and given one each, there is nothing to compute on.
    gpus = " ".join(f"GPU-{number}" for number in range(wanted.gpus))
    devices = {"MACHINE_RESOURCE_GPUS": gpus} if gpus else {}
    return {
        **_common(folder, wanted.collector),
        "DAEMON_LIST": "MASTER STARTD",
        # It shares no files with the schedd: jobs' files are transferred, as between servers.
        "FILESYSTEM_DOMAIN": f"{wanted.name}.{DOMAIN}",
        "MASTER_NAME": wanted.name,
        "STARTD_NAME": wanted.name,
        "ALLOW_READ": "*",
        "ALLOW_WRITE": f"{WORKER_USER} {MATCH_SESSIONS}",
        "ALLOW_CLIENT": "*",
        "ALLOW_DAEMON": f"{WORKER_USER} {DAEMON_USER} {MATCH_SESSIONS}",
        # Draining and switching the startd off; only a token signed by this worker's own key gets this far.
        "ALLOW_ADMINISTRATOR": f"{CLIENT_USER} {WORKER_USER}",
        "NUM_CPUS": str(wanted.cpus),
        "MEMORY": str(wanted.memory_mb),
        # A startd tells what is free in EXECUTE; a server with a disk of its own would have only that much.
        "DISK": str(wanted.disk_mb * 1024),
        "NUM_SLOTS_TYPE_1": "1",
        "SLOT_TYPE_1": "100%",
        "SLOT_TYPE_1_PARTITIONABLE": "True",
        "START": "True",
        "SUSPEND": "False",
        "PREEMPT": "False",
        "KILL": "False",
        # 100 days: with the default of 0 a graceful drain kills running jobs at once.
        "MAXJOBRETIREMENTTIME": "8640000",
        "RUNBENCHMARKS": "False",
        # Asking every transfer plugin what it can do took 1.2 s of the 3.4 s until the slot was seen.
        "ENABLE_URL_TRANSFERS": "False",
        "POLLING_INTERVAL": "1",
        "UPDATE_INTERVAL": "5",
        # Without its master's ad nobody switches a startd off: after a collector restart it must be back as soon.
        "MASTER_UPDATE_INTERVAL": "5",
        **devices,
        **{attribute: f'"{value}"' for attribute, value in attributes.items()},
        "STARTD_ATTRS": " ".join(attributes),
    }


def render(settings: Mapping[str, str], extra: Mapping[str, str]) -> str:
    """Return the text of a condor configuration file; `extra` comes last and wins."""
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines += [f"{name} = {value}" for name, value in extra.items()]
    return "\n".join(lines) + "\n"


def make_folders(folder: Path, *, more: Sequence[str] = ()) -> None:
    """Make the folders that `_common` names, owned by the users that need them when that can be had."""
    for name in (*SUBFOLDERS, *more):
        (folder / name).mkdir(parents=True, exist_ok=True)
        private = name in {"tokens.d", "passwords.d"}
        (folder / name).chmod(0o700 if private else 0o755)
        if os.geteuid() == 0 and not private:
            os.chown(folder / name, USERS["condor"], USERS["condor"])


def write_secret(file: Path, content: bytes) -> None:
    """Write a key or token so that only its owner can ever read it."""
    partial = file.with_name(f".{file.name}.partial")
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.rename(file)


def _common(folder: Path, collector: str) -> Mapping[str, str]:
    """Return what every daemon of the pool is told: where it lives, that it stays on loopback, and whom it believes."""
    return {
        "RELEASE_DIR": "/usr",
        "LOCAL_DIR": str(folder),
        "BIN": "$(RELEASE_DIR)/bin",
        "SBIN": "$(RELEASE_DIR)/sbin",
        "LIB": "$(RELEASE_DIR)/lib/condor",
        "LIBEXEC": "$(RELEASE_DIR)/libexec/condor",
        "SHARE": "$(RELEASE_DIR)/share/condor",
        "LOG": "$(LOCAL_DIR)/log",
        "RUN": "$(LOCAL_DIR)/run",
        "LOCK": "$(LOCAL_DIR)/lock",
        "SPOOL": "$(LOCAL_DIR)/spool",
        "EXECUTE": "$(LOCAL_DIR)/execute",
        "ETC": "$(LOCAL_DIR)/etc",
        "CONDOR_IDS": f"{USERS['condor']}.{USERS['condor']}",
        "COLLECTOR_HOST": collector,
        "NETWORK_INTERFACE": "127.0.0.1",
        "BIND_ALL_INTERFACES": "False",
        "ENABLE_IPV6": "False",
        "NO_DNS": "True",
        "DEFAULT_DOMAIN_NAME": DOMAIN,
        "UID_DOMAIN": DOMAIN,
        "TRUST_DOMAIN": DOMAIN,
        "FILESYSTEM_DOMAIN": DOMAIN,
        "USE_SHARED_PORT": "False",
        "SEC_DEFAULT_AUTHENTICATION": "REQUIRED",
        "SEC_DEFAULT_INTEGRITY": "REQUIRED",
        "SEC_DEFAULT_ENCRYPTION": "REQUIRED",
        "SEC_DEFAULT_AUTHENTICATION_METHODS": "IDTOKENS",
        "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
        # All nodes share one address; with family sessions a slot took 8.5 s to show, without 3.5 s.
        "SEC_USE_FAMILY_SESSION": "False",
        "SEC_PASSWORD_DIRECTORY": "$(LOCAL_DIR)/passwords.d",
        "SEC_TOKEN_SYSTEM_DIRECTORY": "$(LOCAL_DIR)/tokens.d",
        "SEC_TOKEN_DIRECTORY": "$(LOCAL_DIR)/tokens.d",
    }
