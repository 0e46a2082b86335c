"""What a simulated world is made of, as values: pool, cloud, groups, machines, jobs; times in seconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import NamedTuple

from elastic.core.resources import NOTHING, Resources
from elastic_simulations.draws import Constant, Distribution
from elastic_simulations.estimates import NOISE

HUGE_SECONDS = 1e9
"""The retirement time that a well configured worker of ours has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """How the simulated HTCondor behaves; defaults are HTCondor's own, or measured on real daemons.

    `negotiation_seconds` 0 = no cycles: a job starts in the moment in which it could (what ideal models assume), and
    `update_seconds` 0 = whoever asks the collector hears what is true now. `start_seconds` pass from a cycle's match to
    the first job of the claim (claiming, shadow, starter), `job_overhead_seconds` with each job. `order` is whose jobs
    come first: "fifo", or "fair_share" by user priorities (see `priorities`), whose factors are by submitter.
    `estimates` is what the schedds think how long jobs run: "" = nothing, or a kind of `elastic_simulations.estimates`.
    """

    name: str = "simulated"
    schedds: tuple[str, ...] = ("schedd",)
    collector_age_seconds: float = 86400.0
    negotiation_seconds: float = 60.0
    update_seconds: float = 300.0
    ad_delay_seconds: float = 1.0
    ad_lifetime_seconds: float = 900.0
    claim_seconds: float = 1200.0
    claim_idle_seconds: float = 0.0
    start_seconds: float = 0.0
    job_overhead_seconds: float = 0.0
    job_lease_seconds: float = 2400.0
    drain_seconds: float = 0.0
    startd_restart_seconds: float = 14.0
    order: str = "fifo"
    priority_halflife_seconds: float = 86400.0
    priority_factors: Mapping[str, float] = field(default_factory=dict)
    packing: str = "fullest"
    max_jobs_running: int | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    group_quotas: Mapping[str, float] = field(default_factory=dict)
    estimates: str = ""
    estimate_noise: float = NOISE


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSpec:
    """What the project may have in all (None = no such quota), and how long the pages of its lists are.

    A creation or deletion takes effect `latency` after it was asked for; one that takes longer than `timeout_seconds`
    is given up by the caller (Transient) and takes effect all the same.
    """

    servers: int | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    page_size: int = 100
    latency: Distribution = Constant(0.0)
    timeout_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """What a startd offers: `slots` static slots, or one partitionable (0); `tags` stand for other attributes."""

    total: Resources
    slots: int = 0
    tags: frozenset[str] = frozenset()
    retirement_seconds: float = HUGE_SECONDS
    speed: float = 1.0
    cold_start_seconds: float = 0.0
    black_hole: bool = False

    @property
    def slot(self) -> Resources:
        """What one static slot offers; all of the machine when it is partitionable."""
        return Resources(*(amount // self.slots for amount in self.total)) if self.slots else self.total

    @cached_property
    def kind(self) -> str:
        """The template id of all machines like this one."""
        return f"machine:{blake2b(self.template.encode(), digest_size=6).hexdigest()}"

    @cached_property
    def template(self) -> str:
        """The machine with nothing on it, as text: JSON here, where the real pool has a ClassAd."""
        return json.dumps(
            {
                "total": list(self.total),
                "slot": list(self.slot) if self.slots else [],
                "tags": sorted(self.tags),
            },
            separators=(",", ":"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupModel:
    """How the servers of one worker group behave; `machine` None = the group's shape less its reserve.

    Its workers run jobs at `speed`, the first after `cold_start_seconds`. `boot_failure`, `never_joins` and
    `black_hole` are shares of servers; `life` is the time from joining until a server dies by itself (failures by
    their MTBF, spot loss): suddenly, or, with `says_goodbye`, by a shutdown that evicts its jobs at once. With
    `deletes_oldest` whoever asks for a deletion loses the oldest server of the group instead, as with a scaling group
    that cannot be told which.
    """

    machine: MachineSpec | None = None
    boot: Distribution = Constant(60.0)
    join: Distribution = Constant(10.0)
    teardown: Distribution = Constant(5.0)
    speed: float = 1.0
    cold_start_seconds: float = 0.0
    life: Distribution | None = None
    says_goodbye: bool = False
    deletes_oldest: bool = False
    boot_failure: float = 0.0
    never_joins: float = 0.0
    black_hole: float = 0.0
    capacity: int | None = None


class Kind(NamedTuple):
    """What makes jobs alike for the negotiator and for claim reuse (hence the owner): an autocluster's key."""

    request: Resources
    universe: str
    requires: frozenset[str]
    limits: tuple[tuple[str, float], ...]
    accounting_group: str
    owner: str

    @property
    def submitter(self) -> str:
        """Who is charged for it: the owner, within an accounting group as HTCondor writes it (group.owner)."""
        return f"{self.accounting_group}.{self.owner}" if self.accounting_group else self.owner


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What is submitted. `requires` names machine tags; `retirement_seconds` is the job's own, if it sets one.

    `cpu_efficiency` is the share of its cpus that it keeps busy: what telemetry sees of it. `estimate_seconds` is the
    run time that its user asks for; `learns_from` names whose past jobs tell of it ("" = the owner's).
    """

    request: Resources = Resources(1, 1024, 1024, 0)
    run: Distribution = Constant(60.0)
    cpu_efficiency: float = 1.0
    owner: str = "alice"
    universe: str = "vanilla"
    requires: frozenset[str] = frozenset()
    limits: tuple[tuple[str, float], ...] = ()
    accounting_group: str = ""
    retirement_seconds: float | None = None
    fails: bool = False
    held: bool = False
    estimate_seconds: float | None = None
    learns_from: str = ""

    @property
    def kind(self) -> Kind:
        """What the negotiator sees of it."""
        return Kind(self.request, self.universe, self.requires, self.limits, self.accounting_group, self.owner)


def takes(kind: Kind, template: str) -> Resources | str:
    """What one job takes of the machine that `template` describes, or why it would never start there."""
    total, slot, tags = _read(template)
    missing = sorted(kind.requires - tags)
    if missing:
        return f"requires {', '.join(missing)}"
    room = slot if slot != NOTHING else total
    if not kind.request.fits_in(room):
        return f"asks for {_words(kind.request)}; there are {_words(room)}"
    return slot if slot != NOTHING else kind.request


@lru_cache(maxsize=1024)
def _read(template: str) -> tuple[Resources, Resources, frozenset[str]]:
    fields = json.loads(template)
    return (
        Resources(*fields["total"]),
        Resources(*fields.get("slot") or NOTHING),
        frozenset(fields.get("tags", ())),
    )


def _words(amount: Resources) -> str:
    named = zip(("cpus", "MB memory", "MB disk", "gpus"), amount, strict=True)
    return ", ".join(f"{value} {name}" for name, value in named if value) or "nothing"
