"""Amounts of cpus, memory, disk and gpus, and the arithmetic of fitting one into another.

Nothing about jobs or workers.
"""

from typing import NamedTuple

ENDLESS = 1_000_000_000
"""How many of nothing fit into anything."""


class Resources(NamedTuple):
    """What a job asks for, a worker has, or is still free; never negative in what a port returns."""

    cpus: int = 0
    memory_mb: int = 0
    disk_mb: int = 0
    gpus: int = 0

    def fits_in(self, room: "Resources") -> bool:
        """Whether one of these can be taken out of `room`."""
        return (
            self.cpus <= room.cpus
            and self.memory_mb <= room.memory_mb
            and self.disk_mb <= room.disk_mb
            and self.gpus <= room.gpus
        )

    def times_in(self, room: "Resources") -> int:
        """How many of these fit into `room` at once; a job may ask for nothing at all."""
        # By hand, and not as the least of four: this is asked some thousand times each tick.
        cpus, memory_mb, disk_mb, gpus = self
        has_cpus, has_memory, has_disk, has_gpus = room
        times = has_cpus // cpus if cpus else ENDLESS
        if memory_mb and has_memory // memory_mb < times:
            times = has_memory // memory_mb
        if disk_mb and has_disk // disk_mb < times:
            times = has_disk // disk_mb
        if gpus and has_gpus // gpus < times:
            times = has_gpus // gpus
        return times

    def plus(self, other: "Resources") -> "Resources":
        """The sum, resource by resource."""
        return Resources(*(a + b for a, b in zip(self, other, strict=True)))

    def less(self, other: "Resources", times: int = 1) -> "Resources":
        """What is left after taking `times` of `other`; never below zero."""
        return Resources(
            max(0, self.cpus - times * other.cpus),
            max(0, self.memory_mb - times * other.memory_mb),
            max(0, self.disk_mb - times * other.disk_mb),
            max(0, self.gpus - times * other.gpus),
        )


NOTHING = Resources()
