"""One worker group and its queue at one instant, as a plain value: where a simulation may begin."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace

from elastic_simulations.errors import SimulationError
from elastic_simulations.replaying.records import Recorded

DEFAULT_BOOT_SECONDS = 234.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`at` is in seconds since the epoch; workers and jobs are counted, `slots` are the cores of a worker.

    Ready workers are those that take jobs; those that drain or are lost are left out. `waiting` and `running` jobs are
    the group's own. `boot_seconds` is how long its boots took of late (P95).
    """

    group: str
    at: float
    ready: int
    upcoming: int
    running: int
    waiting: int
    slots: int
    minimum: int
    maximum: int
    policy: str
    idle_seconds: float
    boot_seconds: float
    priority: int = 0
    cost_per_hour: float = 1.0


def states_of(record: Recorded, group: str = "") -> tuple[State, ...]:
    """The states of all groups, sorted by name, or of this one; SimulationError when it is not there."""
    groups = record.snapshot.groups
    if not groups or group not in {"", *groups}:
        raise SimulationError(f"no group '{group}' there; known: {', '.join(groups) or 'none'}")
    return tuple(_state(record, name) for name in sorted(groups) if group in {"", name})


def together(states: Sequence[State]) -> State:
    """What all groups have and do, as if they were one."""
    sums = {name: sum(getattr(one, name) for one in states) for name in ("ready", "upcoming", "running", "waiting")}
    return replace(states[0], group=", ".join(one.group for one in states), **sums)


def _state(record: Recorded, name: str) -> State:
    seen = record.snapshot.groups[name]
    return State(
        group=name,
        at=record.now,
        ready=seen.ready,
        upcoming=seen.upcoming,
        running=seen.demand.running_jobs,
        waiting=seen.demand.waiting_jobs,
        slots=max(1, seen.spec.shape.cpus),
        minimum=seen.spec.minimum,
        maximum=seen.spec.maximum,
        policy=seen.spec.policy,
        idle_seconds=seen.spec.idle_seconds,
        boot_seconds=seen.join_p95_seconds or DEFAULT_BOOT_SECONDS,
        priority=seen.spec.priority,
        cost_per_hour=seen.spec.cost_per_hour,
    )


def plain(states: Sequence[State]) -> Mapping[str, object]:
    """As JSON types, for a manifest: the fields of the only group, or all groups in a list."""
    return asdict(states[0]) if len(states) == 1 else {"groups": [asdict(one) for one in states]}


def from_plain(raw: Mapping[str, object]) -> tuple[State, ...]:
    """What `plain` made plain; SimulationError for anything else."""
    groups = raw.get("groups", [raw])
    try:
        return tuple(_from_plain(one) for one in (groups if isinstance(groups, list) else ()))
    except (KeyError, TypeError) as error:
        raise SimulationError(f"no state of a daemon: {error} is missing in it") from error


def _from_plain(raw: Mapping[str, object]) -> State:
    wanted = [item.name for item in fields(State) if item.name in raw or item.default is MISSING]
    return State(**{name: raw[name] for name in wanted})  # type: ignore[arg-type]
