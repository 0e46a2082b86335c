"""All ports of a simulated world together, as the daemon finds them by the name `simulated`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from elastic.core.model import GroupSpec
from elastic.ports import BatchSystem, Cloud, Finding, Telemetry, WorldSpec
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.clock import STEP_SECONDS, StepClock, WallClock
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.grid import stay
from elastic_simulations.journal import Journal
from elastic_simulations.reading import Reader, ScenarioError
from elastic_simulations.scenario import Scenario, read_scenario
from elastic_simulations.telemetry import SimulatedTelemetry

JOURNAL = "simulated-world.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings' section of this world.

    `scenario` is a file, or the name of one that comes with the simulator ("demo"); its groups are not used, only their
    models. `speed` is how many seconds pass in the world in a real second. With `step` the clock stands still between
    ticks, and the world starts at the scenario's own epoch. With `remember` the world goes on where an earlier process
    left it (`resume_at`: at that many seconds after its start), from a journal in the daemon's folder.
    """

    scenario: str = ""
    speed: float = 1.0
    step: bool = False
    step_seconds: float = STEP_SECONDS
    seed: int | None = None
    remember: bool = False
    resume_at: float | None = None


class SimulatedWorld:
    """A grid inside this process; it follows the wall clock at a speed, or stands still between arrivals.

    Unless it is told to remember, it ends with the process: the next one starts with an empty cloud.
    """

    batch: BatchSystem
    cloud: Cloud
    telemetry: Telemetry | None
    clock: StepClock | WallClock
    speed: float

    def __init__(self, spec: WorldSpec) -> None:
        """Build the world that the options describe; ValueError names what is wrong with them."""
        options = _options(spec.options)
        scenario = _scenario(options)
        self.grid = scenario.build(None if options.step else time.time())
        self._simulated = SimulatedCloud(self.grid, spec.groups, spec.ledger)
        self.batch, self.cloud = SimulatedBatch(self.grid, spec.ledger), self._simulated
        self.telemetry = SimulatedTelemetry(self.grid, scenario.telemetry)
        if options.remember:
            self._remember(spec, options, scenario)
        self.speed = options.speed
        if options.step:
            self.clock = StepClock(self.grid, options.step_seconds)
        else:
            self.clock = WallClock(self.grid, options.speed)
            self.grid.catch_up = self._catch_up

    def arrive(self, when: float) -> None:
        """A standing clock moves to exactly `when`; one that follows the wall clock is there already."""
        if isinstance(self.clock, StepClock):
            self.clock.arrive(when)

    def check(self) -> Sequence[Finding]:
        """Nothing can be wrong with it."""
        return (Finding(what="simulated pool and cloud", ok=True, seen="inside this process; nothing real is touched"),)

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups for all later calls."""
        self._simulated.reconfigure(groups)

    def close(self) -> None:
        """Stop following the clock."""
        self.grid.catch_up = stay

    def _remember(self, spec: WorldSpec, options: Options, scenario: Scenario) -> None:
        journal = Journal(spec.folder / JOURNAL)
        journal.replay(self.grid, spec.groups, spec.ledger)
        self.grid.journal = journal.write
        if options.resume_at is not None:
            self.grid.run_to(scenario.run.epoch + options.resume_at)

    def _catch_up(self) -> None:
        self.grid.run_to(self.clock.now())


def _options(raw: Mapping[str, object]) -> Options:
    reader = Reader()
    # The settings hand every world their section on HTCondor; this one has its own.
    mine = {name: value for name, value in raw.items() if name != "htcondor"}
    options = reader.read(Options, mine, "simulated")
    if options is None or reader.problems:
        raise ScenarioError(reader.problems)
    return options


def _scenario(options: Options) -> Scenario:
    if not options.scenario:
        scenario = Scenario()
    else:
        shipped = Path(str(files("elastic_simulations") / f"{options.scenario}.toml"))
        scenario = read_scenario(shipped if shipped.is_file() else Path(options.scenario))
    return scenario if options.seed is None else replace(scenario, run=replace(scenario.run, seed=options.seed))
