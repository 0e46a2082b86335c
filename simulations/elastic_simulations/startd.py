"""One simulated startd with its master: slots, claims, drain, fence; running jobs is in `execution`."""

from collections.abc import Callable
from dataclasses import dataclass

from elastic.core.observation import DrainSeen, Inspection, Machine
from elastic.core.resources import Resources
from elastic_simulations.jobs import Job
from elastic_simulations.specs import Kind, MachineSpec
from elastic_simulations.timeline import Timeline


@dataclass(slots=True, eq=False)
class Claim:
    """A slot that a schedd holds since `since_us`; `job` None = claimed but idle, `used` = it has had a job."""

    id: int
    schedd: str
    kind: Kind
    room: Resources
    until_us: int
    since_us: int
    job: Job | None = None
    used: bool = False


@dataclass(slots=True, eq=False)
class DrainState:
    """A drain in the startd's memory."""

    reason: str
    request_id: str
    ready_us: int


class Startd:
    """`power` False = its server is off; `reachable` False = nobody hears it; `off` = fenced at its master.

    `shut` are the times (us) from a drain that did not last to its end; `drained_us` is when the present one began.
    """

    def __init__(
        self,
        name: str,
        spec: MachineSpec,
        launched: tuple[int, int, str],
        timeline: Timeline,
        changed: Callable[["Startd"], None],
    ) -> None:
        """Prepare a machine that is not running yet; `changed` is called whenever its ad changes."""
        self.name, self.spec, self.launched = name, spec, launched
        self.server_id: str | None = None
        self.worker: str | None = None
        self.power = self.reachable = True
        self.running = self.off = False
        self.accepts_jobs = True
        self.token_valid = True
        self.incarnation = 0
        self.started = 0
        self.jobs_started = 0
        self.claims: dict[int, Claim] = {}
        self.drain: DrainState | None = None
        self._free: Resources | None = None
        self.idle_since_us = 0
        self.drained_us: int | None = None
        self.shut: list[tuple[int, int]] = []
        self._timeline, self._changed = timeline, changed
        self._next_request = self._next_claim = 1
        self._used = self._used_at_us = self._millicpus = 0

    @property
    def address(self) -> str:
        """Where it listens; another port with every start, as without a shared port."""
        return f"<sim:{self.name}:{self.incarnation}>"

    @property
    def answers(self) -> bool:
        """Whether somebody who asks it gets an answer."""
        return self.running and self.power and self.reachable

    @property
    def master_answers(self) -> bool:
        """Whether somebody who asks its master gets an answer."""
        return self.power and self.reachable

    @property
    def open(self) -> bool:
        """Whether a new job may start here."""
        return self.answers and self.accepts_jobs and self.drain is None

    def start(self) -> None:
        """The master starts the startd: nothing claimed, no drain, request ids from 1 again."""
        self.running, self.off = True, False
        self.incarnation += 1
        # Two starts within one second would look like one: the daemon's start time has whole seconds.
        self.started = max(self._timeline.second, self.started + 1)
        self._unclaim()
        self._reopen()
        self._next_request = 1
        self.idle_since_us = self._timeline.now_us
        self._changed(self)

    def stop(self) -> None:
        """The process ends, whoever ended it; its memory is gone."""
        self.running = False
        self._unclaim()
        self.drain = None

    def use(self, millicpus: int) -> None:
        """Jobs begin (or, below zero, cease) to use this many thousandths of a cpu."""
        self._used = self._used_until_now()
        self._used_at_us = self._timeline.now_us
        self._millicpus += millicpus

    def cpu_us(self) -> int:
        """Cpu microseconds that jobs have used here so far."""
        return self._used_until_now() // 1000

    def _used_until_now(self) -> int:
        return self._used + self._millicpus * (self._timeline.now_us - self._used_at_us)

    def touch(self) -> None:
        """Its ad would be different: tell the collector."""
        self._changed(self)

    def free(self) -> Resources:
        """What no claim holds."""
        if self._free is None:
            self._free = self._unclaimed()
        return self._free

    def _unclaimed(self) -> Resources:
        if self.spec.slots:
            left = self.spec.slots - len(self.claims)
            return Resources(*(amount * left for amount in self.spec.slot))
        room = self.spec.total
        for claim in self.claims.values():
            room = room.less(claim.room)
        return room

    def room_for(self, kind: Kind) -> Resources | None:
        """What such a job would take here now; None = it does not fit, or nothing may start."""
        if not self.open or not kind.requires <= self.spec.tags:
            return None
        if self.spec.slots:
            fits = len(self.claims) < self.spec.slots and kind.request.fits_in(self.spec.slot)
            return self.spec.slot if fits else None
        free = self.free()
        return kind.request if kind.request.cpus <= free.cpus and kind.request.fits_in(free) else None

    def claim(self, schedd: str, kind: Kind, room: Resources, until_us: int) -> Claim:
        """Give a slot to a schedd."""
        claim = Claim(self._next_claim, schedd, kind, room, until_us, self._timeline.now_us)
        self._next_claim += 1
        self.claims[claim.id] = claim
        self._free = None
        self._changed(self)
        return claim

    def release(self, claim: Claim) -> None:
        """Take a slot back; idle since now when it was the last one."""
        if self.claims.pop(claim.id, None) is None:
            return
        self._free = None
        if not self.claims:
            self.idle_since_us = self._timeline.now_us
        self._changed(self)

    def begin_drain(self, reason: str, ready_us: int) -> DrainState:
        """Accept a drain: no job starts any more. The checks are the caller's."""
        self.drain = DrainState(reason, str(self._next_request), ready_us)
        self.drained_us = self._timeline.now_us
        self._next_request += 1
        self._changed(self)
        return self.drain

    def cancel_drain(self) -> None:
        """Take jobs again."""
        self._reopen()
        self._changed(self)

    def _unclaim(self) -> None:
        self.claims.clear()
        self._free = None

    def _reopen(self) -> None:
        if self.drained_us is not None:
            self.shut.append((self.drained_us, self._timeline.now_us))
        self.drain = self.drained_us = None

    def seen_drain(self) -> DrainSeen | None:
        """Its drain as it shows it itself."""
        if self.drain is None:
            return None
        drained = not self.claims and self._timeline.now_us >= self.drain.ready_us
        return DrainSeen(reason=self.drain.reason, request_id=self.drain.request_id, drained=drained)

    def inspection(self) -> Inspection:
        """Its own answer, fresh."""
        return Inspection(answered=True, claimed=bool(self.claims), drain=self.seen_drain(), started=self.started)

    def ad(self) -> Machine:
        """What it tells the collector now."""
        now_us = self._timeline.now_us
        claimed_us = min((claim.since_us for claim in self.claims.values()), default=None)
        return Machine(
            name=self.name,
            address=self.address,
            server_id=self.server_id,
            worker=self.worker,
            template=self.spec.kind,
            claimed=bool(self.claims),
            jobs=sum(claim.job is not None for claim in self.claims.values()),
            idle_seconds=(now_us - self.idle_since_us) / 1e6 if claimed_us is None else None,
            claimed_seconds=None if claimed_us is None else (now_us - claimed_us) / 1e6,
            started=self.started,
            stamp=self._timeline.epoch_us + now_us,
            total=self.spec.total,
            free=self.free(),
            drain=self.seen_drain(),
            accepts_jobs=self.accepts_jobs,
        )
