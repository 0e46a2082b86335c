"""What each OpenStack service is configured with, and why: INI files below the home folder that all services share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elastic.lab.folder import LabFolder, Memory, write_private
from elastic.lab.release import Software

REGION = "RegionOne"
DOMAIN = "default"
PROJECT = "service"
HOST = "lab"

Ini = Mapping[str, Mapping[str, object]]
"""Sections, and the settings in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What configurations are made from: the lab's folder, its memory, its software."""

    folder: LabFolder
    memory: Memory
    software: Software

    def url(self, name: str, path: str = "") -> str:
        """Return the address of an API."""
        return f"http://127.0.0.1:{self.memory.ports[name]}{path}"

    def database(self, name: str) -> str:
        """Return the address of a database as SQLAlchemy has it."""
        secret, port = self.memory.secrets["database"], self.memory.ports["mariadb"]
        return f"mysql+pymysql://lab:{secret}@127.0.0.1:{port}/{name}?charset=utf8mb4"

    @property
    def broker(self) -> str:
        """The address of the message broker as oslo.messaging has it."""
        return f"rabbit://lab:{self.memory.secrets['broker']}@127.0.0.1:{self.memory.ports['rabbitmq']}/"

    @property
    def service_secret(self) -> str:
        """The password of the services' users."""
        return self.memory.secrets["service"]


def write(site: Site) -> None:
    """Write every configuration file anew."""
    for project, contents in files(site).items():
        for name, text in contents.items():
            write_private(site.folder.home / f".{project}" / name, text)


def files(site: Site) -> Mapping[str, Mapping[str, str]]:
    """Return the files of each project, by name."""
    nova_settings = nova(site)
    cell0 = {**nova_settings, "database": {"connection": site.database("nova_cell0")}}
    return {
        "keystone": {"keystone.conf": ini(keystone(site))},
        "placement": {"placement.conf": ini(placement(site))},
        # Older releases look for the pipeline beside the settings.
        "glance": {
            "glance-api.conf": ini(glance(site)),
            "glance-api-paste.ini": site.software.pipelines["glance"].read_text(encoding="utf-8"),
        },
        "nova": {"nova.conf": ini(nova_settings), "cell0.conf": ini(cell0)},
        "heat": {"heat.conf": ini(heat(site))},
        "senlin": {"senlin.conf": ini(senlin(site))},
        "gnocchi": {"gnocchi.conf": ini(gnocchi(site))},
        "aodh": {"aodh.conf": ini(aodh(site))},
    }


def ini(sections: Ini) -> str:
    """Return the text of an INI file; a list is several lines of one name."""
    lines: list[str] = []
    for section, settings in sections.items():
        lines.append(f"[{section}]")
        for name, value in settings.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{name} = {str(each).lower() if isinstance(each, bool) else each}" for each in values]
        lines.append("")
    return "\n".join(lines)


def keystone(site: Site) -> Ini:
    keys = site.folder.state / "keystone"
    return {
        "database": _database(site, "keystone"),
        # The fewest rounds there are: the lab's passwords are random, and each log-in would cost 0.3 s.
        "identity": {"password_hash_rounds": 4},
        "token": {"provider": "fernet", "expiration": 86400},
        "fernet_tokens": {"key_repository": keys / "fernet"},
        "fernet_receipts": {"key_repository": keys / "fernet"},
        "credential": {"key_repository": keys / "credential"},
        # Without it every call of every API costs 0.35 s more.
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
    }


def placement(site: Site) -> Ini:
    return {
        "placement_database": _database(site, "placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _authtoken(site, "placement"),
    }


def glance(site: Site) -> Ini:
    images = site.folder.state / "glance"
    return {
        "DEFAULT": {
            "enabled_backends": "local:file",
            "enabled_import_methods": "[glance-direct]",
            "worker_self_reference_url": site.url("glance"),
        },
        "database": _database(site, "glance"),
        "glance_store": {"default_backend": "local"},
        "local": {"filesystem_store_datadir": images / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": images / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": images / "tasks"},
        "paste_deploy": {"flavor": "keystone", "config_file": site.software.pipelines["glance"]},
        "keystone_authtoken": _authtoken(site, "glance"),
    }


def nova(site: Site) -> Ini:
    state = site.folder.state / "nova"
    return {
        "DEFAULT": {
            "host": HOST,
            "my_ip": "127.0.0.1",
            "state_path": state,
            "transport_url": site.broker,
            # Found by deploy/lab/nova/compute.py, which is started in place of nova-compute.
            "compute_driver": "elastic_lab.WorkerDriver",
            "vif_plugging_is_fatal": False,
            "vif_plugging_timeout": 0,
            "reserved_host_memory_mb": 0,
            # A worker that died by itself shows as SHUTOFF after so many seconds; the default is 600.
            "sync_power_state_interval": 10,
            "report_interval": 5,
            "service_down_time": 30,
            "log_options": False,
        },
        "api": {"auth_strategy": "keystone"},
        "wsgi": {"api_paste_config": site.software.pipelines["nova"]},
        "api_database": _database(site, "nova_api"),
        "database": _database(site, "nova_cell1"),
        "quota": {"instances": 50, "cores": 200, "ram": 512 * 1024, "server_groups": 50, "key_pairs": 100},
        "conductor": {"workers": 1},
        # New hosts are found by this, instead of by a command after the first start.
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 5},
        "vnc": {"enabled": False},
        "spice": {"enabled": False},
        "oslo_concurrency": {"lock_path": state / "locks"},
        "keystone_authtoken": _authtoken(site, "nova"),
        "service_user": {"send_service_user_token": True, **_login(site, "nova")},
        "placement": {"region_name": REGION, **_login(site, "placement")},
        "neutron": {"region_name": REGION, **_login(site, "neutron")},
        "glance": {"region_name": REGION, "api_servers": site.url("glance")},
        "cinder": {"os_region_name": REGION, **_login(site, "nova")},
    }


