"""One worker group and its queue at one instant, as a plain value: where a simulation may begin."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

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


def state_of(record: Recorded, group: str = "") -> State:
    """The state of this group, or of the only one; SimulationError when it is not there or not the only one."""
    groups = record.snapshot.groups
    name = group or (next(iter(groups)) if len(groups) == 1 else "")
    if name not in groups:
        known = ", ".join(groups) or "none"
        raise SimulationError(f"no group '{name}' there; known: {known}" if name else f"--group must be one of {known}")
    seen = groups[name]
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
    )


def plain(state: State) -> Mapping[str, object]:
    """As JSON types, for a manifest."""
    return asdict(state)


def from_plain(raw: Mapping[str, object]) -> State:
    """What `plain` made plain; SimulationError when it is something else."""
    try:
        return State(**{item.name: raw[item.name] for item in fields(State)})  # type: ignore[arg-type]
    except KeyError as error:
        raise SimulationError(f"no state of a daemon: {error} is missing in it") from error
