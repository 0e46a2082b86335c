"""What the contract suite needs of a world, beside its ports: ways to bring about what a port must then report."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from elastic.core.memory import Template, WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import JobShape, Machine
from elastic.core.resources import Resources
from elastic.ports import BatchSystem, Cloud

T = TypeVar("T")

SMALL = Resources(1, 64, 64, 0)
"""A job of which two fit on one worker of the suite's group."""
WORKER = Resources(2, 1024, 2048, 0)
"""The shape of the suite's group; its template has at least the cpus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The jobs of one cluster; `impossible` = they require what no machine has."""

    seconds: float = 600.0
    request: Resources = SMALL
    universe: str = "vanilla"
    held: bool = False
    fails: bool = False
    max_idle: int | None = None
    limit: str = ""
    impossible: bool = False
    retirement_seconds: int | None = None


class Rig(ABC):
    """One small pool with one worker group, in whatever world. `ledger` is our identity, `group` our only group."""

    ledger = "5b0c9e6e-contract"
    group = GroupSpec(name="small", maximum=200, shape=WORKER)
    batch: BatchSystem
    cloud: Cloud

    def submit(self, count: int = 1, **work: Any) -> str:  # noqa: ANN401  the fields of Work
        """Submit a cluster of so much Work and give its id."""
        return self.submit_work(count, Work(**work))

    def worker_of(self, machine: Machine) -> str | None:
        """Whose machine it is, by its ad; members that are made alike only have their servers' ids in it."""
        return machine.worker

    @abstractmethod
    def submit_work(self, count: int, work: Work) -> str: ...

    @abstractmethod
    def fresh_batch(self) -> BatchSystem:
        """The same pool, seen by a daemon that has just started."""

    @abstractmethod
    def wait(self, condition: Callable[[], T | None], seconds: float = 60.0) -> T:
        """What `condition` gives as soon as that is true; AssertionError after `seconds`."""

    @abstractmethod
    def pause(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def remove(self, cluster: str) -> None:
        """Take a whole cluster out of the queue."""

    @abstractmethod
    def static_machine(self) -> str:
        """The name of a running machine that is not ours."""

    @abstractmethod
    def restart_startd(self, worker: WorkerRecord) -> None:
        """End the startd's process; its master starts it again."""

    @abstractmethod
    def kill_server(self, worker: WorkerRecord) -> None:
        """The server dies under its startd, without a word to anybody."""

    @abstractmethod
    def foreign_drain(self, worker: WorkerRecord, reason: str) -> None:
        """Somebody else drains it."""

    @abstractmethod
    def stop_schedd(self) -> None:
        """The schedd answers no more."""

    @abstractmethod
    def start_schedd(self) -> None:
        """The schedd answers again."""

    @abstractmethod
    def executes(self) -> Mapping[str, int]:
        """How often each job of the queue's log was started."""


def template(rig: Rig) -> Mapping[str, Template]:
    """The template of the suite's group before anything has joined."""
    return {f"group:{rig.group.name}": Template(ad="", resources=rig.group.shape.less(rig.group.reserve))}


def shapes(rig: Rig) -> tuple[JobShape, ...]:
    """All shapes of all schedds."""
    return tuple(shape for schedd in rig.batch.queue(template(rig)).schedds for shape in schedd.shapes)


def machine_of(rig: Rig, worker: str) -> Machine | None:
    """The worker's machine as the collector shows it now."""
    return next((m for m in rig.batch.machines().machines if rig.worker_of(m) == worker), None)


def record(rig: Rig, name: str) -> WorkerRecord:
    """A worker nobody has asked for yet."""
    return WorkerRecord(name=name, group=rig.group.name, requested_at=0.0)


def launched(rig: Rig, name: str) -> WorkerRecord:
    """A worker whose server was asked for."""
    (created,) = rig.cloud.create(rig.group, [record(rig, name)])
    assert created.error is None
    return WorkerRecord(name=name, group=rig.group.name, requested_at=0.0, server_id=created.server_id)


def joined(rig: Rig, name: str) -> WorkerRecord:
    """A worker whose startd has been seen."""
    asked = launched(rig, name)
    return seen(asked, rig.wait(lambda: machine_of(rig, name)))


def seen(worker: WorkerRecord, machine: Machine) -> WorkerRecord:
    """The worker as remembered after its machine was seen."""
    return WorkerRecord(
        name=worker.name,
        group=worker.group,
        requested_at=worker.requested_at,
        server_id=worker.server_id,
        machine=machine.name,
        address=machine.address,
        started=machine.started,
        joined_at=1.0,
        active_at=1.0,
    )


def busy(rig: Rig, name: str, *, seconds: float = 600.0, retirement_seconds: int | None = None) -> WorkerRecord:
    """A worker on which one job runs."""
    rig.submit(seconds=seconds, retirement_seconds=retirement_seconds)
    worker = joined(rig, name)
    rig.wait(lambda: rig.batch.inspect(worker).claimed)
    return worker


def again(rig: Rig, worker: WorkerRecord) -> WorkerRecord:
    """The worker as remembered once its startd has been started anew and was seen."""

    def restarted() -> Machine | None:
        machine = machine_of(rig, worker.name)
        return machine if machine is not None and machine.started != worker.started else None

    return seen(worker, rig.wait(restarted))


def nonce(rig: Rig, worker: str, tick: int = 1) -> str:
    """The reason text of a drain of ours."""
    return f"elastic:{rig.ledger}:{worker}:{tick}"