def heat(site: Site) -> Ini:
    etc = site.software.heat
    return {
        "DEFAULT": {
            "host": HOST,
            "transport_url": site.broker,
            "num_engine_workers": 1,
            "region_name_for_services": REGION,
            "heat_metadata_server_url": site.url("heat-cfn"),
            "heat_waitcondition_server_url": site.url("heat-cfn", "/v1/waitcondition"),
            "stack_user_domain_name": "heat",
            "stack_domain_admin": "heat_domain_admin",
            "stack_domain_admin_password": site.memory.secrets["heat-domain"],
            "environment_dir": etc / "environment.d",
            "template_dir": etc / "templates",
            "auth_encryption_key": site.memory.secrets["metadata"][:32],
            "max_stacks_per_tenant": 500,
        },
        "database": _database(site, "heat"),
        "paste_deploy": {"api_paste_config": site.software.pipelines["heat"]},
        "keystone_authtoken": _authtoken(site, "heat"),
        # A trust is bound to no project: with one named here Keystone refuses it.
        "trustee": _login(site, "heat", project=False),
        "clients_keystone": {"auth_uri": site.url("keystone", "/v3")},
        "ec2authtoken": {"auth_uri": site.url("keystone", "/v3")},
        "heat_api": {"workers": 1},
        "yaql": {"limit_iterators": 10000},
    }


def senlin(site: Site) -> Ini:
    return {
        "DEFAULT": {
            "host": HOST,
            "transport_url": site.broker,
            "default_region_name": REGION,
            "periodic_interval": 10,
            "max_nodes_per_cluster": 1000,
        },
        # Zed's leaves connections to the garbage collector, and stands still once it has as many as it may have: it may
        # have any number, which takes both of these.
        "database": {**_database(site, "senlin"), "max_pool_size": 0, "max_overflow": -1},
        "keystone_authtoken": _authtoken(site, "senlin"),
        "authentication": {
            "auth_url": site.url("keystone", "/v3"),
            "service_username": "senlin",
            "service_password": site.service_secret,
            "service_project_name": PROJECT,
        },
        "senlin_api": {
            "bind_host": "127.0.0.1",
            "bind_port": site.memory.ports["senlin"],
            "workers": 1,
            "api_paste_config": site.software.pipelines["senlin"],
        },
        "conductor": {"workers": 1},
        "engine": {"workers": 1},
        "health_manager": {"workers": 1},
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_concurrency": {"lock_path": site.folder.state / "senlin"},
    }


def gnocchi(site: Site) -> Ini:
    state = site.folder.state / "gnocchi"
    return {
        "DEFAULT": {"coordination_url": f"file://{state / 'coordination'}"},
        "api": {"auth_mode": "keystone"},
        "indexer": {"url": site.database("gnocchi")},
        "storage": {"driver": "file", "file_basepath": state / "storage"},
        "incoming": {"driver": "file", "file_basepath": state / "incoming"},
        # Measures are to be seen after a second; with more than 8 sacks metricd would burn a core for that.
        "metricd": {"workers": 1, "metric_processing_delay": 1, "metric_cleanup_delay": 60},
        "keystone_authtoken": _authtoken(site, "gnocchi"),
    }


def aodh(site: Site) -> Ini:
    return {
        "DEFAULT": {"transport_url": site.broker, "evaluation_interval": 10},
        "api": {"auth_mode": "keystone"},
        "database": _database(site, "aodh"),
        "evaluator": {"workers": 1},
        "notifier": {"workers": 1},
        "keystone_authtoken": _authtoken(site, "aodh"),
        "service_credentials": {**_login(site, "aodh"), "region_name": REGION, "interface": "public"},
    }


def databases() -> Iterable[str]:
    """Return the names of all databases."""
    return (
        "keystone",
        "nova_api",
        "nova_cell0",
        "nova_cell1",
        "placement",
        "glance",
        "heat",
        "senlin",
        "gnocchi",
        "aodh",
    )


def users() -> Iterable[str]:
    """Return the names of the services' users; `ceilometer` is the meter's."""
    return ("placement", "glance", "nova", "neutron", "heat", "senlin", "gnocchi", "aodh", "ceilometer")


def _database(site: Site, name: str) -> Mapping[str, object]:
    return {"connection": site.database(name), "max_pool_size": 5, "max_overflow": 20, "connection_recycle_time": 300}


def _login(site: Site, user: str, *, project: bool = True) -> Mapping[str, object]:
    scope = {"project_domain_id": DOMAIN, "project_name": PROJECT} if project else {}
    return {
        "auth_type": "password",
        "auth_url": site.url("keystone", "/v3"),
        "username": user,
        "password": site.service_secret,
        "user_domain_id": DOMAIN,
        **scope,
    }


def _authtoken(site: Site, user: str) -> Mapping[str, object]:
    return {
        "www_authenticate_uri": site.url("keystone", "/v3"),
        "service_token_roles": "service",
        "service_token_roles_required": True,
        **_login(site, user),
    }
