"""The inside of the simulated cloud: servers that boot, fail, die and go, and the quota."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from elastic.core.observation import ServerStatus
from elastic.core.resources import NOTHING, Resources
from elastic_simulations.draws import Draws
from elastic_simulations.specs import CloudSpec, GroupModel, MachineSpec
from elastic_simulations.timeline import Rank, Timeline, micros


@dataclass(slots=True, eq=False)
class SimulatedServer:
    """One server; times in microseconds of the world, None = has not happened."""

    id: str
    name: str
    group: str
    flavor: Resources
    machine: MachineSpec
    requested_us: int
    worker: str | None = None
    ledger: str | None = None
    status: ServerStatus = ServerStatus.BUILDING
    raw_status: str = ""
    fault: str = ""
    active_us: int | None = None
    ready_us: int | None = None
    drained_us: int | None = None
    off_us: int | None = None
    shut: tuple[tuple[int, int], ...] = ()
    deleting_us: int | None = None
    gone_us: int | None = None
    console: list[str] = field(default_factory=list)


def launch_order(requested_us: int, name: str) -> tuple[int, int, str]:
    """Sorts by launch: numbers at the end of names count on together over all groups; others' servers have none."""
    last = name.rpartition("-")[2]
    return requested_us, int(last) if last.isdecimal() else 0, name


