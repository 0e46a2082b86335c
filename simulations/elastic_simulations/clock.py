"""The clocks of a simulated world: one follows the wall clock at a stated speed, one stands until moved."""

import time

from elastic_simulations.grid import Grid

STEP_SECONDS = 0.001


class WallClock:
    """The world's time runs `speed` times as fast as the real one, from when this clock is made."""

    def __init__(self, grid: Grid, speed: float = 1.0) -> None:
        """Start at the grid's time."""
        self.speed, self._grid = speed, grid
        self._grid_start, self._real_start = grid.now, time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch, in the world, or what a clock that was set wrong says."""
        return self._grid_start + self.monotonic() + self._grid.clock_ahead

    def monotonic(self) -> float:
        """Seconds of the world since this clock was made."""
        return (time.monotonic() - self._real_start) * self.speed


class StepClock:
    """Stands at the last arrival; each further reading of `now` is `step_seconds` later than the one before.

    Who reads it twice in a tick gets another time, and other records: so a test finds such a reading.
    """

    def __init__(self, grid: Grid, step_seconds: float = STEP_SECONDS) -> None:
        """Start at the grid's time."""
        self.readings = 0
        self._grid, self._step_seconds = grid, step_seconds

    def arrive(self, when: float) -> None:
        """Move the world to `when`, and this clock to where the world then is (a world never goes back)."""
        self._grid.run_to(when)
        self.readings = 0

    def now(self) -> float:
        """Seconds since the epoch, in the world, plus one step for each reading since the last arrival.

        A clock that was set wrong is ahead of the world, or behind it.
        """
        self.readings += 1
        return self._grid.now + self._grid.clock_ahead + (self.readings - 1) * self._step_seconds

    def monotonic(self) -> float:
        """Seconds in the world, without steps: ages must not depend on who asked how often."""
        return self._grid.now
