"""Settings of one worker group, each with the reason for its default under it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic.settings.schedules import ScheduleSettings
from elastic.settings.section import Count, Fraction, Name, Seconds, Section


class ShapeSettings(Section):
    """An amount of each resource, of a worker or kept back on it."""

    cpus: Count = 1
    """Cores; the smallest flavor that clouds offer."""
    memory_mb: Count = 2048
    """As the smallest flavors have for a core."""
    disk_mb: Count = 10240
    """As the smallest flavors have."""
    gpus: Count = 0
    """Most workers have none."""

    def resources(self) -> Resources:
        """As the core counts them."""
        return Resources(self.cpus, self.memory_mb, self.disk_mb, self.gpus)


class ReserveSettings(ShapeSettings):
    """What the operating system of a worker keeps for itself."""

    cpus: Count = 0
    """The system's own load is small, and HTCondor offers every core."""
    memory_mb: Count = 256
    """What a plain Debian with a startd uses; too little here and a job may not fit where it was promised room."""
    disk_mb: Count = 1024
    """System and logs, less what the image brings along."""


class GroupSettings(Section):
    """One worker group: workers of one shape, with limits."""

    name: Name
    """Part of every worker's name: lower case letters, digits and hyphens."""
    maximum: Count
    """Workers at most. No default: only the operator knows what the project may cost."""
    minimum: Count = 0
    """Workers at least; an empty pool costs nothing and the first job waits one boot."""
    shape: ShapeSettings = ShapeSettings()
    """What a worker offers until the first one has joined; then its own machine ad says it."""
    reserve: ReserveSettings = ReserveSettings()
    """What is taken off `shape` for the system until the first worker has joined."""
    priority: int = 0
    """Groups with a higher one are asked first; equal by default, so that cost and name decide."""
    cost_per_hour: Annotated[float, Field(ge=0)] = 1.0
    """Any currency: it only ranks groups against each other."""
    policy: str = ""
    """Empty: the policy named in `[policy]`."""
    policy_parameters: Mapping[str, object] = {}
    """Over those in `[policy.parameters]`; empty, as most groups follow the pool's."""
    launch_seconds: Seconds = 120.0
    """From asking for a server to seeing it listed; clouds list one in seconds, so 2 minutes mean that it was lost."""
    boot_seconds: Seconds = 600.0
    """From listed to active; a slow image copy takes 5 minutes, twice that is a failure."""
    join_seconds: Seconds = 900.0
    """From active to the first machine ad, at least; grows by itself to 1.5 x the p99 of the joins seen."""
    join_seconds_cap: Seconds = 2400.0
    """Where that growth ends: beyond 40 minutes a worker is broken, however slow the others are."""
    lost_seconds: Seconds = 3600.0
    """How long a silent worker may come back: longer than a job lease, so that no job is on it any more."""
    idle_seconds: Seconds = 900.0
    """Idle for so long before a drain; boots cost minutes, and the next jobs often come within a quarter of an hour.
    Never less than twice the p95 of the join times seen."""
    validation_seconds: Seconds = 15.0
    """Between a drain and the second look before deletion; longer than a restarted startd takes to forget it (14 s)."""
    job_lease_seconds: Seconds = 2400.0
    """HTCondor's default JobLeaseDuration: before that a vanished worker may still run its job."""
    drain_fraction: Fraction = 0.10
    """Of the workers draining at once, at least one: a wrong decision is seen before it has cost the pool."""
    boots_start: Annotated[int, Field(ge=1)] = 10
    """Boots in flight at first; doubles when so many have joined, halves on a failure."""
    boots_cap: Annotated[int, Field(ge=1)] = 100
    """Where the doubling ends: more at once stresses the image store and the cloud's scheduler."""
    scale_down_window_seconds: Seconds = 300.0
    """The highest target of these last 5 minutes holds: short lulls between bursts do not shrink the group."""
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    """Failed boots in a row that open the breaker: fewer happen by chance."""
    breaker_young_seconds: Seconds = 600.0
    """A worker that dies sooner after its join counts as a failed boot: the image or the network is wrong."""
    breaker_backoff_seconds: Seconds = 300.0
    """Until the first canary: long enough for a passing fault of the cloud to end."""
    breaker_backoff_cap_seconds: Seconds = 1800.0
    """Between canaries at most: half an hour is how long a mended cloud may stay unused."""
    error_backoff_seconds: Seconds = 30.0
    """After the first refused launch (no capacity, quota): one tick."""
    error_backoff_cap_seconds: Seconds = 900.0
    """After many refusals: a quarter of an hour loses little when capacity is back."""
    removal_backoff_seconds: Seconds = 300.0
    """A worker that could not be switched off is passed over for so long; doubles: others may go in its place."""
    removal_backoff_cap_seconds: Seconds = 1800.0
    """Where that doubling ends: half an hour is how long a mended worker may stay unneeded."""
    black_hole_starts: Annotated[int, Field(ge=2)] = 5
    """Failed starts in a row, from two clusters or more, that quarantine a worker: one bad submit is not enough."""
    delete_repeat_seconds: Seconds = 60.0
    """A deletion that has not happened is asked for again after so long: most clouds take less than a minute."""
    lost_counted_seconds: Seconds = 300.0
    """A silent worker still counts for so long: a collector restart must not buy a second pool."""
    template_trial_seconds: Seconds = 86400.0
    """Jobs that would fit a worker as configured, but not as last seen, get one to try it, at most once a day."""
    plain_attributes: Mapping[str, str] = {}
    """ClassAd expressions by attribute name that a worker will have: software, a container runtime. Until the first one
    has joined, jobs that ask for them fit only what is named here (`HasSingularity = "true"`)."""
    options: Mapping[str, str] = {}
    """What the cloud needs to know (flavor, image, network ...); each cloud names its own."""

    schedules: tuple[ScheduleSettings, ...] = ()
    """Other limits at certain hours; empty, as most groups follow their queue at all of them."""

    def spec(self, *, policy: str, ad_lifetime_seconds: float) -> GroupSpec:
        """The group as the core knows it; `policy` is the pool's, taken where the group names none."""
        same = {name: getattr(self, name) for name in type(self).model_fields if name not in SHAPED}
        return GroupSpec(
            shape=self.shape.resources(),
            reserve=self.reserve.resources(),
            policy=self.policy or policy,
            ad_lifetime_seconds=ad_lifetime_seconds,
            schedules=tuple(one.schedule() for one in self.schedules),
            **same,
        )


SHAPED = frozenset({"shape", "reserve", "policy", "policy_parameters", "schedules"})
"""Fields that the core has in another form, or not at all."""
