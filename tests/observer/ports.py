"""Ports whose answers a test writes: values, errors, or calls that hang until they are let go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TypeVar, cast

from elastic.core.memory import Memory, Template, WorkerRecord
from elastic.core.model import SiteSpec
from elastic.core.observation import (
    Attempt,
    GroupSize,
    Inspection,
    JobsOnWorkers,
    Load,
    Machines,
    Negotiation,
    Observations,
    Queue,
    Quota,
    Server,
    Servers,
    ServerStatus,
)
from elastic.observer import Inline, Observer, Threads
from elastic.ports import BatchView, Calls, Cloud, NotFound

T = TypeVar("T")


@dataclass
class Stand:
    """Answers what `says` holds under a method's name: a value, an error to raise, or something to call for either."""

    says: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    monotonic_seconds: float = 1000.0
    lock: Lock = field(default_factory=Lock)

    def now(self) -> float:
        raise AssertionError("the driver alone reads the wall clock")

    def monotonic(self) -> float:
        return self.monotonic_seconds

    def machines(self) -> Machines:
        return self.answer("machines", Machines(machines=()))

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        return self.answer("queue", Queue(schedds=()))

    def negotiation(self) -> Negotiation:
        return self.answer("negotiation", Negotiation())

    def attempts(self) -> Sequence[Attempt]:
        return self.answer("attempts", ())

    def jobs_on(self, machines: Sequence[str]) -> JobsOnWorkers:
        return self.answer("jobs_on", JobsOnWorkers(jobs={}, complete=True))

    def inspect(self, worker: WorkerRecord) -> Inspection:
        return self.answer(f"inspect {worker.name}", Inspection(answered=False))

    def servers(self) -> Servers:
        return self.answer("servers", Servers(servers=()))

    def lookup(self, server_id: str) -> Server:
        self.answer(f"lookup {server_id}", None)
        listed = {server.id: server for server in cast("Servers", self.says["cloud"]).servers}
        if server_id not in listed:
            raise NotFound(server_id)
        return listed[server_id]

    def quotas(self) -> Mapping[str, Quota]:
        return self.answer("quotas", {})

    def sizes(self) -> Mapping[str, GroupSize]:
        return self.answer("sizes", {})

    def load(self, workers: Mapping[str, str]) -> Load:
        return self.answer("load", Load(by_worker=dict.fromkeys(workers, 0.5)))

    def answer(self, name: str, usual: T) -> T:
        with self.lock:
            self.asked.append(name)
        said = self.says.get(name, usual)
        if isinstance(said, Exception):
            raise said
        return cast("Callable[[], T]", said)() if callable(said) else cast("T", said)


class Hanging:
    """A call that hangs until `let_go`, and then answers."""

    def __init__(self, answer: object) -> None:
        self._answer = answer
        self._event = Event()

    def __call__(self) -> object:
        self._event.wait(20)
        return self._answer

    def let_go(self) -> None:
        self._event.set()


def observer(stand: Stand, calls: Calls | None = None, seconds: float = 0.2, *, load: bool = False) -> Observer:
    names = ("machines", "servers", "queue", "negotiation", "quotas", "load", "sizes", "attempts", "answers")
    return Observer(
        batch=cast("BatchView", stand),
        cloud=cast("Cloud", stand),
        telemetry=stand if load else None,
        clock=stand,
        calls=calls or Inline(),
        deadlines=dict.fromkeys(names, seconds),
    )


def threaded(stand: Stand, seconds: float = 0.2) -> Observer:
    return observer(stand, Threads(), seconds)


def look(observer: Observer, *records: WorkerRecord) -> Observations:
    memory = Memory(ledger="ours", pool="test", workers={record.name: record for record in records})
    return observer.observe(memory, {}, SiteSpec())


def record(number: int, **fields: object) -> WorkerRecord:
    known = {"server_id": f"s{number}", "active_at": 1.0, **fields}
    return WorkerRecord(name=f"w{number}", group="g", requested_at=0.0, **known)  # type: ignore[arg-type]


def listed(*numbers: int) -> Servers:
    active = ServerStatus.ACTIVE
    return Servers(servers=tuple(Server(id=f"s{n}", name=f"w{n}", group="g", status=active) for n in numbers))