class Datacentre:
    """All servers of the project.

    `joined`, `shutting_down` and `died` tell the pool of a startd that starts, that is ended in order, of power that is
    gone.
    """

    def __init__(
        self,
        spec: CloudSpec,
        timeline: Timeline,
        draws: Draws,
        groups: Mapping[str, GroupModel],
        *,
        joined: Callable[[SimulatedServer], None],
        died: Callable[[SimulatedServer], None],
        shutting_down: Callable[[SimulatedServer], None],
    ) -> None:
        """Start without servers."""
        self.spec, self.declared, self.groups = spec, dict(groups), dict(groups)
        self.quota = spec.servers
        self.servers: dict[str, SimulatedServer] = {}
        self.gone: list[SimulatedServer] = []
        self._times: Counter[str] = Counter()
        self.boot_factor = 1.0
        self.unlisted: set[str] = set()
        self._by_name: dict[str, SimulatedServer] = {}
        self._timeline, self._draws, self._joined, self._died = timeline, draws, joined, died
        self._shutting_down = shutting_down

    def declare(self, group: str, model: GroupModel) -> None:
        """Take a group in that is not known yet."""
        self.declared.setdefault(group, model)
        self.groups.setdefault(group, model)

    def named(self, name: str) -> SimulatedServer | None:
        """The server of this name, if there is one."""
        return self._by_name.get(name)

    def create(
        self,
        name: str,
        group: str,
        flavor: Resources,
        machine: MachineSpec,
        *,
        ledger: str | None = None,
        worker: str | None = None,
    ) -> SimulatedServer:
        """A new server that boots and will be this machine; room and quota are the caller's to check."""
        # By name and how often it was used, not by order: calls in parallel threads give the same ids.
        self._times[name] += 1
        digest = blake2b(f"{name}\0{self._times[name]}".encode(), digest_size=16).hexdigest()
        server = SimulatedServer(
            id=digest,
            name=name,
            group=group,
            flavor=flavor,
            machine=machine,
            requested_us=self._timeline.now_us,
            worker=worker,
            ledger=ledger,
        )
        self.servers[server.id] = self._by_name[name] = server
        self._say(server, "power on")
        boot_us = micros(self.boot_factor * self.groups[group].boot.at(self._draws.uniform("boot", name)))
        boot_us += self._latency_us("create", name)
        if self._draws.happens(self.groups[group].boot_failure, "boot failure", name):
            self._timeline.after(boot_us, Rank.CHANGE, lambda: self.fail(server, "boot failed"))
        else:
            self._timeline.after(boot_us, Rank.CHANGE, lambda: self._booted(server))
        return server

    def room(self, flavor: Resources) -> tuple[int | None, str]:
        """How many more such servers the quota allows, and which quota says so."""
        used = NOTHING
        for server in self.servers.values():
            used = used.plus(server.flavor)
        left: list[tuple[int, str]] = []
        if self.quota is not None:
            left.append((self.quota - len(self.servers), "servers"))
        if self.spec.cpus is not None and flavor.cpus:
            left.append(((self.spec.cpus - used.cpus) // flavor.cpus, "cpus"))
        if self.spec.memory_mb is not None and flavor.memory_mb:
            left.append(((self.spec.memory_mb - used.memory_mb) // flavor.memory_mb, "memory"))
        if not left:
            return None, ""
        least, name = min(left)
        return max(0, least), f"quota of {name}"

    def full(self, group: str) -> bool:
        """Whether no host has room for another server of this group."""
        capacity = self.groups[group].capacity
        return capacity is not None and sum(s.group == group for s in self.servers.values()) >= capacity

    def slow(self, call: str, name: str) -> bool:
        """Whether this call takes longer than its caller waits."""
        return self._latency_us(call, name) > micros(self.spec.timeout_seconds)

    def delete_soon(self, server: SimulatedServer) -> None:
        """Delete it once the call has had its time; with groups that cannot be told which, the oldest one instead."""
        if self.groups[server.group].deletes_oldest:
            mine = [s for s in self.servers.values() if s.group == server.group]
            server = min(mine, key=lambda s: (s.requested_us, len(s.name), s.name))
        if delay_us := self._latency_us("delete", server.name):
            self._timeline.after(delay_us, Rank.CHANGE, lambda: self.delete(server))
        else:
            self.delete(server)

    def delete(self, server: SimulatedServer) -> None:
        """Cut the power now; the server is listed until its teardown is over."""
        if server.status is ServerStatus.DELETING:
            return
        server.status, server.deleting_us = ServerStatus.DELETING, self._timeline.now_us
        self._died(server)
        seconds = self.groups[server.group].teardown.at(self._draws.uniform("teardown", server.name))
        self._timeline.after(micros(seconds), Rank.CHANGE, lambda: self.vanish(server))

    def vanish(self, server: SimulatedServer) -> None:
        """The server is no more."""
        if self.servers.pop(server.id, None) is not None:
            self._by_name.pop(server.name, None)
            server.gone_us = self._timeline.now_us
            self.gone.append(server)
            self._died(server)

    def fail(self, server: SimulatedServer, fault: str, status: ServerStatus = ServerStatus.ERROR) -> None:
        """The server stops working and stays listed."""
        if server.status is not ServerStatus.DELETING and server.id in self.servers:
            server.status, server.fault = status, fault
            self._say(server, fault)
            self._died(server)

    def _booted(self, server: SimulatedServer) -> None:
        if server.status is not ServerStatus.BUILDING or server.id not in self.servers:
            return
        server.status, server.active_us = ServerStatus.ACTIVE, self._timeline.now_us
        self._say(server, "login:")
        model = self.groups[server.group]
        if self._draws.happens(model.never_joins, "never joins", server.name):
            self._say(server, "condor_master: cannot reach the collector")
            return
        delay = micros(model.join.at(self._draws.uniform("join", server.name)))
        self._timeline.after(delay, Rank.READY, lambda: self._ready(server))

    def _ready(self, server: SimulatedServer) -> None:
        if server.status is not ServerStatus.ACTIVE or server.id not in self.servers:
            return
        self._say(server, "condor_startd: started")
        server.ready_us = self._timeline.now_us
        self._joined(server)
        life = self.groups[server.group].life
        if life is not None:
            delay = micros(life.at(self._draws.uniform("life", server.name)))
            self._timeline.after(delay, Rank.CHANGE, lambda: self._dies(server))

    def _dies(self, server: SimulatedServer) -> None:
        if self.groups[server.group].says_goodbye and server.status is ServerStatus.ACTIVE:
            self._shutting_down(server)
        self.vanish(server)

    def _latency_us(self, call: str, name: str) -> int:
        return micros(self.spec.latency.at(self._draws.uniform(f"latency {call}", name)))

    def _say(self, server: SimulatedServer, line: str) -> None:
        server.console.append(f"[{self._timeline.now_us / 1e6:12.6f}] {line}")
