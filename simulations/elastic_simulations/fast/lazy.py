"""The fleet as the planner sees it: a Worker is made when the planner looks at it, and not before."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from elastic.core.lifecycle import Phase
from elastic.core.memory import Drain, WorkerRecord
from elastic.core.model import LazyWorkers, Worker
from elastic_simulations.fast.pool import Pool
from elastic_simulations.traces.trace import UNKNOWN

BUSY, NOT_YET = "busy", "not idle long enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How workers are called, and the length of a unit: from columns to what the core reads."""

    group: str
    ledger: str
    unit_seconds: float

    def name(self, number: int) -> str:
        """As the planner names the launch of that number (from 0)."""
        return f"{self.group}-{self.ledger[:8]}-{number + 1}"

    def number(self, name: str) -> int:
        """The launch number (from 0) of a worker's name."""
        return int(name.rpartition("-")[2]) - 1


class Fleet(LazyWorkers):
    """The workers of a pool at its present moment; only good until the pool moves on."""

    __slots__ = ("_cancels", "_idle_units", "_names", "_pool")

    def __init__(self, pool: Pool, names: Names, idle_units: int, *, cancels: bool) -> None:
        """See the pool as it is; workers that have been idle for `idle_units` may go."""
        self._pool = pool
        self._names = names
        self._idle_units = idle_units
        self._cancels = cancels

    @property
    def _old(self) -> Sequence[int]:
        return self._pool.old(self._pool.now - self._idle_units)

    def building_victims(self) -> list[Worker]:
        if not self._cancels or not self._pool.booting:
            return []
        found = [worker for worker in self if worker.phase is Phase.BOOTING]
        return sorted(found, key=lambda w: (-w.record.requested_at, w.name))

    def idle_victims(self) -> list[Worker]:
        old = self._old
        found = [self._worker(number, self._pool.since[number], old) for number in old]
        return sorted(found, key=lambda w: (-(w.idle_seconds or 0.0), w.name))

    def unfinished(self) -> list[Worker]:
        found = [self._worker(number, self._pool.since[number], ()) for number in self._pool.held]
        return sorted(found, key=lambda w: w.name)

    def why_kept(self) -> str:
        counts = ((BUSY, self._pool.busy), (NOT_YET, self._pool.idle - len(self._old)))
        return ", ".join(f"{count} {reason}" for reason, count in counts if count)

    def __len__(self) -> int:
        return self._pool.booting + self._pool.ready + len(self._pool.held)

    def __iter__(self) -> Iterator[Worker]:
        idle = self._pool.idle_since() | {number: self._pool.since[number] for number in self._pool.held}
        old = frozenset(self._old)
        found = [self._worker(number, idle.get(number), old) for number in self._pool.alive]
        return iter(sorted(found, key=lambda w: w.name))

    @overload
    def __getitem__(self, index: int) -> Worker: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Worker]: ...
    def __getitem__(self, index: int | slice) -> Worker | Sequence[Worker]:
        return tuple(self)[index]

    def _worker(self, number: int, idle_since: int | None, old: Collection[int]) -> Worker:
        """`idle_since` is None for a worker that has a job, or has not joined."""
        pool, seconds = self._pool, self._names.unit_seconds
        phase = self._phase(number)
        busy = phase is Phase.READY and idle_since is None
        joined = pool.ready_at[number]
        idle = None if idle_since is None else (pool.now - idle_since) * seconds
        began = pool.requested[number] if joined == UNKNOWN else joined
        return Worker(
            self._names.name(number),
            self._names.group,
            phase,
            busy,
            idle,
            (pool.now - began) * seconds,
            False,  # noqa: FBT003 - the fields of a tuple
            False,  # noqa: FBT003
            _keep(busy=busy, old=number in old) if phase is Phase.READY else "",
            self._record(number, phase),
            phase is Phase.BOOTING,
        )

    def _phase(self, number: int) -> Phase:
        if number in self._pool.held:
            return Phase.DRAINED
        if self._pool.ready_at[number] == UNKNOWN:
            return Phase.BOOTING if self._cancels else Phase.JOINING
        return Phase.READY

    def _record(self, number: int, phase: Phase) -> WorkerRecord:
        pool, seconds = self._pool, self._names.unit_seconds
        joined = pool.ready_at[number]
        drained = pool.drained[number] * seconds
        return WorkerRecord(
            name=self._names.name(number),
            group=self._names.group,
            requested_at=pool.requested[number] * seconds,
            server_id=self._names.name(number),
            joined_at=None if joined == UNKNOWN else joined * seconds,
            drain=Drain(nonce="", asked_at=drained, confirmed_at=drained) if phase is Phase.DRAINED else None,
        )


def _keep(*, busy: bool, old: bool) -> str:
    if busy:
        return BUSY
    return "" if old else NOT_YET
