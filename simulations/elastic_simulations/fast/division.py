"""One group's share of a pool of several: its counts, its idle workers, and the columns of all."""

from typing import NamedTuple

from elastic.core.resources import Resources
from elastic_simulations.fast.pool import NEVER, Pool
from elastic_simulations.traces.trace import UNKNOWN


class Columns(NamedTuple):
    """Of all workers, by launch number; shared, and growing."""

    requested: list[int]
    ready_at: list[int]
    drained: list[int]
    deleted: list[int]
    since: list[int]


class Division(Pool):
    """The workers of one group; counts are its own, the columns those of the whole pool, by launch number."""

    def __init__(self, columns: Columns, offers: Resources) -> None:
        """Begin with no worker; each offers so much."""
        self.offers, self.slots = offers, offers.cpus
        self.requested, self.ready_at, self.drained, self.deleted, self.since = columns
        self.now = self.booting = self.ready = self.busy = 0
        self.jobs = self.used = 0
        self.held: dict[int, None] = {}
        self.alive: dict[int, None] = {}
        self.joined: list[int] = []
        self.idlers: dict[int, int] = {}
        self._limit = UNKNOWN

    @property
    def busy_cores(self) -> int:
        """Cores on which jobs run."""
        return self.used

    @property
    def running(self) -> int:
        """Jobs that run."""
        return self.jobs

    def old(self, limit: int) -> list[int]:
        """Idle workers that have been so since `limit` or before."""
        self._limit = limit
        return [number for number, since in self.idlers.items() if since <= limit]

    def next_old(self) -> int:
        """Since when that idle worker has been idle which will be old next; NEVER when there is none."""
        return min((since for since in self.idlers.values() if since > self._limit), default=NEVER)

    def idle_since(self) -> dict[int, int]:
        """Every idle worker, and since when."""
        return dict(self.idlers)
