"""The record of one tick, whole and comparable, and its JSON form; writing it anywhere is the recorder's job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum

from elastic.core.actions import Action, ActionResult, Refusal
from elastic.core.memory import Event
from elastic.core.model import Snapshot
from elastic.core.policy import Target

type_name = "kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, what was wanted and is not done, and when to look again (seconds since the epoch)."""

    actions: tuple[Action, ...] = ()
    targets: Mapping[str, Target] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    next_wake: float = 0.0
    wake_reason: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRecord:
    """Everything that one tick saw, decided and did. Equal records mean equal decisions.

    `durations` are seconds by stage.
    """

    tick: int
    now: float
    snapshot: Snapshot
    proposal: Mapping[str, Target]
    targets: Mapping[str, Target]
    plan: Plan
    results: tuple[ActionResult, ...] = ()
    events: tuple[Event, ...] = ()
    mode: str = "act"
    durations: Mapping[str, float] = field(default_factory=dict, compare=False)


LEFT_OUT = frozenset({"workers_", "record", "memory", "options", "schedules", "console", "ad", "cores"})
"""Fields that a record does not repeat each tick: what they hold is in the ledger."""


def to_json(record: TickRecord) -> str:
    """The record as one line of JSON, keys sorted; workers are given by count, not one by one."""
    return json.dumps(plain(record), sort_keys=True, separators=(",", ":"))


def plain(value: object) -> object:
    """A value as JSON types: dataclasses become objects (actions with their kind), tuples lists, enums their value."""
    match value:
        case Enum():
            return value.value
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            named = {f.name: plain(getattr(value, f.name)) for f in fields(value) if _kept(value, f.name)}
            return {type_name: type(value).__name__, **named} if isinstance(value, Action) else named
        case _:
            return str(value)


def _kept(owner: object, name: str) -> bool:
    return name not in LEFT_OUT and not (name == "workers" and type(owner).__name__ == "WorkerGroup")
