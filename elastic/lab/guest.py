"""What cloud-init would do in a server: read its user data, fill in what it knows of itself, find the worker."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

WORKER_FILE = "/etc/elastic/worker.toml"
CLOUD_CONFIG = "#cloud-config"
_FIELD = re.compile(r"{{\s*(?:ds\.meta_data|v1)\.(\w+)\s*}}")


def worker(user_data: str, server: Mapping[str, object]) -> str:
    """Return the worker launcher's file that this user data holds; raise ValueError that says why it holds none.

    User data is that file itself, or cloud-config in which `write_files` has it as /etc/elastic/worker.toml. As with
    cloud-init, `{{ v1.instance_id }}` and `{{ v1.local_hostname }}` (or `ds.meta_data...`) stand for the server's own,
    so that the members of a group, which share their user data, still differ.
    """
    text = _content(_FIELD.sub(lambda found: _field(found[1], server), user_data))
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"no worker: {error}") from error
    return text


def _field(name: str, server: Mapping[str, object]) -> str:
    fields = {
        "instance_id": server["id"],
        "uuid": server["id"],
        "local_hostname": server["hostname"],
        "hostname": server["hostname"],
        "name": server["hostname"],
    }
    try:
        return str(fields[name])
    except KeyError:
        raise ValueError(f"unknown field {name}; known: {', '.join(sorted(fields))}") from None


def _content(user_data: str) -> str:
    lines = user_data.lstrip().splitlines()
    if not any(line.startswith(CLOUD_CONFIG) for line in lines[:2]):
        return user_data
    import yaml  # noqa: PLC0415  Nova's environment has it, ours need not

    try:
        found = yaml.safe_load(user_data) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"cloud-config: {error}") from error
    for file in found.get("write_files", ()):
        if file.get("path") == WORKER_FILE:
            return str(file.get("content", ""))
    raise ValueError(f"cloud-config without a file {WORKER_FILE}")
