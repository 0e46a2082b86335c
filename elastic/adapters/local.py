"""The cloud of the one-machine pool: servers are process trees that run one real startd each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from elastic.adapters.real import RealWorld
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize, Quota, Server, Servers, ServerStatus
from elastic.local.enrolment import DAY_SECONDS
from elastic.local.errors import LimitReached, LocalError, NoSuchServer
from elastic.local.folder import Status
from elastic.local.poolfolder import PoolFolder
from elastic.local.servers import Faults, Limits, LocalServer, ServerFolder
from elastic.local.userdata import UserData
from elastic.ports import Created, Malformed, NotFound, PortError, QuotaExceeded, Transient, WorldSpec

STATUSES: Mapping[Status, ServerStatus] = {
    Status.BUILD: ServerStatus.BUILDING,
    Status.ACTIVE: ServerStatus.ACTIVE,
    Status.ERROR: ServerStatus.ERROR,
    Status.SHUTOFF: ServerStatus.STOPPED,
}
CONFIG_OPTION = "config."
"""A group's option `config.NAME` sets NAME in the condor configuration of its workers."""


class LocalCloud:
    """Servers in the folder `root` of a pool that `elastic.local.pool` started.

    Options: `root` (required), `servers` and `cores` (quota), `boot_delay_seconds` (least and most), `fail_every`
    (every n-th creation fails; 0 = none), `token_seconds` (life of a worker's token).
    """

    def __init__(self, spec: WorldSpec) -> None:
        """Read the options; ValueError names one that is wrong. The pool itself may be started later."""
        options = _Options(spec.options)
        self._pool = PoolFolder(options.path("root"))
        self._limits = Limits(servers=options.count("servers"), cores=options.count("cores"))
        self._faults = Faults(
            boot_delay_seconds=options.span("boot_delay_seconds"), fail_every=options.count("fail_every") or 0
        )
        self._token_seconds = options.seconds("token_seconds", 30 * DAY_SECONDS)
        self._tag = {"pool": spec.pool, "ledger": spec.ledger}
        self._groups = spec.groups

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed groups for all later calls."""
        self._groups = groups

    def pool_section(self) -> Mapping[str, object]:
        """What the settings' section [htcondor] would say of the pool in `root`; ValueError before it was started."""
        try:
            return {"collector": self._pool.address(), "token_folder": self._pool.token_folder}
        except LocalError as error:
            raise ValueError(f"{error}; start it first, or say in [htcondor] where it will be") from error

    def servers(self) -> Servers:
        """Every server of this pool, by name."""
        found = self._asked().servers()
        return Servers(servers=tuple(_server(s) for s in found if s.metadata.get("pool") == self._tag["pool"]))

    def lookup(self, server_id: str) -> Server:
        """One server by id."""
        try:
            return _server(self._asked().server(server_id))
        except NoSuchServer as error:
            raise NotFound(str(error)) from error

    def quotas(self) -> Mapping[str, Quota]:
        """What the limits on servers and cores leave for each group."""
        folder = self._asked()
        return {name: _quota(folder.room(group.shape.cpus)) for name, group in self._groups.items()}

    def sizes(self) -> Mapping[str, GroupSize]:
        """Servers stand alone here."""
        return {}

    def create(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Start one server each; one that is there already is returned."""
        return [self._create(group, worker.name) for worker in workers]

    def delete(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """End exactly these servers, at once."""
        outcomes = {worker.name: self._delete(worker) for worker in workers}
        return {name: error for name, error in outcomes.items() if error is not None}

    def console(self, worker: WorkerRecord, lines: int) -> str:
        """The end of its launcher's and its daemons' logs."""
        try:
            return self._asked().console(worker.server_id or "", lines)
        except PortError:
            return ""

    def _create(self, group: GroupSpec, name: str) -> Created:
        try:
            folder = self._asked()
            known = next((server for server in folder.servers() if server.name == name), None)
            # Another key for a server that has one already would shut us out of it.
            server = known or folder.create(self._user_data(group, name), self._metadata(group, name))
        except LimitReached as error:
            return Created(worker=name, error=QuotaExceeded(str(error)))
        except LocalError as error:
            return Created(worker=name, error=Malformed(str(error)))
        except OSError as error:
            return Created(worker=name, error=Transient(f"server {name}: {error}"))
        except PortError as error:
            return Created(worker=name, error=error)
        return Created(worker=name, server_id=server.id)

    def _delete(self, worker: WorkerRecord) -> PortError | None:
        if worker.server_id is None:
            return Malformed(f"the server id of {worker.name} is not known; servers are never deleted by name")
        try:
            self._asked().delete(worker.server_id)
            self._pool.enrolment(self._token_seconds).forget(worker.name)
        except NoSuchServer:
            return None
        except (LocalError, OSError) as error:
            return Transient(f"server {worker.server_id}: {error}")
        return None

    def _user_data(self, group: GroupSpec, name: str) -> UserData:
        credentials = self._pool.enrolment(self._token_seconds).enrol(name)
        config = {
            key.removeprefix(CONFIG_OPTION): value
            for key, value in group.options.items()
            if key.startswith(CONFIG_OPTION)
        }
        return UserData(
            name=name,
            collector=self._pool.address(),
            token=credentials.token,
            signing_key=credentials.signing_key,
            signing_key_id=credentials.signing_key_id,
            cpus=group.shape.cpus,
            memory_mb=group.shape.memory_mb,
            disk_mb=group.shape.disk_mb,
            gpus=group.shape.gpus,
            attributes={"ElasticWorker": name, "ElasticGroup": group.name, "ElasticPool": self._tag["pool"]},
            config=config,
        )

    def _metadata(self, group: GroupSpec, name: str) -> Mapping[str, str]:
        return {**self._tag, "group": group.name, "worker": name}

    def _asked(self) -> ServerFolder:
        """The folder of servers; Transient while no pool was started in `root`."""
        try:
            prefix = self._pool.prefix()
        except LocalError as error:
            raise Transient(str(error)) from error
        return ServerFolder(root=self._pool.servers, prefix=prefix, limits=self._limits, faults=self._faults)


class LocalWorld(RealWorld):
    """The one-machine pool with its local cloud, as the daemon finds them by the name `local`.

    Without a section [htcondor] the collector and the tokens are those of the pool in `root`.
    """

    def __init__(self, spec: WorldSpec) -> None:
        """Read the options; ValueError names one that is wrong."""
        cloud = LocalCloud(spec)
        said = spec.options.get("htcondor")
        super().__init__(spec, cloud, said if isinstance(said, Mapping) else cloud.pool_section())


class _Options:
    """Options by name, each checked when it is asked for."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._options = options

    def path(self, name: str) -> Path:
        value = self._options.get(name)
        if not isinstance(value, str | Path) or not str(value):
            raise ValueError(f"{name}: the folder of a local pool is required")
        return Path(value)

    def count(self, name: str) -> int | None:
        value = self._options.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name}: must be a whole number from 0, not {value!r}")
        return value

    def seconds(self, name: str, default: float) -> float:
        value = self._options.get(name, default)
        match value:
            case int() | float() if value > 0:
                return float(value)
            case _:
                raise ValueError(f"{name}: must be a number of seconds, not {value!r}")

    def span(self, name: str) -> tuple[float, float]:
        value = self._options.get(name, (0.0, 0.0))
        match value:
            case [int() | float() as low, int() | float() as high] if 0 <= low <= high:
                return (float(low), float(high))
            case _:
                raise ValueError(f"{name}: must be two numbers of seconds, the least first, not {value!r}")


def _server(server: LocalServer) -> Server:
    return Server(
        id=server.id,
        name=server.name,
        group=server.metadata.get("group", ""),
        status=STATUSES[server.status],
        worker=server.metadata.get("worker"),
        ledger=server.metadata.get("ledger"),
        raw_status=server.status.value,
        fault=server.fault,
    )


def _quota(room: int | None) -> Quota:
    return Quota(workers_left=room, reason="" if room is None else f"the local cloud has room for {room} more")
