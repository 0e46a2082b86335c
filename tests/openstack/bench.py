"""The adapter alone on the lab: groups of any backend in a project of a test's own; no daemon and no pool."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elastic.adapters.openstack.cloud import OpenStackCloud
from elastic.adapters.openstack.options import site_options
from elastic.adapters.openstack.world import enrolling
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import Server, ServerStatus
from elastic.core.resources import Resources
from elastic.ports import Created, PortError, WorldSpec
from tests.openstack.project import Project
from tests.openstack.rig import OPTIONS
from tests.openstack.site import remove_groups

LEDGER = "bench-ledger"


@dataclass(frozen=True)
class Bench:
    """A cloud with some groups."""

    pool: str
    cloud: OpenStackCloud
    groups: Mapping[str, GroupSpec]

    def ask(self, group: str, *names: str) -> Sequence[Created]:
        """What came of asking for workers of these names."""
        return self.cloud.create(self.groups[group], [record(group, name) for name in names])

    def refused(self, group: str) -> PortError:
        """How one worker was refused, by its answer or as a whole."""
        try:
            (answer,) = self.ask(group, f"{group}-1")
        except PortError as error:
            return error
        assert answer.error is not None
        return answer.error

    def server(self, server_id: str | None) -> Server | None:
        """It as Nova lists it, None when it is not listed."""
        return next((one for one in self.cloud.servers().servers if one.id == server_id), None)

    def status(self, server_id: str | None) -> ServerStatus | None:
        """What Nova lists it as."""
        server = self.server(server_id)
        return server.status if server is not None else None


def record(group: str, name: str, server_id: str | None = None) -> WorkerRecord:
    """A worker that was asked for."""
    return WorkerRecord(name=name, group=group, requested_at=0.0, server_id=server_id)


def said(**options: str) -> Mapping[str, str]:
    """Options of a group that differ from a good one's in these."""
    return {**OPTIONS, "flavor": "worker-1", **options}


@contextmanager
def bench(own: Project, folder: Path, pool: str, **groups: Mapping[str, str]) -> Iterator[Bench]:
    """Groups with these options in a project, which is empty again in the end."""
    with adapter(own.clouds, folder, pool, **groups) as made:
        yield made
        remove_groups(made.cloud.services, pool, list(made.groups))


@contextmanager
def adapter(clouds: Path, folder: Path, pool: str, **groups: Mapping[str, str]) -> Iterator[Bench]:
    """The same for the cloud `lab` of any clouds.yaml, and nothing is removed."""
    key = folder / "POOL"
    key.write_bytes(b"it signs nothing that is used")
    options = {"cloud": "lab", "clouds_file": clouds, "collector": "127.0.0.1", "trust_domain": "d", "pool_key": key}
    shape = Resources(1, 1024, 1024, 0)
    specs = {group: GroupSpec(name=group, maximum=9, shape=shape, options=said) for group, said in groups.items()}
    spec = WorldSpec(pool=pool, ledger=LEDGER, folder=folder, groups=specs, options=options)
    site = site_options(options)
    made = OpenStackCloud(spec, site, enrolling(spec, site, {"collector": "127.0.0.1", "token_folder": folder}))
    try:
        yield Bench(pool, made, specs)
    finally:
        made.services.close()
