"""The simulated cloud behind the port `Cloud`: what the real adapters promise, from a `Grid`."""

from collections.abc import Iterator, Mapping, Sequence

from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize, Quota, Server, Servers
from elastic.ports import Created, Malformed, NoCapacity, NotFound, PortError, QuotaExceeded, Transient
from elastic_simulations.datacentre import SimulatedServer
from elastic_simulations.faults import Call
from elastic_simulations.grid import Grid, asked
from elastic_simulations.specs import GroupModel, MachineSpec


class SimulatedCloud:
    """One daemon's access to the project; `ledger` is the identity that its servers' metadata carries."""

    def __init__(self, grid: Grid, groups: Mapping[str, GroupSpec], ledger: str) -> None:
        """Groups that the grid has no model for behave as `GroupModel` by default."""
        self._grid, self._ledger = grid, ledger
        self._groups: Mapping[str, GroupSpec] = {}
        self.reconfigure(groups)

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups for all later calls."""
        self._groups = dict(groups)
        for name in groups:
            self._grid.datacentre.declare(name, GroupModel())

    def servers(self) -> Servers:
        with self._grid.calling(Call.SERVERS):
            return Servers(servers=tuple(_server(server) for page in self._pages() for server in page))

    def lookup(self, server_id: str) -> Server:
        with self._grid.calling(Call.LOOKUP, server_id):
            server = self._grid.datacentre.servers.get(server_id)
            if server is None:
                raise NotFound(f"no server {server_id}")
            return _server(server)

    def quotas(self) -> Mapping[str, Quota]:
        with self._grid.calling(Call.QUOTAS):
            rooms = {name: self._grid.datacentre.room(spec.shape) for name, spec in self._groups.items()}
            return {name: Quota(workers_left=left, reason=reason) for name, (left, reason) in sorted(rooms.items())}

    def sizes(self) -> Mapping[str, GroupSize]:
        """Servers stand alone here."""
        return {}

    def create(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        return tuple(self._create(group, worker) for worker in workers)

    def delete(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        errors: dict[str, PortError] = {}
        for worker in workers:
            try:
                with self._grid.calling(Call.DELETE, worker.name, **asked(worker)):
                    self._delete(worker)
            except PortError as error:
                errors[worker.name] = error
        return errors

    def console(self, worker: WorkerRecord, lines: int) -> str:
        try:
            with self._grid.calling(Call.CONSOLE, worker.name):
                server = self._grid.datacentre.servers.get(worker.server_id or "")
                return "\n".join(server.console[-lines:]) if server is not None and lines > 0 else ""
        except PortError:
            return ""

    def _create(self, group: GroupSpec, worker: WorkerRecord) -> Created:
        try:
            with self._grid.calling(Call.CREATE, worker.name, **asked(worker)):
                return Created(worker=worker.name, server_id=self._made(group, worker).id)
        except PortError as error:
            return Created(worker=worker.name, error=error)

    def _made(self, group: GroupSpec, worker: WorkerRecord) -> SimulatedServer:
        datacentre = self._grid.datacentre
        existing = datacentre.named(worker.name)
        if existing is not None:
            return existing
        left, reason = datacentre.room(group.shape)
        if left == 0:
            raise QuotaExceeded(reason)
        if datacentre.full(group.name):
            raise NoCapacity(f"no valid host was found for {group.name}")
        model = datacentre.groups[group.name]
        machine = model.machine or MachineSpec(
            total=group.shape.less(group.reserve), speed=model.speed, cold_start_seconds=model.cold_start_seconds
        )
        made = datacentre.create(worker.name, group.name, group.shape, machine, ledger=self._ledger, worker=worker.name)
        if datacentre.slow("create", worker.name):
            raise Transient(f"the creation of {worker.name} was not answered in time")
        return made

    def _delete(self, worker: WorkerRecord) -> None:
        if worker.server_id is None:
            raise Malformed(f"{worker.name} has no server id: nothing is deleted by name")
        server = self._grid.datacentre.servers.get(worker.server_id)
        if server is not None:
            self._grid.datacentre.delete_soon(server)
            if self._grid.datacentre.slow("delete", worker.name):
                raise Transient(f"the deletion of {worker.name} was not answered in time")

    def _pages(self) -> Iterator[list[SimulatedServer]]:
        """The list page by page, each beginning after the last id of the one before, as a marker does."""
        size, marker = self._grid.datacentre.spec.page_size, ""
        datacentre = self._grid.datacentre
        listed = (server for key, server in datacentre.servers.items() if key not in datacentre.unlisted)
        ordered = sorted(listed, key=lambda server: server.id)
        while page := [server for server in ordered if server.id > marker][:size]:
            yield page
            marker = page[-1].id


def _server(server: SimulatedServer) -> Server:
    return Server(
        id=server.id,
        name=server.name,
        group=server.group,
        status=server.status,
        worker=server.worker,
        ledger=server.ledger,
        raw_status=server.raw_status or server.status.value,
        fault=server.fault,
    )
