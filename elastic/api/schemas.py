"""The bodies of answers; how they are made from the daemon's values lives in views."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from elastic.core.lifecycle import Phase
from elastic.core.memory import WishKind
from elastic.core.observation import AlarmState
from elastic.core.override import OverrideKind
from elastic.core.uses import Use


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


class SourceOut(Answer):
    """How far one source can be believed."""

    source: str = Field(examples=["machines"])
    ok: bool
    age_seconds: float = Field(description="Age of its newest answer.")
    misses: int = Field(description="Failures in a row.")
    error: str = ""
    error_type: str = ""


class TrustOut(Answer):
    """What may be done with what is known; each is empty when it may, else why not."""

    grow: str = ""
    shrink: str = ""
    act: str = ""


class StrayOut(Answer):
    """A server that the daemon sees and never touches, or a worker of a group that is not configured any more."""

    kind: str = Field(
        description="stranger = another ledger's; orphan = ours or handed over, without a record; ungrouped = its"
        " group is not in the settings.",
        examples=["orphan"],
    )
    name: str
    server_id: str = ""
    group: str = ""
    ledger: str = ""


class OverrideOut(Answer):
    """An override in force."""

    id: str
    group: str
    kind: OverrideKind
    workers: int | None
    author: str
    reason: str
    created_at: float
    expires_at: float


class TargetOut(Answer):
    """How many workers a group should have, and why; `proposed` is the policy's own wish."""

    workers: int = Field(examples=[12])
    reason: str = Field(examples=["9 busy + 3 idle; quota leaves 2"])
    proposed: int | None = None
    proposed_reason: str = ""
    limited_by: list[str] = Field(default_factory=list, description="Guardrails that changed it, in order.")


class DemandOut(Answer):
    """What the queue asks of a group: jobs in jobs, workers in whole workers."""

    running_jobs: int
    placed_jobs: int
    unmet_jobs: int
    unmet_workers: int
    held_workers: int
    oldest_wait_seconds: float


class BreakerOut(Answer):
    """Failed boots of a group in a row, and what follows."""

    state: str = Field(examples=["closed"])
    failures: int
    next_canary_at: float
    canary: str
    reason: str


class AlarmOut(Answer):
    """An alarm of the cloud's monitoring."""

    name: str
    state: AlarmState
    severity: str = ""


class GroupOut(Answer):
    """One worker group: what it has, what it should have, and why."""

    name: str = Field(examples=["small"])
    minimum: int
    maximum: int
    phases: dict[Phase, int] = Field(description="Workers by phase; phases without one are left out.")
    existing: int
    upcoming: int
    ready: int
    busy: int
    idle: int
    quarantined: int
    demand: DemandOut
    target: TargetOut | None
    note: str = Field("", description="Why nothing more is done this time.")
    quota_left: int | None = Field(None, description="Servers that the cloud would still accept, if it says.")
    quota_reason: str = ""
    breaker: BreakerOut
    backoff_until: float
    backoff_reason: str
    load: float | None = Field(None, description="Mean CPU of its workers, 0..1, where it is measured.")
    waiting: int = Field(0, description="Busy workers without CPU load: their jobs wait for something.")
    stalled: int = Field(0, description="Those of them that have waited for longer than `site.stalled_seconds`.")
    leftover: int = Field(0, description="Idle workers with CPU load: kept, and not counted as free.")
    overdue: int = Field(0, description="Those of them that have had it for longer than `site.leftover_seconds`.")
    alarms: list[AlarmOut] = Field(default_factory=list, description="Of the cloud's monitoring, where they are read.")
    overdue_deletions: list[str] = Field(
        default_factory=list, description="Workers whose servers are being deleted for more than ten minutes."
    )
    boot_allowance: int = Field(description="How many boots may be in flight at once.")
    overrides: list[OverrideOut]
    schedule: str = Field("", description="What its schedules ask for at this hour, and until when; empty = nothing.")
    schedule_changes_at: float | None = Field(None, description="When one of its schedules begins or ends next.")


class UnservedOut(Answer):
    """Idle jobs that no group is asked for, and why."""

    shape: str
    jobs: int
    cause: str
    reason: str
    example: str = ""


class QueueOut(Answer):
    """The queue as a whole."""

    idle_jobs: int
    running_jobs: int
    held_jobs: int
    placed_elsewhere: int
    other_universes: dict[str, int]
    unserved: list[UnservedOut]


