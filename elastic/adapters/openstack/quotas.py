"""What the project may still have, turned into workers for each group.

Nova is asked at each tick; Neutron, Cinder and a server group only where a worker of some group takes of theirs.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import inf

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.errors import translated
from elastic.adapters.openstack.options import GroupOptions
from elastic.adapters.openstack.resting import Resting
from elastic.core.observation import Quota
from elastic.core.resources import Resources
from elastic.ports import PortError

UNLIMITED = -1
Amounts = Mapping[str, float]
"""By resource; inf where there is no limit."""

NOVA = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "memory_mb": ("maxTotalRAMSize", "totalRAMUsed"),
}
CINDER = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
}
PORTS = "ports"
ADDRESSES = "addresses of network "
MEMBERS = "members of server group "


class Quotas:
    """Every limit counts what others in the project use, and what is still being deleted.

    A service beside Nova that does not answer leaves its newest answer in force; one that will not tell (an older
    release, a policy) limits nothing here: what is too much, it refuses itself.
    """

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Ask nobody yet."""
        self._services = services
        self._lock = threading.Lock()
        self._unclaimed: dict[str, float] = {}
        self._beside: Mapping[str, Resting[Amounts]] = {
            "Neutron's quotas": Resting(self._of_neutron, {}, monotonic),
            "Neutron's addresses": Resting(self._of_networks, {}, monotonic),
            "Cinder's limits": Resting(self._of_cinder, {}, monotonic),
        }

    def left(self, wanted: Iterable[str] = ()) -> Amounts:
        """How much may still be asked for, of Nova's three resources and of the others that are `wanted`.

        What nobody tells of is absent.
        """
        wanted = frozenset(wanted)
        absolute = self._services.call("compute", "GET", "/limits")["limits"]["absolute"]
        found = {**amounts(absolute, NOVA)}
        if PORTS in wanted:
            found |= self._beside["Neutron's quotas"].answer()
        if any(one.startswith(ADDRESSES) for one in wanted):
            found |= self._beside["Neutron's addresses"].answer()
        if wanted & CINDER.keys():
            found |= self._beside["Cinder's limits"].answer()
        for name in sorted(one for one in wanted if one.startswith(MEMBERS)):
            # A group that does not exist is found out by its name; whatever else is wrong, Nova says when it matters.
            with suppress(PortError):
                found[name] = self._of_server_group(absolute, name.removeprefix(MEMBERS))
        with self._lock:
            self._unclaimed = dict(found)
        return found

    def claim(self, taken: Mapping[str, int], workers: int) -> int:
        """How many of so many workers fit into what was last read and nobody has claimed since; they are claimed."""
        with self._lock:
            room = min((_room(self._unclaimed.get(name, inf), amount) for name, amount in taken.items()), default=inf)
            fitting = int(min(workers, room))
            for name, amount in taken.items():
                if name in self._unclaimed:
                    self._unclaimed[name] -= amount * fitting
            return fitting

    def untold(self) -> Mapping[str, str]:
        """By what was asked for: why it is not known, or not anew."""
        return {name: source.problem for name, source in self._beside.items() if source.problem}

    def _of_neutron(self) -> Amounts:
        path = f"/quotas/{self._project()}/details"
        return ports(self._services.call("network", "GET", path))

    def _of_networks(self) -> Amounts:
        return addresses(self._services.call("network", "GET", "/network-ip-availabilities"))

    def _of_cinder(self) -> Amounts:
        return amounts(self._services.call("block_storage", "GET", "/limits")["limits"]["absolute"], CINDER)

    def _of_server_group(self, absolute: Json, group: str) -> float:
        found = self._services.call("compute", "GET", f"/os-server-groups/{group}")["server_group"]
        return _left(int(absolute.get("maxServerGroupMembers", UNLIMITED)), len(found["members"]))

    @translated
    def _project(self) -> str:
        return str(self._services.connection().current_project_id)


def amounts(absolute: Json, names: Mapping[str, tuple[str, str]]) -> Amounts:
    """What Nova's or Cinder's absolute limits leave; `names` has each resource's limit and use."""
    return {name: _left(int(absolute[most]), int(absolute[used])) for name, (most, used) in names.items()}


def ports(answer: Json) -> Amounts:
    """What Neutron's details of a quota leave of ports; reserved ones are about to be made."""
    found = answer["quota"]["port"]
    return {PORTS: _left(int(found["limit"]), int(found["used"]) + int(found.get("reserved", 0)))}


def addresses(answer: Json) -> Amounts:
    """What each network has left, by its id: of IPv4, which runs out; of all where there is no IPv4."""
    found: dict[str, float] = {}
    for network in answer["network_ip_availabilities"]:
        subnets = network["subnet_ip_availability"]
        scarce = [one for one in subnets if one["ip_version"] == 4] or subnets  # noqa: PLR2004 - IPv4
        if scarce:
            left = sum(int(one["total_ips"]) - int(one["used_ips"]) for one in scarce)
            found[f"{ADDRESSES}{network['network_id']}"] = max(0, left)
    return found


def takes(options: GroupOptions, flavor: Resources, networks: Iterable[str]) -> Mapping[str, int]:
    """What one more worker takes of each resource; `networks` are the ids of those that the options name."""
    found = {"instances": 1, "cores": flavor.cpus, "memory_mb": flavor.memory_mb}
    ids = tuple(networks)
    if options.networks != ("none",):
        # Without a name, Nova makes one port on a network of its choice.
        found |= {PORTS: len(ids) or 1, **{f"{ADDRESSES}{network}": ids.count(network) for network in ids}}
    if options.volume_gb:
        found |= {"volumes": 1, "gigabytes": options.volume_gb}
    if options.server_group:
        found[f"{MEMBERS}{options.server_group}"] = 1
    return found


def quota(left: Amounts, taken: Mapping[str, int]) -> Quota:
    """How many workers fit that take so much each, and what they stop at; what is not in `left` stops nobody."""
    room, resource = min(((_room(left.get(name, inf), amount), name) for name, amount in taken.items()))
    if room == inf:
        return Quota(workers_left=None)
    return Quota(workers_left=int(room), reason=f"the project's quota of {resource} leaves room for {int(room)} more")


def _room(left: float, amount: int) -> float:
    return left // amount if amount and left != inf else inf


def _left(most: int, used: int) -> float:
    return inf if most == UNLIMITED else max(0, most - used)
