"""The small TOML file that tells one worker all it needs to join a pool: elastic writes it, the launcher reads it."""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from elastic.local.errors import LocalError

SERVER_ID = "{server_id}"
"""Where members of a group share their user data, this stands for the id of the very server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserData:
    """What one worker is to be; `attributes` (strings) go into its machine ad, `config` into its configuration.

    `token` lets it advertise itself; `signing_key` is its own (not the pool's), by which it knows who may drain it.
    With `enrol_url` all three are empty, and it fetches its own there at its first boot. With `renew_url` its token
    ends, and it fetches a fresh one there at half its life; `enrol_ca` is for both.
    """

    name: str
    collector: str
    token: str = ""
    signing_key: bytes = b""
    signing_key_id: str = ""
    cpus: int = 1
    memory_mb: int = 1024
    disk_mb: int = 1024
    gpus: int = 0
    boot_delay_seconds: float = 0.0
    enrol_url: str = ""
    enrol_group: str = ""
    enrol_secret: str = ""
    enrol_ca: str = ""
    renew_url: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)

    def of(self, server_id: str) -> UserData:
        """The same with `server_id` wherever SERVER_ID stands in the name and the attributes."""
        attributes = {name: value.replace(SERVER_ID, server_id) for name, value in self.attributes.items()}
        return replace(self, name=self.name.replace(SERVER_ID, server_id), attributes=attributes)

    def to_toml(self) -> str:
        """Return the file's text."""
        flat = {name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS)}
        flat |= {name: getattr(self, name) for name in _ENROLS if getattr(self, name)}
        flat["signing_key"] = base64.b64encode(self.signing_key).decode()
        lines = [f"{name} = {_toml(value)}" for name, value in flat.items()]
        for table in _TABLES:
            content: Mapping[str, str] = getattr(self, table)
            lines += [
                "",
                f"[{table}]",
                *(f"{_toml(name)} = {_toml(value)}" for name, value in content.items()),
            ]
        return "\n".join(lines) + "\n"


_TEXTS = ("name", "collector", "token", "signing_key_id")
_ENROLS = ("enrol_url", "enrol_group", "enrol_secret", "enrol_ca", "renew_url")
_NUMBERS = ("cpus", "memory_mb", "disk_mb", "gpus", "boot_delay_seconds")
_TABLES = ("attributes", "config")


def parse(text: str) -> UserData:
    """Read the file's text; raise LocalError that names everything wrong with it."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LocalError(f"user data is not TOML: {error}") from error
    known = {item.name for item in fields(UserData)}
    wrong = [f"unknown key {name}" for name in sorted(content.keys() - known)]
    wrong += [f"{name} must be text" for name in (*_TEXTS, "signing_key") if not isinstance(content.get(name), str)]
    wrong += [f"{name} must be text" for name in _ENROLS if not isinstance(content.get(name, ""), str)]
    wrong += [f"{name} must be a number" for name in _NUMBERS if not isinstance(content.get(name, 0), int | float)]
    wrong += [f"{name} must be a table" for name in _TABLES if not isinstance(content.get(name, {}), dict)]
    if not wrong:
        try:
            content["signing_key"] = base64.b64decode(content["signing_key"], validate=True)
        except ValueError:
            wrong.append("signing_key must be base64")
    if wrong:
        raise LocalError(f"user data: {'; '.join(wrong)}")
    return UserData(**content)


def _toml(value: str | float) -> str:
    """Write a text or number; a TOML basic string is a JSON one without surrogate pairs, and with DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
