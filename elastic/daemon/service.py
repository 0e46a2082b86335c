"""The daemon as the HTTP interface sees it: reads the last tick and the ledger, writes to the ledger."""

import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from elastic import __version__
from elastic.adapters.ledger import SqlLedger
from elastic.api.service import DrainAnswered, Health, NotNow, OverrideWish, UnknownName
from elastic.core.memory import Event, Memory, MemoryChange, Wish, WishKind, WorkerRecord
from elastic.core.orphans import OrphansFound, Removed
from elastic.core.override import Override, OverrideKind
from elastic.core.record import TickRecord, to_json
from elastic.core.uses import Excuse
from elastic.daemon import orphans
from elastic.daemon.enrolments import Enrolments
from elastic.daemon.loop import Loop
from elastic.ports import Asking, Granted, World

# Two hours of ticks at 30 s: what an operator scrolls back to.
RECORDS_KEPT = 240
PREVIEW_WAIT_SECONDS = 20.0
ALL_GROUPS = "*"
OPTIONAL = frozenset({"alarms", "load"})
"""Sources that only add to what is known: nothing waits for them."""


@dataclass(slots=True)
class Seen:
    """What the daemon remembers of its own doing since it started."""

    last: TickRecord | None = None
    records: deque[str] = field(default_factory=lambda: deque(maxlen=RECORDS_KEPT))
    ticks: int = 0
    failed_ticks: int = 0
    last_error: str = ""
    ever_ready: bool = False

    def take(self, record: TickRecord) -> None:
        """Keep one record."""
        self.last = record
        self.records.append(to_json(record))
        self.ticks += 1
        self.last_error = ""
        self.ever_ready = self.ever_ready or not self.missing()

    def fail(self, error: Exception) -> None:
        """Keep what went wrong instead of a record."""
        self.failed_ticks += 1
        self.last_error = f"{type(error).__name__}: {error}"

    def missing(self) -> tuple[str, ...]:
        """Sources that did not answer at the last tick, each with its error."""
        sources = self.last.snapshot.sources.values() if self.last else ()
        return tuple(
            f"{s.source} ({s.error or 'no answer yet'})" for s in sources if not s.ok and s.source not in OPTIONAL
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the settings name: the world, the worker groups."""

    world: str
    groups: tuple[str, ...]


class DaemonService:
    """Implements `elastic.api.service.Service`; any thread may call anything at any time."""

    def __init__(  # noqa: PLR0913  the daemon's parts, by name
        self,
        *,
        ledger: SqlLedger,
        world: World,
        loop: Loop,
        seen: Seen,
        names: Callable[[], Names],
        preview: Callable[[float], TickRecord],
        unhealthy: Callable[[], str],
        enrolments: Enrolments,
    ) -> None:
        """`names` are those of the settings now; `unhealthy` says why the loop does not work, or nothing."""
        self._ledger = ledger
        self._world = world
        self._loop = loop
        self._seen = seen
        self._names = names
        self._preview = preview
        self._unhealthy = unhealthy
        self._enrolments = enrolments
        self._started_at = world.clock.now()

    # -- reading ---------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """How the daemon is."""
        memory = self._ledger.memory()
        return Health(
            version=__version__,
            pool=memory.pool,
            ledger=memory.ledger,
            world=self._names().world,
            mode=self._ledger.mode,
            started_at=self._started_at,
            now=self._world.clock.now(),
            next_wake=self._loop.next_wake,
            wake_reason=self._loop.wake_reason,
            ticks=self._seen.ticks,
            failed_ticks=self._seen.failed_ticks,
            unhealthy=self._unhealthy(),
            unready=self._unready(),
            last_error=self._seen.last_error,
            tick_running_seconds=self._loop.running_seconds(),
            groups=self._names().groups,
        )

    def last(self) -> TickRecord | None:
        """The record of the newest tick."""
        return self._seen.last

    def memory(self) -> Memory:
        """What the ledger holds now."""
        return self._ledger.memory()

    def records(self, limit: int) -> Sequence[str]:
        """The newest records."""
        return list(self._seen.records)[-limit:]

    def events(self, limit: int, since: float | None, group: str | None, worker: str | None) -> Sequence[Event]:
        """The newest events."""
        return self._ledger.events(limit, since, group, worker)

    def preview(self) -> TickRecord:
        """A dry tick between two real ones."""
        with self._loop.between_ticks(PREVIEW_WAIT_SECONDS) as now:
            return self._preview(now)

    def orphans(self, safe_seconds: float) -> OrphansFound:
        """What belongs to nothing, while no tick makes anything new."""
        with self._loop.between_ticks(PREVIEW_WAIT_SECONDS):
            return orphans.found(self._world, self._ledger.memory(), orphans.gone(self._ledger), safe_seconds)

    # -- writing ---------------------------------------------------------------------------------------------

    def put_override(self, wish: OverrideWish) -> Override:
        """Write it down and look at once."""
        self._know_group(wish.group)
        override = Override(
            id=uuid.uuid4().hex,
            group=wish.group,
            kind=wish.kind,
            workers=wish.workers,
            author=wish.author,
            reason=wish.reason,
            created_at=self._world.clock.now(),
            expires_at=wish.expires_at,
        )
        self._ledger.put_override(override)
        self._note("override", override.describe(), "", group=wish.group)
        return override

    def end_overrides(self, group: str, kind: OverrideKind | None) -> tuple[Override, ...]:
        """Take back what was imposed on exactly this group (`*` is a group of its own here)."""
        self._know_group(group)
        found = [o for o in self._ledger.memory().overrides if o.group == group and kind in (None, o.kind)]
        for override in found:
            self._ledger.end_override(override.id)
            self._note("override_ended", f"no longer {override.describe()}", "", group=group)
        return tuple(found)

    def reset_breaker(self, group: str, author: str, reason: str) -> None:
        """Close it."""
        self._know_group(group)
        self._of_group(group, self._ledger.reset_breaker)
        self._note("breaker_reset", f"breaker closed: {reason}", author, group=group)

    def allow_shrink(self, group: str, author: str, reason: str) -> None:
        """Let a stopped group shrink again."""
        self._know_group(group)
        self._of_group(group, self._ledger.allow_scale_down)
        self._note("shrink_allowed", f"it may shrink again: {reason}", author, group=group)

    def protect(self, worker: str, author: str) -> None:
        """Keep it."""
        record = self._worker(worker)
        self._ledger.protect(worker, author)
        self._note("protected", "it is protected", author, group=record.group, worker=worker)

    def unprotect(self, worker: str, author: str) -> None:
        """Keep it no longer."""
        record = self._worker(worker)
        self._ledger.protect(worker, "")
        self._note("unprotected", "it is no longer protected", author, group=record.group, worker=worker)

    def drain(self, worker: str, kind: WishKind, author: str, reason: str, *, confirm: bool) -> DrainAnswered:
        """Note the wish; for a force, name its jobs first."""
        record = self._worker(worker)
        jobs, doubt = self._jobs_on(record) if kind is WishKind.FORCE else ((), "")
        if kind is WishKind.FORCE and not confirm:
            text = f"a force kills {len(jobs)} jobs on {worker}{doubt}; ask again with confirm"
            return DrainAnswered(worker=worker, kind=kind, accepted=False, jobs=jobs, text=text)
        wish = Wish(kind=kind, author=author, reason=reason, asked_at=self._world.clock.now())
        self._ledger.wish(worker, wish)
        killed = f", killing {', '.join(jobs) or 'no job'}{doubt}" if kind is WishKind.FORCE else ""
        self._note("wish", f"asked to {kind}{killed}: {reason}", author, group=record.group, worker=worker)
        return DrainAnswered(worker=worker, kind=kind, accepted=True, jobs=jobs, text=f"{kind} of {worker} noted")

    def keep(self, worker: str, author: str) -> None:
        """Forget the wish."""
        record = self._worker(worker)
        self._ledger.wish(worker, None)
        self._note("wish_ended", "it may stay", author, group=record.group, worker=worker)

    def go(self, author: str) -> None:
        """From now on act."""
        self._ledger.set_mode("act")
        self._note("go", "mode is act", author)

    def adopt(self, ledger: str, author: str) -> tuple[str, ...]:
        """Take over another ledger's servers."""
        self._ledger.adopt_from(ledger)
        self._note("adopt", f"the servers of ledger {ledger} are ours", author)
        return tuple(self._ledger.memory().accepted_ledgers)

    def excuse(self, worker: str, author: str, reason: str) -> None:
        """Ignore what computes there now."""
        record = self._worker(worker)
        if not record.is_leftover:
            raise NotNow(f"nothing computes on {worker} now that HTCondor knows nothing of; there is nothing to ignore")
        self._ledger.excuse(worker, Excuse(author=author, reason=reason, at=self._world.clock.now()))
        self._note("leftover_ignored", f"ignored: {reason}", author, group=record.group, worker=worker)

    def heed(self, worker: str, author: str) -> None:
        """Ignore it no longer."""
        record = self._worker(worker)
        self._ledger.excuse(worker, None)
        self._note("leftover_heeded", "a leftover process is heeded again", author, group=record.group, worker=worker)

    def alarm(self, group: str, text: str) -> float:
        """Note it and look sooner."""
        known = self._names().groups
        if group not in known:
            raise UnknownName(f"no worker group {group!r}; known: {', '.join(sorted(known)) or 'none'}")
        self._note("alarm", text, "", group=group)
        return self._loop.next_wake

    def remove_orphans(self, ids: Sequence[str], author: str, safe_seconds: float) -> Sequence[Removed]:
        """Remove what nothing speaks for, while no tick makes anything new."""
        with self._loop.between_ticks(PREVIEW_WAIT_SECONDS):
            gone = orphans.gone(self._ledger)
            removals = orphans.removed(self._world, self._ledger.memory(), gone, ids, safe_seconds)
        for one in removals:
            if one.done and one.thing is not None:
                self._note("orphan_removed", f"{one.thing.kind} {one.thing.name} {one.id}".replace("  ", " "), author)
        return removals

    def nudge(self, reason: str) -> float:
        """Look sooner."""
        return self._loop.nudge(reason)

    def enrol(self, asking: Asking) -> Granted:
        """Credentials for a new member, once."""
        return self._enrolments.enrol(asking)

    def renew(self, token: str, address: str) -> str:
        """A fresh token for a worker that shows a good one."""
        return self._enrolments.renew(token, address)

    # -- how -------------------------------------------------------------------------------------------------

    def _unready(self) -> str:
        if self._seen.ever_ready:
            return ""
        if self._seen.last is None:
            return self._seen.last_error or "the first tick has not ended yet"
        return "waiting for " + ", ".join(self._seen.missing())

    def _know_group(self, group: str) -> None:
        known = self._names().groups
        if group != ALL_GROUPS and group not in known:
            raise UnknownName(f"no worker group {group!r}; known: {', '.join(sorted(known)) or 'none'}")

    def _of_group(self, group: str, change: Callable[[str], None]) -> None:
        """Change the memory of a group (`*`: of all); one of which nothing is remembered needs none."""
        remembered = self._ledger.memory().groups
        for name in remembered if group == ALL_GROUPS else [group] if group in remembered else []:
            change(name)

    def _worker(self, worker: str) -> WorkerRecord:
        record = self._ledger.memory().workers.get(worker)
        if record is None:
            raise UnknownName(f"no worker {worker!r} is in the fleet; `elastic workers` lists them")
        return record

    def _jobs_on(self, record: WorkerRecord) -> tuple[tuple[str, ...], str]:
        if not record.machine:
            return (), ""
        found = self._world.batch.jobs_on([record.machine])
        doubt = "" if found.complete else " (not every schedd answered: there may be more)"
        return found.jobs.get(record.machine, ()), doubt

    def _note(self, kind: str, text: str, author: str, *, group: str = "", worker: str = "") -> None:
        by = f" (by {author})" if author else ""
        event = Event(at=self._world.clock.now(), kind=kind, text=text + by, group=group, worker=worker)
        self._ledger.save(MemoryChange(events=(event,)))
        self._loop.nudge(f"{kind}{by}")
