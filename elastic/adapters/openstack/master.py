"""What the master of a new grid is told: cloud-init user data that turns a stock image into a central manager."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from elastic.core.resources import Resources
from elastic.local import tokens

FRAGMENT = "60-elastic-central-manager.conf"
IDENTITY = "50-elastic-identity.conf"
"""Read before the fragment, which adds to its lists of who may do what."""
CONDOR, ELASTIC = "/etc/condor", "/etc/elastic"
ADDRESS, NETWORK, SECURITY_GROUP = "@ELASTIC_ADDRESS@", "@ELASTIC_NETWORK@", "@ELASTIC_SECURITY_GROUP@"
READY = "@ELASTIC_READY@"
"""What Heat fills in: the master's address, ids of the private network and of the workers' security group, and the
command that says that the master is ready."""
READY_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPlan:
    """What a grid's master and its daemon's settings are made from; `shape` is what the workers' flavor has.

    `domain` is the TRUST_DOMAIN of its pool.
    """

    name: str
    domain: str
    maximum: int
    image: str
    flavor: str
    shape: Resources


def master_user_data(plan: GridPlan) -> str:
    """The user data of a central manager with a pool key of its own, new each time: secrets are files of root's."""
    key = tokens.new_signing_key()
    now, domain = time.time(), plan.domain

    def token(user: str) -> str:
        subject = f"{user}@{domain}"
        return tokens.mint(key, key_id=tokens.POOL_KEY_ID, domain=domain, subject=subject, issued_at=now)

    written = [
        _file(f"{CONDOR}/config.d/{FRAGMENT}", fragment(), "0644"),
        _file(f"{CONDOR}/config.d/{IDENTITY}", identity(plan), "0644"),
        _file(f"{CONDOR}/passwords.d/POOL", key, "0600"),
        _file(f"{CONDOR}/tokens.d/condor", token("condor"), "0600"),
        _file(f"{ELASTIC}/tokens.d/elastic", token("elastic"), "0600"),
        # In plain text: Heat fills in the addresses.
        {"path": f"{ELASTIC}/elastic.toml", "permissions": "0644", "content": settings(plan)},
    ]
    config = {
        "package_update": True,
        "packages": ["condor", "curl"],
        "write_files": written,
        "runcmd": [
            ["systemctl", "enable", "condor"],
            ["systemctl", "restart", "condor"],
            ["sh", "-c", _announce()],
        ],
    }
    # JSON is YAML, and leaves nothing to a writer's taste.
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def identity(plan: GridPlan) -> str:
    """What only this master's daemons are told; whom no list names may do nothing."""
    daemons, sessions = f"condor@{plan.domain} condor@password", "execute-side@matchsession submit-side@matchsession"
    users = f"*@{plan.domain}"
    lines = {
        "CONDOR_HOST": "$(IP_ADDRESS)",
        "TRUST_DOMAIN": plan.domain,
        "UID_DOMAIN": plan.domain,
        # The workers' own: who is in it connects to them at once, and asks for no call back.
        "PRIVATE_NETWORK_NAME": f"elastic-{plan.name}",
        "DAEMON_LIST": "MASTER COLLECTOR NEGOTIATOR SCHEDD",
        "SEC_DEFAULT_AUTHENTICATION_METHODS": "IDTOKENS",
        "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
        # Every user of the pool has a token of its key; workers' tokens are good for less than this, by their scopes.
        "ALLOW_READ": f"{users} {daemons} {sessions}",
        "ALLOW_WRITE": f"{users} {daemons} {sessions}",
        "ALLOW_DAEMON": f"{daemons} {sessions}",
        "ALLOW_NEGOTIATOR": daemons,
        "ALLOW_ADMINISTRATOR": daemons,
        "ALLOW_ADVERTISE_SCHEDD": daemons,
        "ALLOW_ADVERTISE_STARTD": daemons,
        "ALLOW_ADVERTISE_MASTER": daemons,
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def settings(plan: GridPlan) -> str:
    """The settings of the daemon on the master; what is missing is a clouds.yaml with a cloud named grid."""
    shape = plan.shape
    return f"""\
pool = {_text(plan.name)}

[htcondor]
collector = "127.0.0.1"
token_folder = "{ELASTIC}/tokens.d"

[cloud]
kind = "openstack"

[cloud.options]
cloud = "grid"
clouds_file = "{ELASTIC}/clouds.yaml"
trust_domain = {_text(plan.domain)}
collector = "{ADDRESS}:9618"
# For members of a stack or cluster, which get their keys from the daemon; `enrol_host` below lets them.
enrol_url = "http://{ADDRESS}:9681"

[api]
# Without TLS: the network is the grid's own, and its security groups let nobody else in.
#enrol_host = "{ADDRESS}"

[[groups]]
name = "small"
maximum = {plan.maximum}
shape = {{ cpus = {shape.cpus}, memory_mb = {shape.memory_mb}, disk_mb = {shape.disk_mb} }}

[groups.options]
image = {_text(plan.image)}
flavor = {_text(plan.flavor)}
networks = "{NETWORK}"
security_groups = "{SECURITY_GROUP}"
"""


def fragment() -> str:
    """The central manager's part of `condor-config`, as shipped."""
    return files("elastic.adapters.openstack").joinpath(FRAGMENT).read_text(encoding="utf-8")


def _announce() -> str:
    """Wait until the collector answers, then say so to Heat; say what failed else, so that nobody waits for nothing."""
    asked = f"timeout {READY_SECONDS} sh -c 'until condor_status -collector >/dev/null 2>&1; do sleep 2; done'"
    said = '{"status": "%s", "reason": "%s"}'
    good, bad = said % ("SUCCESS", "the collector answers"), said % ("FAILURE", "the collector does not answer")
    return f"if {asked}; then {READY} --data-binary '{good}'; else {READY} --data-binary '{bad}'; fi"


def _file(path: str, content: str | bytes, permissions: str) -> Mapping[str, Any]:
    raw = content.encode() if isinstance(content, str) else content
    encoded = base64.b64encode(raw).decode()
    return {"path": path, "permissions": permissions, "encoding": "b64", "content": encoded}


def _text(value: str) -> str:
    return json.dumps(value)
