"""One simulated HTCondor pool on one simulated cloud: its daemons together, moved through time."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from elastic.core.memory import WorkerRecord
from elastic_simulations.collector import Collector
from elastic_simulations.datacentre import Datacentre, SimulatedServer, launch_order
from elastic_simulations.draws import Draws
from elastic_simulations.execution import DELETED, FENCED, Execution
from elastic_simulations.faults import Call, Faults
from elastic_simulations.jobs import Cluster, JobLog
from elastic_simulations.negotiator import Negotiator
from elastic_simulations.schedd import Schedd
from elastic_simulations.specs import CloudSpec, GroupModel, JobSpec, MachineSpec, PoolSpec
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, Timeline, micros

EPOCH = 1_800_000_000.0


class Grid:
    """Deterministic: the same seed and the same calls at the same times give the same events.

    `catch_up` is called at the start of every port call: a grid that follows a clock moves there.
    """

    def __init__(
        self,
        *,
        pool: PoolSpec | None = None,
        cloud: CloudSpec | None = None,
        groups: Mapping[str, GroupModel] | None = None,
        seed: int = 0,
        epoch: float = EPOCH,
    ) -> None:
        """An empty pool at `epoch`, its negotiator about to run its first cycle."""
        self.spec = pool or PoolSpec()
        self.timeline = Timeline(epoch)
        self.draws = Draws(seed)
        self.log = JobLog()
        self.clock_ahead = 0.0  # Seconds by which the daemon's clock is.
        self.ledger = ""  # Whose servers the daemon takes for its own.
        self.strays = 0  # Servers and machines so far that nobody asked for.
        self.held_back = 0  # Jobs that will be submitted once others have ended.
        self.faults = Faults(self.timeline, self.draws)
        self.startds: dict[str, Startd] = {}
        self.schedds = {
            name: Schedd(name, timeline=self.timeline, log=self.log, draws=self.draws) for name in self.spec.schedds
        }
        self.collector = Collector(self.spec, self.timeline)
        self.execution = Execution(self.spec, self.timeline, self.log, self.schedds)
        self.negotiator = Negotiator(
            self.spec,
            self.timeline,
            collector=self.collector,
            execution=self.execution,
            schedds=self.schedds,
            startds=self.startds,
        )
        self.datacentre = Datacentre(
            cloud or CloudSpec(),
            self.timeline,
            self.draws,
            groups or {},
            joined=self._joined,
            died=self._lost_power,
            shutting_down=self._shut_down,
        )
        self.journal: Callable[[int, Call, str, Mapping[str, object]], None] | None = None
        self.catch_up: Callable[[], None] = stay
        self._lock = threading.RLock()
        self._clusters = 0

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.timeline.now

    def run_to(self, now: float) -> None:
        """Let everything up to `now` (seconds since the epoch) happen."""
        with self._lock:
            self.timeline.run_to_time(now)

    def run_for(self, seconds: float) -> None:
        """Let everything of the next `seconds` happen."""
        with self._lock:
            self.timeline.run_to(self.timeline.now_us + micros(seconds))

    @contextmanager
    def calling(self, call: Call, target: str = "", **asked: object) -> Iterator[None]:
        """Around every port call: one at a time, the world up to date, scripted errors before or after it.

        `asked` is what an acting call asks for: with it and the time, the call can be repeated from the journal.
        """
        with self._lock:
            self.catch_up()
            if self.journal is not None and (asked or self.faults.any):
                self.journal(self.timeline.now_us, call, target, asked)
            self.faults.strike(call, target, acted=False)
            yield
            self.faults.strike(call, target, acted=True)

    def submit(
        self,
        spec: JobSpec,
        count: int = 1,
        *,
        schedd: str = "",
        max_idle: int | None = None,
        materialize_limit: int | None = None,
    ) -> Cluster:
        """Submit a cluster of `count` jobs now; with `max_idle` a job factory makes them as needed."""
        with self._lock:
            self._clusters += 1
            name = schedd or self.spec.schedds[0]
            cluster = Cluster(self._clusters, name, spec, count, max_idle, materialize_limit)
            self.schedds[name].submit(cluster)
            if spec.universe == "vanilla" and not spec.held:
                self.execution.reuse(self.schedds[name], cluster.kind)
            return cluster

    def submit_at(
        self, at: float, spec: JobSpec, count: int = 1, *, schedd: str = "", max_idle: int | None = None
    ) -> None:
        """Submit that cluster at `at` (seconds since the epoch)."""

        def submit() -> None:
            self.submit(spec, count, schedd=schedd, max_idle=max_idle)

        self.timeline.at(micros(at) - self.timeline.epoch_us, Rank.SUBMIT, submit)

    def add_machine(self, name: str, spec: MachineSpec) -> Startd:
        """A machine that is not ours, running from now on."""
        with self._lock:
            startd = self._machine(name, spec, self.timeline.now_us)
            self._start(startd)
            return startd

    def stop_startd(self, startd: Startd) -> None:
        """The startd process dies, its jobs with it; its master starts it again after a while."""
        self.execution.died(startd, "startd died")
        startd.stop()
        self.timeline.after(micros(self.spec.startd_restart_seconds), Rank.CHANGE, lambda: self._restart(startd))

    def switch_off(self, startd: Startd) -> None:
        """The fence: the master switches its startd off fast and leaves it off; its ad goes with it."""
        self.execution.off(startd)
        startd.stop()
        startd.off = True
        self.collector.forget([startd.name])

    def switch_on(self, startd: Startd) -> None:
        """Take the fence back: the startd is there again, as after the seconds that the real adapter waits for it."""
        startd.off = False
        self._restart(startd)

    def silence(self, startd: Startd) -> None:
        """Cut the network between a worker and everybody else; its jobs go on."""
        startd.reachable = False
        self.execution.silent(startd)

    def reconnect(self, startd: Startd) -> None:
        """The network is back."""
        startd.reachable = True
        if startd.answers:
            self.execution.heard(startd)
            self.collector.hear(startd)

    def startd_of(self, server: SimulatedServer) -> Startd | None:
        """The startd that runs, or ran, on a server that still has power."""
        return self.startds.get(f"{server.name}.{self.spec.name}")

    def lost_jobs(self) -> tuple[str, ...]:
        """Jobs that were started more than once, whatever the cause."""
        return self.log.restarted()

    def killed_jobs(self) -> tuple[str, ...]:
        """Jobs that ran when their server was deleted or their startd fenced: what no scale-down may cause."""
        return tuple(sorted({line.job for line in self.log if line.reason in (DELETED, FENCED)}))

    def _joined(self, server: SimulatedServer) -> None:
        model = self.datacentre.groups[server.group]
        spec = server.machine
        if self.draws.happens(model.black_hole, "black hole", server.name):
            spec = replace(spec, black_hole=True)
        startd = self._machine(f"{server.name}.{self.spec.name}", spec, server.requested_us)
        startd.server_id, startd.worker = server.id, server.worker
        self._start(startd)

    def _machine(self, name: str, spec: MachineSpec, launched_us: int) -> Startd:
        launched = launch_order(launched_us, name.removesuffix(f".{self.spec.name}"))
        startd = Startd(name, spec, launched, self.timeline, self.collector.announce)
        self.startds[name] = startd
        return startd

    def _start(self, startd: Startd) -> None:
        startd.start()
        self.execution.back(startd)
        incarnation = startd.incarnation
        self.timeline.after(
            micros(self.spec.ad_delay_seconds),
            Rank.READY,
            lambda: self.collector.keep_hearing(startd, incarnation),
        )

    def _restart(self, startd: Startd) -> None:
        if startd.power and not startd.running and not startd.off:
            self._start(startd)

    def _shut_down(self, server: SimulatedServer) -> None:
        startd = self.startd_of(server)
        if startd is not None and startd.running:
            self.execution.off(startd, "server shut down")
            startd.stop()
            self.collector.forget([startd.name])

    def _lost_power(self, server: SimulatedServer) -> None:
        startd = self.startds.pop(f"{server.name}.{self.spec.name}", None)
        if startd is not None:
            startd.power = False
            server.off_us = self.timeline.now_us
            server.drained_us, server.shut = startd.drained_us, tuple(startd.shut)
            reason = DELETED if server.deleting_us is not None else "server died"
            self.execution.died(startd, reason)
            startd.stop()


def stay() -> None:
    """A grid that nobody's clock moves."""


def asked(worker: WorkerRecord) -> Mapping[str, object]:
    """What an acting call names of its worker, as the journal keeps it."""
    return {
        "group": worker.group,
        "server_id": worker.server_id,
        "machine": worker.machine,
        "address": worker.address,
    }
