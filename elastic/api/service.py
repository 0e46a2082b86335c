"""What the HTTP interface asks of the daemon; the daemon implements it, tests may too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from elastic.core.memory import Event, Memory, WishKind
from elastic.core.orphans import OrphansFound, Removed
from elastic.core.override import Override, OverrideKind
from elastic.core.record import TickRecord
from elastic.ports import Asking, ElasticError, Granted


class UnknownName(ElasticError):
    """No such group or worker; the text names those that exist."""


class NotNow(ElasticError):
    """It cannot be done at this moment; the text says why and when to ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the daemon itself is. `unhealthy` and `unready` say why, and are empty if all is well.

    `next_wake` is on the world's clock; `tick_running_seconds` is None between ticks.
    """

    version: str
    pool: str
    ledger: str
    world: str
    mode: str
    started_at: float
    now: float
    next_wake: float
    wake_reason: str
    ticks: int
    failed_ticks: int
    unhealthy: str = ""
    unready: str = ""
    last_error: str = ""
    tick_running_seconds: float | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideWish:
    """An override as an operator asks for it; `expires_at` is on the world's clock."""

    group: str
    kind: OverrideKind
    workers: int | None
    author: str
    reason: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainAnswered:
    """What became of an operator's wish that a worker leave: taken, or first the jobs that it would kill."""

    worker: str
    kind: WishKind
    accepted: bool
    jobs: tuple[str, ...] = ()
    text: str = ""


class Reading(Protocol):
    """What may be read at any time; nothing here waits for a tick."""

    def health(self) -> Health:
        """How the daemon is."""

    def last(self) -> TickRecord | None:
        """The record of the newest tick; None before the first."""

    def memory(self) -> Memory:
        """What the ledger holds now, newer than the last tick after an operator's write."""

    def records(self, limit: int) -> Sequence[str]:
        """The newest `limit` records as JSON text, oldest first."""

    def events(self, limit: int, since: float | None, group: str | None, worker: str | None) -> Sequence[Event]:
        """The newest `limit` events, oldest first."""

    def preview(self) -> TickRecord:
        """A dry tick now: what would be done and why. Raise NotNow while a tick runs for long."""

    def orphans(self, safe_seconds: float) -> OrphansFound:
        """What carries the pool's tag and belongs to nothing; between ticks, and raises NotNow or PortError."""


class Writing(Protocol):
    """What an operator may ask; each is durable when it returns. Raise UnknownName, NotNow, LedgerError."""

    def remove_orphans(self, ids: Sequence[str], author: str, safe_seconds: float) -> Sequence[Removed]:
        """Remove those of them that nothing speaks for; between ticks, and raises NotNow or PortError."""

    def put_override(self, wish: OverrideWish) -> Override:
        """Impose it; it replaces the group's override of the same kind."""

    def end_overrides(self, group: str, kind: OverrideKind | None) -> tuple[Override, ...]:
        """Take back the group's overrides (of one kind); return those that were there."""

    def reset_breaker(self, group: str, author: str, reason: str) -> None:
        """Close the group's breaker and forget its failures."""

    def allow_shrink(self, group: str, author: str, reason: str) -> None:
        """Let a group shrink again after something vanished that was not asked for."""

    def protect(self, worker: str, author: str) -> None:
        """Let nobody but a force remove this worker."""

    def unprotect(self, worker: str, author: str) -> None:
        """Take a protection back."""

    def drain(self, worker: str, kind: WishKind, author: str, reason: str, *, confirm: bool) -> DrainAnswered:
        """Note the wish that this worker leave; an unconfirmed force only names the jobs it would kill."""

    def keep(self, worker: str, author: str) -> None:
        """Take back the wish that this worker leave."""

    def go(self, author: str) -> None:
        """From observe to act, for good."""

    def adopt(self, ledger: str, author: str) -> tuple[str, ...]:
        """Take over the servers that carry this ledger's identity; return all taken over so far."""

    def excuse(self, worker: str, author: str, reason: str) -> None:
        """Ignore the leftover process that this worker has now. Raise NotNow when it has none."""

    def heed(self, worker: str, author: str) -> None:
        """No longer ignore a leftover process."""

    def alarm(self, group: str, text: str) -> float:
        """Note what the cloud's monitoring says of a group, bring the next tick forward; return when it is due."""

    def nudge(self, reason: str) -> float:
        """Bring the next tick forward; return when it is due."""

    def enrol(self, asking: Asking) -> Granted:
        """Credentials for a server at its first boot; raise NotEnrolled, or PortError when the cloud does not say."""

    def renew(self, token: str, address: str) -> str:
        """A fresh token for a worker that shows a good one; raise NotEnrolled, or PortError: ask again."""


class Service(Reading, Writing, Protocol):
    """The daemon as the HTTP interface sees it."""


class Measurements(Protocol):
    """What is measured, and where requests are counted."""

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is the path's pattern."""
