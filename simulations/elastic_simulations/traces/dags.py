"""The shape of generated DAGs: a job that forks, levels that wait for some of the one above, a job that joins."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Dag:
    """One job, then `levels` levels of `width` jobs, then one job that waits for all that nothing else waits for.

    A job of the first level waits for the one that forks, each below for 1 to `fan_in` jobs of the level above it, how
    many and which being drawn evenly.
    """

    levels: int
    width: int
    fan_in: int

    @property
    def jobs(self) -> int:
        """How many jobs one has."""
        return self.levels * self.width + 2

    def drawn(self, random: Random) -> list[list[int]]:
        """By job the jobs that must end before it, ascending; each comes before it in the list, so there is no ring."""
        before: list[list[int]] = [[]]
        above, waited_for = [0], set[int]()
        for _ in range(self.levels):
            level = list(range(len(before), len(before) + self.width))
            for _ in level:
                some = sorted(random.sample(above, 1 + random.randrange(min(self.fan_in, len(above)))))
                before.append(some)
                waited_for.update(some)
            above = level
        before.append([job for job in range(len(before)) if job not in waited_for])
        return before
