"""One OpenStack project as a cloud: each worker group's servers are made by its backend, and Nova lists them all."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from elastic.adapters.openstack import checks, tokenlife
from elastic.adapters.openstack.admission import Admission
from elastic.adapters.openstack.belongings import Belongings
from elastic.adapters.openstack.clusterclient import ClientClusters
from elastic.adapters.openstack.clusters import Clusters, SdkClusters
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.enrolment import Enrolling
from elastic.adapters.openstack.errors import unsent
from elastic.adapters.openstack.heat import HeatGroup
from elastic.adapters.openstack.names import Names
from elastic.adapters.openstack.nova import NovaBackend
from elastic.adapters.openstack.options import GroupOptions, SiteOptions, group_options
from elastic.adapters.openstack.pace import Pace
from elastic.adapters.openstack.quotas import Quotas, quota, takes
from elastic.adapters.openstack.senlin import SenlinGroup
from elastic.adapters.openstack.servers import fault, grouped, listed, server
from elastic.adapters.openstack.zones import Zones
from elastic.adapters.plain import plainly
from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.core.observation import GroupSize, Quota, Server, Servers
from elastic.core.orphans import Belonging, Kind
from elastic.ports import Created, Finding, Malformed, PortError, Throttled, Transient, WorldSpec

CLUSTERS: Mapping[str, Callable[[Services], Clusters]] = {
    "openstacksdk": SdkClusters,
    "python-senlinclient": ClientClusters,
}


NO_URL = (
    "members of a stack or cluster fetch their own credentials, so say in cloud.options.enrol_url where they reach the "
    'daemon; or let them share one key and token: options.enrolment = "shared"'
)


class OpenStackCloud:
    """Implements `elastic.ports.Cloud`; each group's backend makes and deletes its servers, Nova lists them all."""

    def __init__(self, spec: WorldSpec, site: SiteOptions, enrolling: Enrolling) -> None:
        """Read the groups' options; ValueError names those that are wrong."""
        self.services = Services(site.cloud, site.region, site.call_seconds, site.clouds_file)
        self.names = Names(self.services)
        self._tag = enrolling.tag
        self._quotas = Quotas(self.services)
        self.belongings = Belongings(self.services, self._tag.pool)
        self._zones = Zones()
        self._nova = NovaBackend(self.services, self.names, self._tag, enrolling, Pace(site.calls_at_once), self._zones)
        self._enrolling = enrolling
        self._alike: dict[str, HeatGroup | SenlinGroup] = {}
        self._lock = threading.Lock()
        self._vcpus: Mapping[str, int] = {}
        self._listed: Mapping[str, frozenset[str]] = {}
        self._groups = spec.groups
        self._options = _options(spec.groups, site)
        self._site = site
        self.admission = Admission(self.services, enrolling)

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed groups for all later calls; ValueError names options that are wrong."""
        self._options = _options(groups, self._site)
        self._groups = groups
        for name, alike in self._alike.items():
            if name in groups:
                alike.group, alike.options = groups[name], self._options[name]
        self.names.forget()

    @property
    def options(self) -> Mapping[str, GroupOptions]:
        """Of every group, as they are now."""
        return self._options

    def servers(self) -> Servers:
        """Every server of the pool, from every page of Nova's list."""
        found = list(listed(self.services, self._tag.pool))
        for one in found:
            self._zones.saw(one)
        self._listed = grouped(found)
        self._vcpus = {one["id"]: int(one["flavor"]["vcpus"]) for one in found}
        return Servers(servers=tuple(sorted((server(one) for one in found), key=lambda s: (s.name, s.id))))

    def vcpus(self) -> Mapping[str, int]:
        """How many each server has, by id, as the newest list said."""
        return self._vcpus

    def lookup(self, server_id: str) -> Server:
        """One server by id."""
        return server(self.services.call("compute", "GET", f"/servers/{server_id}")["server"])

    def quotas(self) -> Mapping[str, Quota]:
        """What the project's limits leave for each group; one whose flavor, image or network is missing has no room."""
        taken = {name: self._takes(name) for name in self._options}
        wanted = {resource for one in taken.values() if not isinstance(one, Malformed) for resource in one}
        left = self._quotas.left(wanted)
        return {
            name: Quota(workers_left=0, reason=str(one)) if isinstance(one, Malformed) else quota(left, one)
            for name, one in taken.items()
        }

    def sizes(self) -> Mapping[str, GroupSize]:
        """What each stack and cluster is told to have; one that cannot be read says so, and others go on."""
        found = {name: self._size(self._groups[name]) for name in sorted(self._groups)}
        return {name: size for name, size in found.items() if size is not None}

    def create(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Sequence[Created]:
        """Ask for one server each, by the group's backend."""
        options = self._options[group.name]
        if (made_alike := self._made_alike(group)) is not None:
            return made_alike.create(workers)
        with unsent():
            taken = self._takes(group.name)
        claim = partial(self._quotas.claim, {} if isinstance(taken, Malformed) else taken)
        return self._nova.create(group, options, workers, claim)

    def delete(self, group: GroupSpec, workers: Sequence[WorkerRecord]) -> Mapping[str, PortError]:
        """Ask for the deletion of exactly these servers, by the group's backend."""
        made_alike = self._made_alike(group)
        return made_alike.delete(workers) if made_alike else self._nova.delete(workers)

    def console(self, worker: WorkerRecord, lines: int) -> str:
        """Nova's fault, if any, and the last lines of the server's console."""
        if worker.server_id is None:
            return ""
        return "\n".join(
            part for part in (self._fault(worker.server_id), self._output(worker.server_id, lines)) if part
        )

    def remove(self, thing: Belonging) -> None:
        """Remove what belongs to nothing; a member of a group that the cloud keeps leaves it the group's own way."""
        group = self._groups.get(thing.group) if thing.kind is Kind.SERVER else None
        alike = self._made_alike(group) if group is not None else None
        if group is not None and alike is not None:
            record = WorkerRecord(name=thing.name, group=group.name, requested_at=0.0, server_id=thing.id)
            error = alike.delete([record]).get(record.name)
            if error is None:
                return
            # Malformed: it is no member, so that nobody but Nova knows it.
            if not isinstance(error, Malformed):
                raise error
        self.belongings.remove(thing)

    def check(self) -> Sequence[Finding]:
        """Whether we may log in, whether what each group names exists, and what the quotas leave."""
        token_life = tokenlife.check(self._site, self._made_at(), time.time())
        return (*checks.findings(self.services, self.names, self._quotas, self._groups, self._options), token_life)

    def _made_at(self) -> Collection[float]:
        """When each server of the pool was made; nothing where Nova does not say."""
        try:
            found = list(listed(self.services, self._tag.pool))
        except PortError:
            return ()
        return [datetime.fromisoformat(one["created"]).timestamp() for one in found]

    def _size(self, group: GroupSpec) -> GroupSize | None:
        made_alike = self._made_alike(group)
        if made_alike is None:
            return None
        try:
            return made_alike.size(self._listed.get(group.name, frozenset()))
        except PortError as error:
            return GroupSize(desired=None, changing=f"its size cannot be read: {plainly(error)}")

    def _made_alike(self, group: GroupSpec) -> HeatGroup | SenlinGroup | None:
        """The group's stack or cluster, always the same one: its lock keeps changes one at a time. None for Nova."""
        options = self._options[group.name]
        with self._lock:
            made = self._alike.get(group.name)
            if made is None and options.backend != "nova":
                made = self._alike[group.name] = self._make(group, options)
            return made

    def _make(self, group: GroupSpec, options: GroupOptions) -> HeatGroup | SenlinGroup:
        if options.backend == "heat":
            return HeatGroup(group, options, self.services, self.names, self._tag, self._enrolling, self._zones)
        clusters = CLUSTERS[options.senlin_client](self.services)
        return SenlinGroup(group, options, self.services, clusters, self.names, self._tag, self._enrolling, self._zones)

    def _takes(self, name: str) -> Mapping[str, int] | Malformed:
        """What one more worker of the group takes of each resource, or why there can be none."""
        options = self._options[name]
        try:
            flavor = self.names.flavor(options.flavor)
            networks = [] if options.networks == ("none",) else options.networks
            # A service that does not answer just now says nothing about what is there.
            with suppress(Transient, Throttled):
                self.names.image(options.image)
                if options.server_group:
                    self.names.server_group(options.server_group)
            return takes(options, flavor.resources, [self.names.network(one) for one in networks])
        except Malformed as error:
            return error

    def _fault(self, server_id: str) -> str:
        try:
            return fault(self.services.call("compute", "GET", f"/servers/{server_id}")["server"])
        except PortError:
            return ""

    def _output(self, server_id: str, lines: int) -> str:
        asked = {"os-getConsoleOutput": {"length": lines}}
        try:
            answer = self.services.call("compute", "POST", f"/servers/{server_id}/action", asked)
        except PortError:
            return ""
        return "\n".join(str(answer.get("output") or "").splitlines()[-lines:])


def _options(groups: Mapping[str, GroupSpec], site: SiteOptions) -> Mapping[str, GroupOptions]:
    """Every group's options; ValueError names all that are wrong in all groups."""
    found: dict[str, GroupOptions] = {}
    wrong: list[str] = []
    for name, group in groups.items():
        try:
            found[name] = group_options(group)
            if found[name].backend != "nova" and found[name].enrolment == "own" and not site.enrol_url:
                wrong.append(f"group {name}: {NO_URL}")
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("; ".join(wrong))
    return found
