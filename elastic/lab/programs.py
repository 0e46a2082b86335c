"""The services of a lab: which program each one is, and how it is known to answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elastic.lab.configs import Site
from elastic.lab.processes import Program

PACKAGE_PARENT = Path(__file__).resolve().parents[2]
DEPLOY = PACKAGE_PARENT / "deploy" / "lab"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: what starts it, the name of its port, the path that answers when it is well ("" = a TCP port)."""

    name: str
    program: Program
    port: str = ""
    path: str = ""


def services(site: Site) -> Sequence[Service]:
    """Return all services, in the order in which they are started."""
    return (*foundation(site), *control_plane(site))


def foundation(site: Site) -> Sequence[Service]:
    """Return what everything else stands on, and the pool, which stands by itself."""
    condor = Service(name="condor", program=_own(site, "condor", "elastic.lab.condor", str(site.folder.root)))
    return (mariadb(site), rabbitmq(site), condor)


def control_plane(site: Site) -> Sequence[Service]:
    """Return OpenStack, and the meter beside it."""

    def engine(name: str, *command: str) -> Service:
        words = command or (site.software.script(name),)
        return Service(name=name, program=Program(name=name, command=words, environment=environment(site)))

    senlin = engine("senlin", site.software.script("senlin-api"))
    return (
        _api(site, "keystone", "/v3"),
        _stub(site, "neutron"),
        _stub(site, "cinder"),
        _api(site, "placement", "/"),
        _api(site, "glance", "/healthcheck"),
        _api(site, "nova", "/"),
        engine("nova-conductor"),
        engine("nova-scheduler"),
        engine("nova-compute", str(site.software.python), str(DEPLOY / "nova" / "compute.py")),
        _api(site, "heat", "/"),
        _api(site, "heat-cfn", "/"),
        engine("heat-engine"),
        _api(site, "gnocchi", "/"),
        engine("gnocchi-metricd"),
        _api(site, "aodh", "/"),
        engine("aodh-evaluator"),
        engine("aodh-notifier"),
        # Its green threads wait for ever for each other's answers under uwsgi, so it serves by itself.
        replace(senlin, port="senlin", path="/"),
        engine("senlin-conductor"),
        engine("senlin-engine"),
        engine("senlin-health-manager"),
        Service(name="meter", program=_own(site, "meter", "elastic.lab.meter", str(site.folder.root))),
    )


def mariadb(site: Site) -> Service:
    """Return the database, which makes itself databases and a user at each start where they are missing."""
    state = site.folder.state / "mariadb"
    options = {
        "datadir": state / "data",
        "socket": site.folder.socket,
        "pid-file": state / "mariadb.pid",
        "bind-address": "127.0.0.1",
        "port": site.memory.ports["mariadb"],
        "init-file": state / "init.sql",
        "tmpdir": state,
        "user": "root",
        "max-connections": 1000,
        "character-set-server": "utf8mb4",
        # A lab that lost its power is made anew; a disk that is waited for would double the time of every change.
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-doublewrite": 0,
        "innodb-buffer-pool-size": "256M",
        "innodb-log-file-size": "32M",
        "performance-schema": 0,
    }
    words = ("/usr/sbin/mariadbd", "--no-defaults", *(f"--{name}={value}" for name, value in options.items()))
    program = Program(name="mariadb", command=(*words, "--skip-log-bin"), environment=_plain(site))
    return Service(name="mariadb", program=program, port="mariadb")


def rabbitmq(site: Site) -> Service:
    """Return the message broker."""
    state, ports = site.folder.state / "rabbitmq", site.memory.ports
    environment = {
        **_plain(site),
        # The cookie by which Erlang's programs know each other lies in the home folder.
        "HOME": str(state),
        "RABBITMQ_NODENAME": f"lab-{ports['rabbitmq']}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(ports["rabbitmq"]),
        "RABBITMQ_DIST_PORT": str(ports["rabbitmq-distribution"]),
        "RABBITMQ_CONF_ENV_FILE": str(state / "none.conf"),
        "RABBITMQ_CONFIG_FILE": str(state / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(state / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(state / "mnesia"),
        "RABBITMQ_LOG_BASE": str(state / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(state / "config"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    program = Program(name="rabbitmq", command=("/usr/lib/rabbitmq/bin/rabbitmq-server",), environment=environment)
    return Service(name="rabbitmq", program=program, port="rabbitmq")


def environment(site: Site) -> Mapping[str, str]:
    """Return the environment for a release's programs."""
    configs = {
        f"OS_{project.upper()}_CONFIG_DIR": str(site.folder.home / f".{project}")
        for project in ("keystone", "placement", "glance", "nova")
    }
    return {
        **_plain(site),
        **configs,
        # The first one is the pipeline of its API, which stays where the release has it.
        "OS_NOVA_CONFIG_FILES": f"{site.software.pipelines['nova']};nova.conf",
        "PATH": f"{site.software.scripts}:{SYSTEM_PATH}",
        # Services give their processes telling names, which would overwrite the marks by which we know them.
        "SPT_NOENV": "1",
        # For the driver of Nova: what starts a worker.
        "ELASTIC_LAB": str(site.folder.root),
        "ELASTIC_PYTHON": sys.executable,
        "ELASTIC_PARENT": str(PACKAGE_PARENT),
        "PYTHONWARNINGS": "ignore",
        **site.software.variables,
    }


def _api(site: Site, name: str, path: str) -> Service:
    """Return an API under uwsgi; without the last options its clients see connections reset at random."""
    # Keystone forgets a revoked token at once in one process only.
    shape = ("3", "1") if site.software.green and name != "keystone" else ("1", "8")
    command = (
        *site.software.uwsgi,
        *("--http-socket", f"127.0.0.1:{site.memory.ports[name]}", *site.software.applications[name]),
        *("--master", "--processes", shape[0], "--threads", shape[1], "--enable-threads", "--lazy-apps", "--need-app"),
        *("--die-on-term", "--no-orphans", "--disable-logging", "--buffer-size", "65535", "--listen", "100"),
        *("--add-header", "Connection: close", "--post-buffering", "4096"),
    )
    program = Program(name=name, command=command, environment=environment(site))
    return Service(name=name, program=program, port=name, path=path)


def _stub(site: Site, name: str) -> Service:
    """Return what stands in for a service."""
    program = _own(site, name, f"elastic.lab.{name}", str(site.memory.ports[name]), str(site.folder.projects))
    return Service(name=name, program=program, port=name, path="/")


def _own(site: Site, name: str, module: str, *arguments: str) -> Program:
    environment = {**_plain(site), "PYTHONPATH": str(PACKAGE_PARENT)}
    return Program(name=name, command=(sys.executable, "-m", module, *arguments), environment=environment)


def _plain(site: Site) -> Mapping[str, str]:
    return {
        "PATH": SYSTEM_PATH,
        "HOME": str(site.folder.home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(site.folder.state / "tmp"),
        "TZ": os.environ.get("TZ", "UTC"),
        "no_proxy": "127.0.0.1,localhost",
    }
