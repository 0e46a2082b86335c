"""What database and broker need before they start, and how the services' tables are made."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.lab.configs import Site, databases
from elastic.lab.folder import write_private
from elastic.local.errors import LocalError

SECONDS = 900.0
ADDRESS = "{scheme}://{username}:{password}@{hostname}:{port}"
CELL1 = ("--database_connection", f"{ADDRESS}/nova_cell1?{{query}}", "--transport-url", f"{ADDRESS}/")
CELL_EXISTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One chain of commands that makes the tables of one service."""

    name: str
    commands: Sequence[Sequence[str]]


def syncs(site: Site) -> Sequence[Sync]:
    """Return every chain; they may run side by side."""
    script = site.software.script
    nova, cell0 = script("nova-manage"), str(site.folder.home / ".nova" / "cell0.conf")

    def one(name: str, *commands: Sequence[str]) -> Sync:
        return Sync(name=name, commands=commands)

    return (
        one("keystone", (script("keystone-manage"), "db_sync")),
        one("heat", (script("heat-manage"), "db_sync")),
        one(
            "nova-api",
            (nova, "api_db", "sync"),
            # Nova fills in its own configuration's words, so that these tables fit any lab.
            (nova, "cell_v2", "map_cell0", "--database_connection", f"{ADDRESS}/nova_cell0?{{query}}"),
            (*(nova, "cell_v2", "create_cell", "--name", "cell1"), *CELL1),
        ),
        one("nova-cell1", (nova, "db", "sync", "--local_cell")),
        one("nova-cell0", (nova, "--config-file", cell0, "db", "sync", "--local_cell")),
        one("placement", (script("placement-manage"), "db", "sync")),
        one("glance", (script("glance-manage"), "db_sync")),
        one("gnocchi", (script("gnocchi-upgrade"), "--sacks-number", "8")),
        one("aodh", (script("aodh-dbsync"),)),
        one("senlin", (script("senlin-manage"), "db_sync")),
    )


def run(site: Site, sync: Sync, environment: Mapping[str, str]) -> None:
    """Run one chain; raise LocalError with the end of what it said."""
    log = site.folder.log / f"sync-{sync.name}.log"
    for command in sync.commands:
        with log.open("ab") as output:
            done = subprocess.run(
                command,
                cwd=site.folder.run,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=SECONDS,
                check=False,
            )
        # A cell that an interrupted start has made is there already.
        if done.returncode and not ("create_cell" in command and done.returncode == CELL_EXISTS):
            end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise LocalError(f"{Path(command[0]).name} {command[1]} failed ({done.returncode}):\n{end}")


def make_folders(site: Site) -> None:
    """Make every folder that services expect to find, and the keys by which Keystone signs and encrypts."""
    state = site.folder.state
    for name in (
        "tmp",
        "mariadb",
        "rabbitmq",
        "senlin",
        "nova/instances",
        "nova/locks",
        "glance/images",
        "glance/staging",
        "glance/tasks",
        "gnocchi/coordination",
        "gnocchi/storage/tmp",
        "gnocchi/incoming/tmp",
    ):
        (state / name).mkdir(parents=True, exist_ok=True)
    for folder in (site.folder.log, site.folder.run, site.folder.servers, site.folder.mark("x").parent):
        folder.mkdir(parents=True, exist_ok=True)
    for repository in ("fernet", "credential"):
        for number in ("0", "1"):
            key = state / "keystone" / repository / number
            if not key.exists():
                write_private(key, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
                key.parent.chmod(0o700)


def has_data(site: Site) -> bool:
    """Say whether the lab has a database already."""
    return (_mariadb(site) / "data" / "mysql").is_dir()


def make_data(site: Site) -> None:
    """Make an empty database."""
    state = _mariadb(site)
    partial = state / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    options = ("--auth-root-authentication-method=normal", "--skip-test-db", "--user=root", "--skip-name-resolve")
    done = subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={partial}", f"--tmpdir={state}", *options],
        cwd=site.folder.run,
        env={**os.environ, "HOME": str(site.folder.home)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise LocalError(f"mariadb-install-db failed: {(done.stdout + done.stderr)[-1000:]}")
    partial.rename(state / "data")


def configure(site: Site) -> None:
    """Write what database and broker are told at each start."""
    _configure_mariadb(site)
    _configure_rabbitmq(site)


def _configure_mariadb(site: Site) -> None:
    secret = site.memory.secrets["database"]
    lines = [f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;" for name in databases()]
    lines += [
        f"CREATE OR REPLACE USER lab@'127.0.0.1' IDENTIFIED BY '{secret}';",
        "GRANT ALL ON *.* TO lab@'127.0.0.1';",
        f"ALTER USER root@localhost IDENTIFIED BY '{secret}';",
    ]
    write_private(_mariadb(site) / "init.sql", "\n".join(lines) + "\n")


def _configure_rabbitmq(site: Site) -> None:
    """One user, who may do everything."""
    state = site.folder.state / "rabbitmq"
    settings = {
        "default_user": "lab",
        "default_pass": site.memory.secrets["broker"],
        # It would stop everything on a machine whose memory or disk others have filled.
        "vm_memory_high_watermark.relative": "0.9",
        "disk_free_limit.absolute": "50MB",
        "log.file.level": "warning",
    }
    text = "".join(f"{name} = {value}\n" for name, value in settings.items())
    write_private(state / "rabbitmq.conf", text)
    write_private(state / "enabled_plugins", "[].\n")
    cookie = state / ".erlang.cookie"
    if not cookie.exists():
        write_private(cookie, hashlib.sha256(site.memory.secrets["broker"].encode()).hexdigest())
        cookie.chmod(0o400)


def bootstrap(site: Site) -> Sync:
    """Return what makes the first user, and Keystone's own endpoint."""
    return Sync(name="bootstrap", commands=[_bootstrap(site)])


def _mariadb(site: Site) -> Path:
    return site.folder.state / "mariadb"


def _bootstrap(site: Site) -> Sequence[str]:
    url = site.url("keystone", "/v3")
    return (
        *(site.software.script("keystone-manage"), "bootstrap"),
        *("--bootstrap-password", site.memory.secrets["admin"], "--bootstrap-region-id", "RegionOne"),
        *("--bootstrap-public-url", url),
    )
