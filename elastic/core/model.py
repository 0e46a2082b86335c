"""What is known at one instant, joined and counted: the Snapshot that policies, guardrails and the planner read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, GroupMemory, WorkerRecord
from elastic.core.observation import Alarm, Server
from elastic.core.override import Override
from elastic.core.resources import NOTHING, Resources
from elastic.core.schedules import NOTHING_ASKED, InForce, Schedule
from elastic.core.uses import UNMEASURED, Use

# Looked up once: these are asked for several times at each tick of a simulation.
_REQUESTED, _BOOTING, _JOINING, _READY, _GONE = (
    Phase.REQUESTED, Phase.BOOTING, Phase.JOINING, Phase.READY, Phase.GONE
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """One worker group as the operator configured it.

    All times in seconds, reasons for the defaults in the settings.
    """

    name: str
    maximum: int
    minimum: int = 0
    shape: Resources = Resources(1, 2048, 10240, 0)
    reserve: Resources = Resources(0, 256, 1024, 0)
    priority: int = 0
    cost_per_hour: float = 1.0
    policy: str = ""
    launch_seconds: float = 120.0
    boot_seconds: float = 600.0
    join_seconds: float = 900.0
    join_seconds_cap: float = 2400.0
    lost_seconds: float = 3600.0
    idle_seconds: float = 900.0
    validation_seconds: float = 15.0
    job_lease_seconds: float = 2400.0
    drain_fraction: float = 0.10
    boots_start: int = 10
    boots_cap: int = 100
    scale_down_window_seconds: float = 300.0
    breaker_failures: int = 5
    breaker_young_seconds: float = 600.0
    breaker_backoff_seconds: float = 300.0
    breaker_backoff_cap_seconds: float = 1800.0
    error_backoff_seconds: float = 30.0
    error_backoff_cap_seconds: float = 900.0
    removal_backoff_seconds: float = 300.0
    removal_backoff_cap_seconds: float = 1800.0
    black_hole_starts: int = 5
    lost_counted_seconds: float = 300.0
    ad_lifetime_seconds: float = 900.0
    delete_repeat_seconds: float = 60.0
    template_trial_seconds: float = 86400.0
    plain_attributes: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSpec:
    """What holds for the whole pool; times in seconds, fractions 0..1, reasons for the defaults in the settings."""

    tick_seconds: float = 30.0
    min_wake_seconds: float = 5.0
    blind_missed_ticks: int = 3
    machine_update_seconds: float = 300.0
    vanish_fraction: float = 0.30
    vanish_minimum: int = 3
    ad_lifetime_seconds: float = 900.0
    list_loss_fraction: float = 0.30
    schedd_stale_seconds: float = 1800.0
    futile_cycles: int = 3
    futile_seconds: float = 1800.0
    growth_held_alert_seconds: float = 1800.0
    leftover_percent: float = 20.0
    leftover_seconds: float = 1800.0
    stalled_percent: float = 5.0
    stalled_seconds: float = 3600.0
    settling_seconds: float = 300.0
    load_stale_seconds: float = 600.0
    outside_override_seconds: float = 3600.0


class Worker(NamedTuple):
    """One server with its startd at this instant, and `record`, what is remembered of it.

    `idle_seconds` is None while anything is claimed or when it is not known. `keep` says why the worker must not be
    drained ("" = it may be); `proof_missing` says, for a failed or lost one, what is not proved yet ("" = proved gone).
    `building` = the cloud lists its server as building now. `steady` = ready, and nothing in its record asks for a
    look: no wish, no quarantine, no fence, and long enough there to count as a boot that went well.
    A tuple, not a dataclass: ten thousand are made each tick.
    """

    name: str
    group: str
    phase: Phase
    busy: bool
    idle_seconds: float | None
    seconds_in_phase: float
    flagged: bool
    stale: bool
    keep: str
    record: WorkerRecord
    building: bool = False
    proof_missing: str = ""
    steady: bool = False

    @property
    def use(self) -> Use | None:
        """What becomes of its cores, by HTCondor and what is known of its CPU; None where no startd of it serves."""
        if self.phase is not Phase.READY:
            return None
        return self.record.odd.use if self.record.odd is not None else UNMEASURED[self.busy]

    def moved_on(self, record: WorkerRecord) -> "Worker":
        """The same worker with another record."""
        return self._replace(record=record, steady=self.phase is Phase.READY and is_settled(record))


def is_settled(record: WorkerRecord) -> bool:
    """Whether nothing in the record of a ready worker asks for a look."""
    asked = record.wish is not None or record.quarantine or record.fence_asked_at is not None
    return record.counted and not asked and record.odd is None


class LazyWorkers(Sequence[Worker]):
    """Workers that are made when somebody looks at them: a simulator's fleet, of which each tick needs very few.

    Each method answers what the function of its name in `victims` would find among all of them.
    """

    __slots__ = ()

    def building_victims(self) -> list[Worker]:
        raise NotImplementedError

    def idle_victims(self) -> list[Worker]:
        raise NotImplementedError

    def unfinished(self) -> list[Worker]:
        raise NotImplementedError

    def why_kept(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDemand:
    """What the queue asks of one group. Jobs are counted in jobs, workers in whole workers.

    `running_jobs` run on the group's own workers. `placed_jobs` are idle but have free room waiting somewhere (ready or
    upcoming workers of this group); `held_workers` are the otherwise idle or upcoming workers that this room is on,
    `held_upcoming` the upcoming ones of them. `unmet_jobs` have no room anywhere and were given to this group;
    `unmet_workers` is how many further workers they need.
    """

    running_jobs: int = 0
    placed_jobs: int = 0
    held_workers: int = 0
    held_upcoming: int = 0
    unmet_jobs: int = 0
    unmet_workers: int = 0
    oldest_wait_seconds: float = 0.0

    @property
    def waiting_jobs(self) -> int:
        """Idle jobs that this group answers."""
        return self.placed_jobs + self.unmet_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """Idle jobs that no group is asked for, and why: fits nowhere, a limit, futile, every fitting group closed."""

    shape: str
    jobs: int
    cause: str
    reason: str
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The queue as a whole: idle and running vanilla jobs, what is unserved and why, and what is counted apart.

    `expected_core_seconds` is the work that all idle and running jobs have left, as estimated (run time left x cpus);
    None where nobody estimates: always in the daemon, and in a simulation that is not told to.
    """

    idle_jobs: int = 0
    running_jobs: int = 0
    held_jobs: int = 0
    placed_elsewhere: int = 0
    other_universes: Mapping[str, int] = field(default_factory=dict)
    unserved: tuple[Unserved, ...] = ()
    expected_core_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Machines that are not ours: how many, and what they have and have free. Never planned."""

    machines: int = 0
    total: Resources = NOTHING
    free: Resources = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """How far one source can be believed.

    `age_seconds` of its newest answer, its last error, and consecutive misses.
    """

    source: str
    ok: bool
    age_seconds: float = 0.0
    error: str = ""
    error_type: str = ""
    misses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What may be done with what is known. Each is empty when it may, else the reason why not (promise 2)."""

    shrink: str = ""
    grow: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddCounts:
    """Ready workers of which HTCondor and CPU differ.

    `waiting` are busy without load, `stalled` those of them that have been so for long; `leftover` are idle with load
    and no free room, `overdue` those of them that have been so for long.
    """

    waiting: int = 0
    stalled: int = 0
    leftover: int = 0
    overdue: int = 0


