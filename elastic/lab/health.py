"""How a lab is: each service with its port, process, memory, and whether it does its work; nothing is changed."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from elastic.lab import processes
from elastic.lab.configs import Site
from elastic.lab.folder import MEMORY_FILE
from elastic.lab.programs import Service
from elastic.lab.rest import Refused, Session, ask
from elastic.local.errors import LocalError
from elastic.local.poolfolder import PoolFolder
from elastic.local.processes import ProcessId

CONNECT_SECONDS = 5.0
ASK_SECONDS = 10.0
SERVER_ERROR = 500
MEBIBYTE = 1 << 20
# Those who tell of their engines, and where.
REPORTS: Mapping[str, tuple[str, str]] = {
    "nova": ("/v2.1/os-services", "binary"),
    "heat": ("/v1/{project}/services", "binary"),
    "senlin": ("/v1/services", "binary"),
}


class Health(StrEnum):
    """What is to be said of one service."""

    OK = "ok"
    SILENT = "no answer"
    DOWN = "reported down"
    STOPPED = "not running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service as it is now; `pid` is its first process."""

    service: str
    port: int | None
    pid: int | None
    processes: int
    memory_mb: int
    health: Health


def rows(site: Site, services: Sequence[Service]) -> Sequence[Row]:
    """Return a row for each service, in the order of `services`, and one for the workers' processes."""
    running = processes.by_child(site.folder.root / "services")
    central = processes.by_child(site.folder.condor)
    running = {**running, "condor": [*running.get("condor", ()), *central.get("central", ())]}
    reported = _reported(site)
    found = [_row(site, service, running.get(service.name, ()), reported) for service in services]
    workers = processes.by_child(site.folder.servers)
    everyone = [process for each in workers.values() for process in each]
    name = f"workers ({len(workers)})"
    return [*found, Row(service=name, port=None, pid=None, health=Health.OK, **_size(everyone))]


def answers(site: Site, service: Service) -> bool:
    """Say whether a service does what can be seen of it: its API answers, its port is open, or its process runs."""
    if processes.main_process(site.folder, service.name) is None:
        return False
    port = port_of(site, service)
    if not service.path:
        return service.name != "condor" if port is None else _listens(port)
    try:
        ask("GET", site.url(service.port, service.path), seconds=ASK_SECONDS)
    except Refused as error:
        # 300 says which versions there are, 401 wants a token: both are answers.
        return 0 < error.status < SERVER_ERROR
    return True


def port_of(site: Site, service: Service) -> int | None:
    """Return where a service listens; None if it does not, or not yet."""
    if service.name == "condor":
        with suppress(LocalError):
            return int(PoolFolder(site.folder.condor).address().rpartition(":")[2])
        return None
    return site.memory.ports[service.port] if service.port else None


def admin(site: Site) -> Session:
    """Return a session of the cloud's administrator."""
    return Session(site.url("keystone", "/v3"), "admin", site.memory.secrets["admin"], "admin")


def exists(site: Site) -> bool:
    """Say whether there is a lab."""
    return (site.folder.root / MEMORY_FILE).exists()


def _row(site: Site, service: Service, found: Sequence[ProcessId], reported: Mapping[str, bool]) -> Row:
    main = processes.main_process(site.folder, service.name)
    if main is None:
        health = Health.STOPPED
    elif not answers(site, service):
        health = Health.SILENT
    else:
        health = Health.OK if reported.get(service.name, True) else Health.DOWN
    pid = None if main is None else main.pid
    return Row(service=service.name, port=port_of(site, service), pid=pid, health=health, **_size(found))


def _size(found: Sequence[ProcessId]) -> dict[str, int]:
    return {"processes": len(found), "memory_mb": sum(map(processes.memory_bytes, found)) // MEBIBYTE}


def _reported(site: Site) -> Mapping[str, bool]:
    """Return what the APIs say of the engines behind them; nothing of those that cannot be asked."""
    session, found = admin(site), dict[str, bool]()
    project = site.memory.ids.get("project", "")
    for port, (path, name) in REPORTS.items():
        with suppress(Refused, KeyError, TypeError):
            for each in session.get(site.url(port, path.format(project=project)))["services"]:
                up = str(each.get("state", each.get("status"))) == "up"
                found[each[name]] = up or found.get(each[name], False)
    return found


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=CONNECT_SECONDS):
        return True
    return False
