"""The fleet as the planner sees it: a Worker is made when the planner looks at it, and not before."""

from collections.abc import Collection, Iterator, Sequence
from typing import overload

from elastic.core.lifecycle import Phase
from elastic.core.model import LazyWorkers, Worker, is_settled
from elastic_simulations.fast.names import Names
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.records import Records
from elastic_simulations.fast.units import Scale
from elastic_simulations.traces.trace import UNKNOWN

BUSY, NOT_YET = "busy", "not idle long enough"


class Fleet(LazyWorkers):
    """The workers of a pool at its present moment; only good until the pool moves on."""

    __slots__ = ("_cancels", "_made", "_made_at", "_names", "_pool", "_records", "_scale", "idle_units")

    def __init__(
        self, pool: Pool, names: Names, records: Records, scale: Scale, idle_units: int, *, cancels: bool
    ) -> None:
        """See the pool as it is; workers that have been idle for `idle_units` may go."""
        self._pool = pool
        self._names = names
        self._records = records
        self._scale = scale
        self.idle_units = idle_units
        self._cancels = cancels
        self._made: list[Worker] = []
        self._made_at = UNKNOWN

    @property
    def _old(self) -> Sequence[int]:
        return self._pool.old(self._pool.now - self.idle_units)

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
        if not (self._pool.held or self._records.going):
            return []
        found = [self._worker(number, self._pool.since[number], ()) for number in self._pool.held]
        found += [self._worker(number, None, ()) for number in self._deleting()]
        return sorted(found, key=lambda w: w.name)

    def why_kept(self) -> str:
        counts = ((BUSY, self._pool.busy), (NOT_YET, self._pool.idle - len(self._old)))
        return ", ".join(f"{count} {reason}" for reason, count in counts if count)

    def _deleting(self) -> list[int]:
        return [number for number, going in self._records.going.items() if going.phase is Phase.DELETING]

    def __len__(self) -> int:
        return self._pool.booting + self._pool.ready + len(self._pool.held) + len(self._records.going)

    def __iter__(self) -> Iterator[Worker]:
        if self._made_at != self._pool.now:
            self._made, self._made_at = self._everyone(), self._pool.now
        return iter(self._made)

    def _everyone(self) -> list[Worker]:
        idle = self._pool.idle_since() | {number: self._pool.since[number] for number in self._pool.held}
        old = frozenset(self._old)
        everyone = (*self._pool.alive, *self._records.going)
        return sorted([self._worker(number, idle.get(number), old) for number in everyone], key=lambda w: w.name)

    @overload
    def __getitem__(self, index: int) -> Worker: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Worker]: ...
    def __getitem__(self, index: int | slice) -> Worker | Sequence[Worker]:
        return tuple(self)[index]

    def _worker(self, number: int, idle_since: int | None, old: Collection[int]) -> Worker:
        """`idle_since` is None for a worker that has a job, has not joined, or has no startd any more."""
        phase = self._phase(number)
        busy = phase is Phase.READY and idle_since is None
        record = self._records.of(number)
        began = _BEGAN[phase](record.requested_at, record.active_at, record.joined_at)
        return Worker(
            record.name,
            self._names.group,
            phase,
            busy,
            None if idle_since is None else self._scale.span(self._pool.now - idle_since),
            self._scale.at(self._pool.now) - began,
            False,  # noqa: FBT003 - the fields of a tuple
            phase is Phase.DELETING,
            _keep(busy=busy, old=number in old) if phase is Phase.READY else "",
            record,
            phase is Phase.BOOTING,
            steady=phase is Phase.READY and is_settled(record),
        )

    def _phase(self, number: int) -> Phase:
        going = self._records.going.get(number)
        if going is not None:
            return going.phase
        if number in self._pool.held:
            return Phase.DRAINED
        if self._pool.ready_at[number] == UNKNOWN:
            return Phase.BOOTING if self._cancels else Phase.JOINING
        return Phase.READY


def _asked(requested: float, _active: float | None, _joined: float | None) -> float:
    return requested


def _active(requested: float, active: float | None, _joined: float | None) -> float:
    return requested if active is None else active


def _joined(requested: float, _active: float | None, joined: float | None) -> float:
    return requested if joined is None else joined


_BEGAN = {
    Phase.BOOTING: _asked,
    Phase.JOINING: _active,
    Phase.READY: _joined,
    Phase.DRAINED: _joined,
    Phase.DELETING: _asked,
    Phase.GONE: _asked,
}
"""Since when a worker is in what its phase's timer watches, from when it was asked for, seen active, seen joined."""


def _keep(*, busy: bool, old: bool) -> str:
    if busy:
        return BUSY
    return "" if old else NOT_YET
