"""What a new server is told: the cloud-init user data that turns a stock image into a worker of the pool."""

import base64
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from elastic.local.userdata import UserData

HEADER = "## template: jinja\n#cloud-config\n"
"""The first line has cloud-init fill in {{ v1.instance_id }}, the cloud's own id of the server."""
INSTANCE_ID = "{{ v1.instance_id }}"
FOLDER = "/etc/condor"
FRAGMENT = "60-elastic-worker.conf"
IDENTITY = "70-elastic-identity.conf"
SCRIPT = "/usr/local/sbin/elastic-enrol"
WISH = "/etc/elastic/enrol.json"
RENEWAL = "/etc/elastic/renew.json"
RENEWS = "elastic-renew.timer"
WAITS = "/etc/systemd/system/condor.service.d/60-elastic.conf"
_BEGINS = re.compile(r"{(?=[{%#])")
"""A brace of HTCondor's own that Jinja would take for one of its."""
LONGEST_BYTES = 65535
"""Nova takes no longer user data, counted in base64."""


def cloud_config(wanted: UserData, *, trust_domain: str, own_token: str, packages: bool) -> str:
    """The user data of one worker, as text; `own_token` is by what its daemons know each other.

    Secrets are files that only root reads. The master is restarted last, when all of them are there. A worker that
    enrols fetches them first, and HTCondor is not started without.
    """
    written = [_file(f"{FOLDER}/config.d/{FRAGMENT}", _encoded(fragment()), "0644")]
    # In plain text, because cloud-init fills in the id before it decodes anything.
    identity = {"path": f"{FOLDER}/config.d/{IDENTITY}", "permissions": "0644"}
    written.append({**identity, "content": _identity(wanted, trust_domain)})
    written += _enrolment(wanted) if wanted.enrol_url else _secrets(wanted, own_token)
    written += _renewal(wanted) if wanted.renew_url else []
    if wanted.enrol_url or wanted.renew_url:
        written.append(_program())
    first = [["systemctl", "daemon-reload"], ["python3", SCRIPT, WISH]] if wanted.enrol_url else []
    last = [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", RENEWS]] if wanted.renew_url else []
    config: dict[str, Any] = {
        "write_files": written,
        "runcmd": [*first, ["systemctl", "enable", "condor"], ["systemctl", "restart", "condor"], *last],
    }
    if packages:
        # Configuration first, packages then: whatever the package writes never runs without ours.
        config |= {"package_update": True, "packages": ["condor"]}
    # JSON is YAML, and leaves nothing to a writer's taste.
    return HEADER + json.dumps(config, indent=1) + "\n"


def _secrets(wanted: UserData, own_token: str) -> list[Mapping[str, str]]:
    secrets = {
        f"passwords.d/{wanted.signing_key_id}": base64.b64encode(wanted.signing_key).decode(),
        "tokens.d/pool": _encoded(wanted.token),
        "tokens.d/own": _encoded(own_token),
    }
    return [_file(f"{FOLDER}/{name}", content, "0600") for name, content in secrets.items()]


def _enrolment(wanted: UserData) -> list[Mapping[str, str]]:
    """The program that fetches credentials, what it is to ask, and that HTCondor waits for it."""
    wish = {
        "url": wanted.enrol_url,
        "group": wanted.enrol_group,
        "secret": wanted.enrol_secret,
        "server_id": INSTANCE_ID,
        "ca": wanted.enrol_ca,
    }
    waits = f"[Unit]\nConditionPathExists={FOLDER}/tokens.d/pool\n"
    return [
        {"path": WISH, "permissions": "0600", "content": json.dumps(wish)},
        _file(WAITS, _encoded(waits), "0644"),
    ]


def _renewal(wanted: UserData) -> list[Mapping[str, str]]:
    """Where a fresh token is fetched, and the timer that looks each hour whether one is due."""
    wish = json.dumps({"url": wanted.renew_url, "ca": wanted.enrol_ca})
    service = f"[Service]\nType=oneshot\nExecStart=/usr/bin/python3 {SCRIPT} --renew {RENEWAL}\n"
    timer = "[Timer]\nOnActiveSec=10min\nOnUnitInactiveSec=1h\nRandomizedDelaySec=10min\n"
    units = {RENEWS.replace(".timer", ".service"): service, RENEWS: f"{timer}[Install]\nWantedBy=timers.target\n"}
    return [
        _file(RENEWAL, _encoded(wish), "0600"),
        *(_file(f"/etc/systemd/system/{name}", _encoded(text), "0644") for name, text in units.items()),
    ]


def _program() -> Mapping[str, str]:
    return _file(SCRIPT, _encoded(files("elastic.local").joinpath("boot.py").read_text(encoding="utf-8")), "0755")


def fragment() -> str:
    """The worker's part of `condor-config`, as shipped."""
    return files("elastic.adapters.openstack").joinpath(FRAGMENT).read_text(encoding="utf-8")


def encoded(text: str) -> str:
    """User data as Nova takes it; ValueError when it is too long."""
    found = base64.b64encode(text.encode()).decode()
    if len(found) > LONGEST_BYTES:
        raise ValueError(f"the user data has {len(found)} bytes in base64, Nova takes {LONGEST_BYTES}")
    return found


def _identity(wanted: UserData, trust_domain: str) -> str:
    named = {
        "CONDOR_HOST": wanted.collector.rpartition(":")[0] or wanted.collector,
        "COLLECTOR_HOST": wanted.collector,
        "TRUST_DOMAIN": trust_domain,
        "UID_DOMAIN": trust_domain,
        "ELASTIC_WORKER": wanted.attributes["ElasticWorker"],
        "ELASTIC_GROUP": wanted.attributes["ElasticGroup"],
        "ELASTIC_POOL": wanted.attributes["ElasticPool"],
        "ELASTIC_SERVER_ID": INSTANCE_ID,
        **{name: _BEGINS.sub("{{ '{' }}", value) for name, value in wanted.config.items()},
    }
    return "".join(f"{name} = {value}\n" for name, value in named.items())


def _file(path: str, content: str, permissions: str) -> Mapping[str, str]:
    return {"path": path, "permissions": permissions, "encoding": "b64", "content": content}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
