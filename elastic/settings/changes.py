"""What differs between two settings, and what of it a running daemon can take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from elastic.settings.model import Settings

RESTART = (
    "pool",
    "folder",
    "ledger",
    "tick_jitter_seconds",
    "htcondor.collector",
    "htcondor.schedds",
    "htcondor.token_folder",
    "htcondor.query_seconds",
    "htcondor.inspect_seconds",
    "htcondor.rest_factor",
    "htcondor.same_network",
    "htcondor.drain_program",
    "cloud",
    "api",
    "recorder",
)
"""Settings, or tables of them, that are built into what a start makes: files, connections, the listening socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Paths that differ, sorted: those that a reload can apply at once, and those that need a restart."""

    at_once: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def differences(old: Settings, new: Settings) -> Differences:
    """What a reload from `old` to `new` changes. Groups are compared by name, not by their place in the file."""
    before, after = dict(_flat("", _plain(old))), dict(_flat("", _plain(new)))
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    restart = tuple(path for path in changed if any(f"{path}.".startswith(f"{part}.") for part in RESTART))
    return Differences(at_once=tuple(path for path in changed if path not in restart), restart=restart)


def _plain(settings: Settings) -> dict[str, object]:
    groups = {group.name: group.model_dump() for group in settings.groups}
    return {**{name: getattr(settings, name) for name in Settings.model_fields}, "groups": groups}


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    inside = dict(value) if isinstance(value, Mapping | BaseModel) else None
    if not inside:
        yield path, value
        return
    for name, item in inside.items():
        yield from _flat(f"{path}.{name}" if path else str(name), item)
