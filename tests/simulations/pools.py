"""Small simulated pools for the tests of the simulator itself."""

from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.resources import Resources
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.draws import Constant
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import JobEvent
from elastic_simulations.specs import CloudSpec, GroupModel, JobSpec, MachineSpec, PoolSpec
from elastic_simulations.startd import Startd

CORES = 2
SMALL = GroupSpec(name="small", maximum=20, shape=Resources(CORES, 4096, 20480))
LEDGER = "ledger"


def grid(pool: PoolSpec | None = None, cloud: CloudSpec | None = None, model: GroupModel | None = None) -> Grid:
    """An empty pool; a server boots in 60 s, its startd joins 10 s later."""
    return Grid(pool=pool, cloud=cloud, groups={"small": model or GroupModel()})


def cloud(world: Grid) -> SimulatedCloud:
    return SimulatedCloud(world, {"small": SMALL}, LEDGER)


def batch(world: Grid) -> SimulatedBatch:
    return SimulatedBatch(world, LEDGER)


def worker(name: str, server_id: str | None = None) -> WorkerRecord:
    return WorkerRecord(name=name, group="small", requested_at=0.0, server_id=server_id)


def machine(world: Grid, name: str = "m1", **spec: object) -> Startd:
    """A machine of two cores that has been running for a moment, so that the collector knows it."""
    made = MachineSpec(total=Resources(CORES, 4096, 20480), **spec)  # type: ignore[arg-type]
    startd = world.add_machine(name, made)
    world.run_for(2)
    return startd


def job(seconds: float = 100.0, **spec: object) -> JobSpec:
    """A job of one core."""
    return JobSpec(run=Constant(seconds), **spec)  # type: ignore[arg-type]


def story(world: Grid, name: str) -> list[tuple[float, str]]:
    """What happened to one job: seconds since the start, and the event."""
    return [(line.at_us / 1e6, line.event.value) for line in world.log if line.job == f"schedd#{name}"]


def starts(world: Grid) -> dict[str, list[float]]:
    """When each job was started, in seconds since the start."""
    told: dict[str, list[float]] = {}
    for line in world.log:
        if line.event is JobEvent.EXECUTE:
            told.setdefault(line.job.removeprefix("schedd#"), []).append(line.at_us / 1e6)
    return told