EVEN = OddCounts()
"""HTCondor and CPU agree, or nothing is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerGroup:
    """One group: its counts first, its workers last and only for the planner.

    `resumable` workers are held back by our own drain alone: taking them back needs no boot and no quota.
    `odd` counts ready workers of which HTCondor and CPU differ; `load` is the mean CPU (0..1), None when not known;
    `alarms` are those of the cloud's monitoring, by name.
    `changing`, `newcomers` and `left` say how a group that the cloud itself keeps stands to it (`elastic.core.sizes`).
    `schedule` is what its schedules ask for now.
    """

    spec: GroupSpec
    counts: Mapping[Phase, int] = field(default_factory=dict)
    busy: int = 0
    quarantined: int = 0
    foreign_draining: int = 0
    lost_counted: int = 0
    resumable: int = 0
    demand: GroupDemand = GroupDemand()
    quota_left: int | None = None
    quota_reason: str = ""
    template: Resources = NOTHING
    join_p95_seconds: float = 0.0
    load: float | None = None
    odd: OddCounts = EVEN
    alarms: tuple[Alarm, ...] = ()
    breaker: Breaker = Breaker()
    backoff_until: float = 0.0
    backoff_reason: str = ""
    boot_allowance: int = 10
    policy_memory: str = ""
    memory: GroupMemory = GroupMemory(group="")
    changing: str = ""
    newcomers: tuple[str, ...] = ()
    left: int = 0
    schedule: InForce = NOTHING_ASKED
    workers: Sequence[Worker] = ()

    def count(self, phase: Phase) -> int:
        """Workers in `phase`."""
        return self.counts.get(phase, 0)

    @property
    def upcoming(self) -> int:
        """Workers asked for that have not joined yet: they answer demand already."""
        count = self.counts.get
        return count(_REQUESTED, 0) + count(_BOOTING, 0) + count(_JOINING, 0)

    @property
    def ready(self) -> int:
        """Workers that run jobs or could, quarantined ones and those with a leftover process excepted."""
        return self.counts.get(_READY, 0) - self.quarantined - self.odd.leftover

    @property
    def idle(self) -> int:
        """Ready workers on which nothing is claimed."""
        return self.ready - self.busy

    @property
    def counted(self) -> int:
        """What a target is compared with.

        Upcoming, ready, and lost in their first minutes (a collector restart is no loss); not those that others have
        taken out of the cloud's own group, or as many would be taken out of it once more.
        """
        count = self.counts.get
        coming = count(_REQUESTED, 0) + count(_BOOTING, 0) + count(_JOINING, 0)
        return coming + count(_READY, 0) - self.quarantined - self.odd.leftover + self.lost_counted - self.left

    @property
    def existing(self) -> int:
        """Every server that still costs something: all phases but GONE."""
        return sum(self.counts.values()) - self.counts.get(_GONE, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The only input of a decision. `groups` and `sources` are sorted by name; `now` in seconds since the epoch.

    `strangers` are servers of another ledger's daemon, `orphans` servers that carry our ledger (or one handed over to
    us) and that no record knows, `ungrouped` the names of workers whose group is not configured any more: all are
    named, and never touched. `cores` are what each worker with a fresh sample uses now; they decide nothing.
    """

    now: float
    tick: int
    groups: Mapping[str, WorkerGroup]
    demand: Demand = Demand()
    others: Supply = Supply()
    sources: Mapping[str, SourceHealth] = field(default_factory=dict)
    trust: Trust = Trust()
    overrides: tuple[Override, ...] = ()
    ledger: str = ""
    sequence: int = 0
    strangers: tuple[Server, ...] = ()
    orphans: tuple[Server, ...] = ()
    ungrouped: tuple[str, ...] = ()
    cores: Mapping[str, float] = field(default_factory=dict, compare=False)
