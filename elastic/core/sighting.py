"""One worker: what is remembered of it, moved on by what is seen of it; its phase, and why it must be kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from elastic.core import drains
from elastic.core.lifecycle import LISTINGS, Listing, Phase, classify
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec, Worker, is_settled
from elastic.core.observation import Answers, Inspection, Machine, Server, ServerStatus
from elastic.core.stats import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """A group's deadlines in seconds, the join deadline stretched to what joins have really taken."""

    by_name: Mapping[str, float]
    idle_seconds: float
    lease_seconds: float


def timers(spec: GroupSpec, join_seconds: tuple[float, ...]) -> Timers:
    """Join deadline: max(configured, 1.5 x p99 of seen joins), capped. Idle before drain.

    More than twice the p95 join.
    """
    join = spec.join_seconds
    if join_seconds:
        join = min(spec.join_seconds_cap, max(join, 1.5 * percentile(join_seconds, 0.99)))
    return Timers(
        by_name={
            "launch_seconds": spec.launch_seconds,
            "boot_seconds": spec.boot_seconds,
            "join_seconds": join,
            "lost_seconds": spec.lost_seconds,
        },
        idle_seconds=max(spec.idle_seconds, 2 * percentile(join_seconds, 0.95)) if join_seconds else spec.idle_seconds,
        lease_seconds=spec.job_lease_seconds,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """All that was seen at one tick, ready to be held against one record after the other."""

    ledger: str
    answers: Answers
    by_id: Mapping[str, Server]
    by_worker: Mapping[str, Server]
    machines_fresh: bool
    servers_fresh: bool
    blind_until: float | None
    now: float

    def worker(self, record: WorkerRecord, machine: Machine | None, clock: Timers) -> Worker:
        """The worker as it is now, its record moved on."""
        serving = self._serving(record, machine, clock) if machine is not None else None
        return serving or self.looked_at(record, machine, clock)

    def looked_at(self, record: WorkerRecord, machine: Machine | None, clock: Timers) -> Worker:
        """The same by the whole way: everything seen is applied to the record, and the table asked for the phase."""
        inspection = self.answers.inspections.get(record.name)
        server, record = self._server(record)
        record = self._remember(record, server, machine, inspection)
        listing, sure = self._listing(record, server)
        ad = drains.column(record, machine, inspection, self.ledger)
        record = drains.foreign(record, machine, inspection, ad)
        # Joined, not seen to vanish, and no ad: the collector has not answered. No time counts as lost before it has.
        unseen = machine is None and record.joined_at is not None and record.vanished_at is None
        seconds_in = 0.0 if unseen else self.now - _since(record, listing)
        phase, flagged = classify(listing, ad, seconds_in, clock.by_name)
        stale = not sure or not self.machines_fresh
        idle = machine.idle_seconds if machine is not None and not machine.claimed else None
        if phase is Phase.FAILED and record.failed_at is None:
            record = replace(record, failed_at=self.now, failure=_failure(listing, server, clock))
        elif record.failed_at is not None and phase not in _OVER:
            record = replace(record, failed_at=None, failure="")
        return Worker(
            record.name,
            record.group,
            phase,
            machine is not None and machine.claimed,
            idle,
            seconds_in,
            flagged,
            stale,
            self._why_kept(phase, record, machine, idle, clock),
            record,
            server is not None and server.status is ServerStatus.BUILDING,
            self._proof_missing(record, machine, inspection, clock) if phase in _DEAD else "",
            phase is _READY and is_settled(record),
        )

    def _serving(self, record: WorkerRecord, machine: Machine, clock: Timers) -> Worker | None:
        """The short way: it serves as it did at the last tick, and nothing is going on with it, as with nearly all.

        None when anything is new. One function without calls: ten thousand workers come this way each tick.
        """
        server = self.by_id.get(record.server_id or "")
        if (
            server is None
            or server.status is not _ACTIVE
            or not self.machines_fresh
            or machine.drain is not None
            or record.drain is not None
            or record.active_at is None
            or record.joined_at is None
            or record.vanished_at is not None
            or record.fence_asked_at is not None
            or record.delete_asked_at is not None
            or record.missing_since is not None
            or record.failed_at is not None
            or record.foreign_drain
            or record.machine != machine.name
            or record.address != machine.address
            or record.started != machine.started
            or record.busy_seen < machine.claimed
            or record.name in self.answers.inspections
        ):
            return None
        busy = machine.claimed
        idle = None if busy else machine.idle_seconds
        # As Worker(...), in half the time.
        return _tuple(
            Worker,
            (
                record.name,
                record.group,
                _READY,
                busy,
                idle,
                self.now - record.joined_at,
                False,
                not self.servers_fresh,
                "busy" if busy else self._keep(record, machine, idle, clock),
                record,
                False,
                "",
                record.counted and record.wish is None and not record.quarantine and record.odd is None,
            ),
        )

    def _server(self, record: WorkerRecord) -> tuple[Server | None, WorkerRecord]:
        """Its server in the list, else as looked up by id.

        An intent without a server finds it by its name (adoption).
        """
        if record.server_id is not None:
            return self.by_id.get(record.server_id) or self.answers.lookups.get(record.server_id), record
        found = self.by_worker.get(record.name)
        return (found, replace(record, server_id=found.id)) if found else (None, record)

    def _remember(
        self,
        record: WorkerRecord,
        server: Server | None,
        machine: Machine | None,
        inspection: Inspection | None,
    ) -> WorkerRecord:
        record = drains.follow(record, inspection, self.ledger, self.now)
        if server is not None and record.active_at is None and server.status is not ServerStatus.BUILDING:
            record = replace(record, active_at=self.now)
        record = self._remember_cleared(self._remember_missing(record, server))
        if not self.machines_fresh:
            return record
        if machine is None:
            gone = record.joined_at is not None and record.vanished_at is None
            return replace(record, vanished_at=self.now) if gone else record
        return _remember_machine(record, machine, self.now)

    def _remember_missing(self, record: WorkerRecord, server: Server | None) -> WorkerRecord:
        """The first 404 by id starts the count; being seen again ends it."""
        if server is not None:
            return replace(record, missing_since=None) if record.missing_since is not None else record
        if record.missing_since is None and self._answered_404(record):
            return replace(record, missing_since=self.now)
        return record

    def _remember_cleared(self, record: WorkerRecord) -> WorkerRecord:
        """Deleted, gone, and every schedd has said which jobs name it: the moment at which lost jobs are counted."""
        jobs = self.answers.jobs
        asked = record.delete_asked_at is not None and record.missing_since is not None and record.cleared_at is None
        return replace(record, cleared_at=self.now) if asked and jobs is not None and jobs.complete else record

    def _answered_404(self, record: WorkerRecord) -> bool:
        lookups = self.answers.lookups
        return record.server_id is not None and lookups.get(record.server_id, "unasked") is None

    def _listing(self, record: WorkerRecord, server: Server | None) -> tuple[Listing, bool]:
        """The row of the table, and whether it is certain.

        An unlisted server without two 404s keeps its row, uncertain.
        """
        joined = record.joined_at is not None
        if server is not None:
            return _listed(record, server.status, joined=joined), self.servers_fresh
        if record.server_id is None:
            # One that serves has a server, even if no list has named it yet: it is not forgotten like an order.
            return (Listing.JOINED, False) if joined else (Listing.UNLISTED, self.servers_fresh)
        if self._answered_404(record) and record.missing_since is not None and record.missing_since < self.now:
            return Listing.MISSING, True
        if record.delete_asked_at is not None:
            return Listing.DELETING, False
        if joined:
            return Listing.JOINED, False
        return Listing.NEVER_JOINED if record.active_at is not None else Listing.BUILDING, False

    def _why_kept(
        self, phase: Phase, record: WorkerRecord, machine: Machine | None, idle: float | None, clock: Timers
    ) -> str:
        """Why it must not be drained now, where that is a question; empty otherwise."""
        if phase is Phase.FOREIGN_DRAIN:
            return f"somebody else drains it: {record.foreign_drain}"
        return self._keep(record, machine, idle, clock) if phase is Phase.READY else ""

    def _keep(self, record: WorkerRecord, machine: Machine | None, idle: float | None, clock: Timers) -> str:
        """Why a ready worker must not be drained now; empty when nothing speaks against it."""
        if machine is None or machine.claimed:
            return "busy"
        if record.protected_by:
            return f"protected by {record.protected_by}"
        if record.passed_over_until > self.now:
            return record.passed_over(self.now)
        if record.wish is not None or record.quarantine:
            return ""
        if idle is None:
            return "idle time not known"
        if idle < clock.idle_seconds:
            return "not idle long enough"
        blind = self.blind_until
        if blind is not None and self.now - machine.ad_age_seconds <= blind:
            return "not heard from since the pool was blind"
        return ""

    def _proof_missing(
        self, record: WorkerRecord, machine: Machine | None, inspection: Inspection | None, clock: Timers
    ) -> str:
        """What is not proved yet before a worker without a completed drain may be called gone (promise 1)."""
        jobs = self.answers.jobs
        if not (self.machines_fresh and self.servers_fresh):
            return "a source is not fresh"
        if machine is not None:
            return "the collector has its ad"
        if record.address and (inspection is None or inspection.answered):
            alive = "its startd answers, and the collector does not know it (has its token expired?)"
            return alive if inspection is not None else "its startd has not been asked"
        if jobs is None or not jobs.complete:
            return "not every schedd has answered"
        if record.vanished_at is not None and self.now - record.vanished_at < clock.lease_seconds:
            return f"the lease of jobs it may have held ends {clock.lease_seconds:.0f} s after it vanished"
        named = jobs.jobs.get(record.machine or record.name, ())
        return f"jobs name it: {', '.join(named[:5])}" if named else ""


_DEAD = frozenset({Phase.FAILED, Phase.LOST})
# Looked up once: a member of an enum costs a call of Python each time, for each worker and tick.
_ACTIVE, _READY = ServerStatus.ACTIVE, Phase.READY
_tuple = tuple.__new__
_OVER = frozenset({Phase.FAILED, Phase.DELETING, Phase.GONE})


def _listed(record: WorkerRecord, status: ServerStatus, *, joined: bool) -> Listing:
    if record.delete_asked_at is not None:
        return Listing.DELETING
    if status is ServerStatus.BUILDING and not joined and record.active_at is not None:
        return Listing.NEVER_JOINED  # Built anew after it had been active: its startd may start at any moment.
    return LISTINGS[(status, joined)]


def _as_before(record: WorkerRecord, machine: Machine) -> bool:
    return (
        record.joined_at is not None
        and record.vanished_at is None
        and record.machine == machine.name
        and record.address == machine.address
        and record.started == machine.started
        and record.busy_seen >= machine.claimed
    )


def _remember_machine(record: WorkerRecord, machine: Machine, now: float) -> WorkerRecord:
    if _as_before(record, machine):
        return record
    return replace(
        record,
        joined_at=record.joined_at if record.joined_at is not None else now,
        active_at=record.active_at if record.active_at is not None else now,
        vanished_at=None,
        machine=machine.name,
        address=machine.address,
        started=machine.started,
        busy_seen=record.busy_seen or machine.claimed,
    )


def _since(record: WorkerRecord, listing: Listing) -> float:
    """When the worker entered the state that its listing's timer watches, on our clock."""
    match listing:
        case Listing.NEVER_JOINED | Listing.OTHER:
            return record.active_at or record.requested_at
        case Listing.JOINED | Listing.STOPPED_JOINED | Listing.ERROR_JOINED | Listing.OTHER_JOINED:
            return record.vanished_at or record.joined_at or record.requested_at
        case Listing.UNLISTED | Listing.BUILDING | Listing.STOPPED | Listing.ERROR | Listing.DELETING | Listing.MISSING:
            return record.requested_at


def _failure(listing: Listing, server: Server | None, clock: Timers) -> str:
    """Why a worker counts as failed, in words."""
    fault = f": {server.fault}" if server is not None and server.fault else ""
    match listing:
        case Listing.UNLISTED:
            return f"the cloud has not listed it within {clock.by_name['launch_seconds']:.0f} s"
        case Listing.BUILDING:
            return f"still building after {clock.by_name['boot_seconds']:.0f} s{fault}"
        case Listing.NEVER_JOINED | Listing.OTHER:
            return f"active, but its startd did not join within {clock.by_name['join_seconds']:.0f} s{fault}"
        case Listing.JOINED | Listing.STOPPED_JOINED | Listing.ERROR_JOINED | Listing.OTHER_JOINED:
            return f"lost for {clock.by_name['lost_seconds']:.0f} s{fault}"
        case Listing.STOPPED | Listing.ERROR | Listing.DELETING | Listing.MISSING:
            return f"server {listing.value}{fault}"
