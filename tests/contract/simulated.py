"""The contract suite's pool in the simulator."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from elastic.core.memory import WorkerRecord
from elastic.ports import BatchSystem, Cloud
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.draws import Constant
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import JobEvent
from elastic_simulations.mishaps import Kind
from elastic_simulations.specs import CloudSpec, GroupModel, JobSpec, MachineSpec, PoolSpec
from elastic_simulations.striking import strike
from tests.contract.rig import WORKER, Rig, Work

T = TypeVar("T")


class SimulatedRig(Rig):
    """A pool whose times are those of the real one in the lab: cycles and updates every 5 s, boots in 2."""

    def __init__(self) -> None:
        model = GroupModel(boot=Constant(2.0), join=Constant(1.0), teardown=Constant(2.0))
        pool = PoolSpec(negotiation_seconds=5.0, update_seconds=5.0, limits={"licence": 1.0})
        self.grid = Grid(pool=pool, cloud=CloudSpec(servers=250, page_size=7), groups={"small": model})
        self.batch: BatchSystem = self.fresh_batch()
        self.cloud: Cloud = SimulatedCloud(self.grid, {"small": self.group}, self.ledger)
        self.grid.run_for(1)

    def fresh_batch(self) -> BatchSystem:
        return SimulatedBatch(self.grid, self.ledger)

    def wait(self, condition: Callable[[], T | None], seconds: float = 60.0) -> T:
        for _ in range(round(seconds * 4) + 1):
            if found := condition():
                return found
            self.grid.run_for(0.25)
        raise AssertionError(f"not within {seconds} s of the world")

    def pause(self, seconds: float) -> None:
        self.grid.run_for(seconds)

    def submit_work(self, count: int, work: Work) -> str:
        spec = JobSpec(
            request=work.request,
            run=Constant(work.seconds),
            universe=work.universe,
            held=work.held,
            fails=work.fails,
            limits=((work.limit, 1.0),) if work.limit else (),
            requires=frozenset({"unobtainium"}) if work.impossible else frozenset(),
            retirement_seconds=work.retirement_seconds,
        )
        return str(self.grid.submit(spec, count, max_idle=work.max_idle).id)

    def remove(self, cluster: str) -> None:
        for schedd in self.grid.schedds.values():
            for job in [job for job in schedd.jobs.values() if str(job.cluster.id) == cluster]:
                job.cluster.paused = True
                self.grid.execution.remove(job)

    def static_machine(self) -> str:
        return self.grid.add_machine("static.simulated", MachineSpec(total=WORKER)).name

    def restart_startd(self, worker: WorkerRecord) -> None:
        strike(self.grid, Kind.STARTD_RESTART, target=worker.name)

    def kill_server(self, worker: WorkerRecord) -> None:
        strike(self.grid, Kind.SERVER_VANISHES, target=worker.name)

    def foreign_drain(self, worker: WorkerRecord, reason: str) -> None:
        strike(self.grid, Kind.FOREIGN_DRAIN, target=worker.name, text=reason)

    def stop_schedd(self) -> None:
        self.grid.schedds["schedd"].up = False

    def start_schedd(self) -> None:
        self.grid.schedds["schedd"].up = True

    def executes(self) -> Mapping[str, int]:
        return self.grid.log.by_job(JobEvent.EXECUTE)