class StatusOut(Answer):
    """How everything is, in one answer."""

    version: str
    pool: str
    ledger: str
    world: str
    mode: str = Field(description="observe = decide, log, do nothing; act.", examples=["act"])
    state: str = Field(description="ok, waiting or unhealthy.", examples=["ok"])
    detail: str = Field("", description="Why it is not ok.")
    now: float
    started_at: float
    tick: int | None = Field(description="Number of the newest tick; null before the first.")
    last_tick_at: float | None
    next_wake: float
    wake_reason: str
    failed_ticks: int
    last_error: str
    queue: QueueOut | None
    sources: list[SourceOut]
    trust: TrustOut
    groups: list[GroupOut]
    overrides: list[OverrideOut]
    strays: list[StrayOut] = Field(description="Named so that somebody looks; nothing is ever done with them.")


class WorkerOut(Answer):
    """One worker: a server with its startd."""

    name: str
    group: str
    phase: Phase
    busy: bool
    idle_seconds: float | None
    seconds_in_phase: float
    use: Use | None = Field(None, description="What becomes of its cores: HTCondor's view and the CPU's, merged.")
    use_seconds: float | None = Field(None, description="For how long HTCondor and its CPU have differed.")
    cores: float | None = Field(None, description="Cores that it uses, where that is measured.")
    leftover_ignored_by: str = Field("", description="Who said to ignore its leftover process.")
    server_id: str | None
    machine: str
    keep: str = Field("", description="Why it must not be drained; empty when it may be.")
    proof_missing: str = Field("", description="For a failed or lost one: what is not proved yet.")
    flagged: bool
    stale: bool
    protected_by: str = ""
    quarantine: str = ""
    failure: str = ""
    wish: str = Field("", description="What an operator asked of it.")
    requested_at: float
    joined_at: float | None
    drain_asked_at: float | None
    drain_confirmed_at: float | None
    delete_asked_at: float | None


class WorkersOut(Answer):
    """Workers, sorted by name."""

    workers: list[WorkerOut]


class GroupsOut(Answer):
    """Worker groups, sorted by name."""

    groups: list[GroupOut]


class TicksOut(Answer):
    """Tick records, oldest first, in the form that the recorder writes."""

    ticks: list[dict[str, object]]


class EventOut(Answer):
    """Something that happened."""

    at: float
    kind: str = Field(examples=["joined"])
    text: str = Field(examples=["small-1 joined after 93 s"])
    group: str = ""
    worker: str = ""


class EventsOut(Answer):
    """Events, oldest first."""

    events: list[EventOut]


class ActionOut(Answer):
    """Something to do."""

    action: str = Field(examples=["launch"])
    group: str
    worker: str
    reason: str


class RefusalOut(Answer):
    """Something wanted and not done."""

    group: str
    guardrail: str
    direction: str
    workers: int
    reason: str
    worker: str = ""


class PlanOut(Answer):
    """What a tick would do now, and why."""

    now: float
    mode: str
    actions: list[ActionOut]
    targets: dict[str, TargetOut]
    refusals: list[RefusalOut]
    notes: dict[str, str]
    next_wake: float
    wake_reason: str


class DrainOut(Answer):
    """What became of a wish that a worker leave; for an unconfirmed force, the jobs that it would kill."""

    worker: str
    kind: WishKind
    accepted: bool
    jobs: list[str]
    text: str


class NudgeOut(Answer):
    """When the next tick is due."""

    next_wake: float


class Done(Answer):
    """It is done, and what it was."""

    text: str = Field(examples=["small-1 is protected"])


class HealthOut(Answer):
    """Whether the daemon works."""

    status: Literal["ok", "unhealthy", "waiting"]
    detail: str = ""


class EnrolOut(Answer):
    """The credentials of one worker, for files that only root reads."""

    signing_key_id: str = Field(description="Name of the key's file in `passwords.d`.")
    signing_key: str = Field(description="Its content, in base64.")
    token: str = Field(description="Lets it advertise itself; goes to `tokens.d`.")
    own_token: str = Field(description="By which its daemons know each other; goes to `tokens.d`.")


class RenewOut(Answer):
    """A fresh token of one worker."""

    token: str = Field(description="To be put in the place of the one in `tokens.d`.")
