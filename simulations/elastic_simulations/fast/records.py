"""What the daemon remembers of each worker, as far as decisions and records tell of it, from one tick to the next.

A drain is confirmed at the tick after it was asked for; a server that is gone is asked for at two ticks, and forgotten
at the second. Until then it counts against the group's maximum.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

from elastic.core.lifecycle import Phase
from elastic.core.memory import Drain, WorkerRecord
from elastic_simulations.fast.names import Names
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.units import Scale
from elastic_simulations.traces.trace import UNKNOWN

POOL = "simulated"
"""The name of a simulated pool: machines are called after it."""


@dataclass(slots=True)
class Going:
    """A worker whose deletion was asked for; at each of the `looks` (ticks) since then the cloud knew it no more."""

    asked_at: float
    reason: str
    looks: int = 0
    missing_at: float | None = None

    @property
    def phase(self) -> Phase:
        """Gone is who is missing for the second time."""
        return Phase.DELETING if self.looks < 2 else Phase.GONE  # noqa: PLR2004 - asked twice


@dataclass(slots=True)
class Sight:
    """When a tick first saw a worker active and joined, whether one saw it busy, and whether it has stayed."""

    active: float | None = None
    joined: float | None = None
    busy: bool = False
    counted: bool = False


class Records:
    """The records of one group's workers, by launch number. With `recorded` they are what a ledger would hold."""

    def __init__(self, pool: Pool, names: Names, scale: Scale, *, recorded: bool, building: bool) -> None:
        """Know nobody; `building` = servers are listed as building until they join, else as active."""
        self.going: dict[int, Going] = {}
        self._pool, self._names, self._scale = pool, names, scale
        self._drains: dict[int, Drain] = {}
        self._times_drained: dict[int, int] = {}
        self._sights: dict[int, Sight] | None = {} if recorded else None
        self._building = building
        self.moving = recorded
        """Whether ticks have anything to look at."""

    @property
    def deleting(self) -> int:
        """Workers that are leaving and still count as there."""
        return sum(going.phase is Phase.DELETING for going in self.going.values()) if self.going else 0

    def look(self, now: float, young_seconds: float) -> None:
        """A tick sees what has become of everybody."""
        for number, drain in self._drains.items():
            if drain.confirmed_at is None and number not in self.going:
                self._drains[number] = replace(drain, confirmed_at=now)
        for going in self.going.values():
            going.looks += 1
            going.missing_at = now if going.missing_at is None else going.missing_at
        if self._sights is not None:
            self._see(self._sights, now, young_seconds)

    def _see(self, sights: dict[int, Sight], now: float, young_seconds: float) -> None:
        pool = self._pool
        idle = pool.idle_since()
        for number in pool.alive:
            sight = sights.setdefault(number, Sight())
            ready = pool.ready_at[number] != UNKNOWN
            if sight.active is None and (ready or not self._building) and self._scale.at(pool.requested[number]) < now:
                sight.active = now
            if ready:
                sight.joined = now if sight.joined is None else sight.joined
                sight.busy = sight.busy or (number not in idle and number not in pool.held)
                sight.counted = sight.counted or now - sight.joined >= young_seconds

    def joined_before(self, number: int, now: float) -> bool:
        """Whether a tick before this one has seen the worker joined."""
        sight = self._sights.get(number) if self._sights is not None else None
        return sight is not None and sight.joined is not None and sight.joined < now

    def drain(self, number: int, nonce: str, now: float) -> None:
        """Its startd was asked to drain, and does."""
        self.moving = True
        times = self._times_drained[number] = self._times_drained.get(number, 0) + 1
        self._drains[number] = Drain(nonce=nonce, asked_at=now, request_id=str(times), started=self._started(number))

    def resume(self, number: int) -> None:
        """Its drain was taken back."""
        del self._drains[number]

    def delete(self, number: int, reason: str, now: float) -> None:
        """Its server was deleted."""
        self.moving = True
        self.going[number] = Going(now, reason)

    def forget(self, number: int) -> None:
        """It is not in the fleet any more."""
        del self.going[number]
        self._drains.pop(number, None)
        if self._sights is not None:
            self._sights.pop(number, None)

    def of(self, number: int) -> WorkerRecord:
        """All that is remembered of one worker."""
        pool, scale, name = self._pool, self._scale, self._names.name(number)
        if self._sights is None:
            ready = pool.ready_at[number]
            record = WorkerRecord(
                name=name,
                group=self._names.group,
                requested_at=scale.at(pool.requested[number]),
                server_id=name,
                joined_at=None if ready == UNKNOWN else scale.at(ready),
                drain=self._drains.get(number),
            )
        else:
            record = self._whole(self._sights.get(number) or Sight(), number, name)
        going = self.going.get(number)
        return record if going is None else _leaving(record, going)

    def _whole(self, sight: Sight, number: int, name: str) -> WorkerRecord:
        """As a ledger would hold it."""
        joined, machine = sight.joined is not None, f"{name}.{POOL}"
        return WorkerRecord(
            name=name,
            group=self._names.group,
            requested_at=self._scale.at(self._pool.requested[number]),
            server_id=_server_id(name),
            active_at=sight.active,
            joined_at=sight.joined,
            machine=machine if joined else "",
            address=f"<sim:{machine}:1>" if joined else "",
            started=self._started(number) if joined else 0,
            drain=self._drains.get(number),
            busy_seen=sight.busy,
            counted=sight.counted,
        )

    def _started(self, number: int) -> int:
        """Its startd's start in whole seconds, as ads tell it."""
        scale = self._scale
        return max(1, (scale.epoch_us + self._pool.ready_at[number] * scale.unit) // 1_000_000)


def _leaving(record: WorkerRecord, going: Going) -> WorkerRecord:
    joined = record.joined_at is not None
    return replace(
        record,
        fence_asked_at=going.asked_at if joined else None,
        delete_asked_at=going.asked_at,
        delete_begun_at=going.asked_at,
        delete_reason=going.reason,
        vanished_at=going.missing_at if joined else None,
        missing_since=going.missing_at,
        cleared_at=going.missing_at,
    )


def _server_id(name: str) -> str:
    """As the simulated cloud makes the id of the first server of a name."""
    return blake2b(f"{name}\0001".encode(), digest_size=16).hexdigest()
