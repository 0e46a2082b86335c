"""All ports of a simulated world together, as the daemon finds them by the name `simulated`."""

from collections.abc import Mapping, Sequence

from elastic.core.model import GroupSpec
from elastic.ports import Finding, WorldSpec
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.clock import StepClock, WallClock
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.grid import Grid
from elastic_simulations.telemetry import SimulatedTelemetry


class SimulatedWorld:
    """A grid inside this process; it follows the wall clock at a speed, or stands still between arrivals.

    It ends with the process: the next one starts with an empty cloud, whatever the ledger remembers.
    """

    def __init__(self, spec: WorldSpec) -> None:
        """Build the world that the options describe."""
        self._assemble(Grid(), spec, speed=1.0)

    def _assemble(self, grid: Grid, spec: WorldSpec, *, speed: float, step: bool = False) -> None:
        self.grid = grid
        self.batch = SimulatedBatch(grid, spec.ledger)
        self.cloud = SimulatedCloud(grid, spec.groups, spec.ledger)
        self.telemetry = SimulatedTelemetry(grid)
        self.speed = speed
        self.clock: StepClock | WallClock = StepClock(grid) if step else WallClock(grid, speed)
        if isinstance(self.clock, WallClock):
            grid.catch_up = self._catch_up

    def arrive(self, when: float) -> None:
        """A standing clock moves to exactly `when`; one that follows the wall clock is there already."""
        if isinstance(self.clock, StepClock):
            self.clock.arrive(when)

    def check(self) -> Sequence[Finding]:
        """Nothing can be wrong with it."""
        return (Finding(what="simulated pool and cloud", ok=True, seen="inside this process; nothing real is touched"),)

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups for all later calls."""
        self.cloud.reconfigure(groups)

    def close(self) -> None:
        """Stop following the clock."""
        self.grid.catch_up = _stay

    def _catch_up(self) -> None:
        self.grid.run_to(self.clock.now())


def _stay() -> None:
    """A closed world stands still."""
