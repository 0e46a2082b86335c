"""What one elastic run is given: group, site, policy, and how its workers boot, fill and go."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.policy import Policy
from elastic.core.resources import Resources
from elastic_simulations.draws import Constant, Distribution
from elastic_simulations.estimates import NOISE
from elastic_simulations.fast.orders import DEFAULT, MANY

GIVE_UP_TICKS = 1500
"""More than a day of them, a minute apart."""

SCHEDULES_REPEAT_SECONDS = 8 * 86_400.0
"""After a week every schedule has had its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """One worker group, the policy that its name stands for, and how long its workers boot."""

    group: GroupSpec
    policy: Policy
    boot_seconds: Distribution = field(default_factory=lambda: Constant(234.0))

    @property
    def offers(self) -> Resources:
        """What a worker has for jobs."""
        return self.group.shape.less(self.group.reserve)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticSpec:
    """One group of workers with `slots` cores each, under one policy.

    `boot_seconds` runs from the request to ready. `cancels` lets servers that are still booting be deleted.
    `at_once` deletes a worker in the moment in which it is drained; else it is validated as the group says, and is in
    the way of its group's maximum until it was found gone. `learns` stretches deadlines to the join times seen, as
    the daemon does. `metered` gives policies the mean CPU load of the last minute, as telemetry does; else that of
    the moment. `skips_quiet` leaves out ticks at which nothing can be decided that was not decided before; `on_events`
    decides after every event instead of by the clock.

    `more` are further groups; jobs go to them as the planner asks for them: by priority, cost, name. `shaped` looks at
    the memory, disk and gpus of jobs (none where the trace does not say) beside their cores. `estimates` is what
    policies are told of how long jobs run: "" = nothing, or a kind of `elastic_simulations.estimates`. `epoch` is the
    second of the wall clock at which the trace's time 0 lies; schedules go by it.
    """

    group: GroupSpec
    policy: Policy
    slots: int = 1
    site: SiteSpec = field(default_factory=lambda: SiteSpec(tick_seconds=60.0))
    boot_seconds: Distribution = field(default_factory=lambda: Constant(234.0))
    order: str = DEFAULT
    seed: int = 0
    cancels: bool = False
    at_once: bool = True
    learns: bool = False
    metered: bool = False
    skips_quiet: bool = False
    on_events: bool = False
    more: tuple[Workers, ...] = ()
    shaped: bool = False
    estimates: str = ""
    estimate_noise: float = NOISE
    epoch: float = 0.0

    @property
    def wide(self) -> bool:
        """Whether this takes the pool for all kinds of jobs and groups."""
        return self.shaped or bool(self.more)

    @property
    def patience(self) -> int:
        """Ticks in a row at which nothing is pending and nothing is done: after these it will stay so."""
        return patient(self.site, (one.group for one in self.workers))

    @property
    def workers(self) -> tuple[Workers, ...]:
        """All groups."""
        return (Workers(group=self.group, policy=self.policy, boot_seconds=self.boot_seconds), *self.more)


def patient(site: SiteSpec, groups: Iterable[GroupSpec]) -> int:
    """Ticks after which a world that stands still is given up."""
    if not any(group.schedules for group in groups):
        return GIVE_UP_TICKS
    return max(GIVE_UP_TICKS, ceil(SCHEDULES_REPEAT_SECONDS / site.tick_seconds))


def reference_group(
    *, policy: str = "backlog", minimum: int = 0, maximum: int = MANY, slots: int = 1, idle_seconds: float = 600.0
) -> GroupSpec:
    """A group without any guardrail but its limits: what published results and other simulators assume."""
    return GroupSpec(
        name="workers",
        policy=policy,
        minimum=minimum,
        maximum=maximum,
        shape=Resources(slots, 0, 0, 0),
        reserve=Resources(),
        idle_seconds=idle_seconds,
        validation_seconds=0.0,
        scale_down_window_seconds=0.0,
        drain_fraction=1.0,
        boots_start=MANY,
        boots_cap=MANY,
    )
