"""What the project may still have, turned into workers for each group."""

from collections.abc import Iterator, Mapping
from math import inf

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.names import Flavor
from elastic.core.observation import Quota

UNLIMITED = -1


class Quotas:
    """Nova's limits; they count what others in the project use, and servers that are still being deleted."""

    def __init__(self, services: Services) -> None:
        """Ask nobody yet."""
        self._services = services

    def left(self) -> Mapping[str, float]:
        """How much of `instances`, `cores` and `memory_mb` may still be asked for; inf where there is no limit."""
        absolute: Json = self._services.call("compute", "GET", "/limits")["limits"]["absolute"]
        pairs = {
            "instances": ("maxTotalInstances", "totalInstancesUsed"),
            "cores": ("maxTotalCores", "totalCoresUsed"),
            "memory_mb": ("maxTotalRAMSize", "totalRAMUsed"),
        }
        return {name: _left(int(absolute[most]), int(absolute[used])) for name, (most, used) in pairs.items()}


def _left(most: int, used: int) -> float:
    return inf if most == UNLIMITED else max(0, most - used)


def quota(left: Mapping[str, float], flavor: Flavor) -> Quota:
    """How many workers of this flavor fit, and what they stop at."""
    room, resource = min(_rooms(left, flavor))
    if room == inf:
        return Quota(workers_left=None)
    return Quota(workers_left=int(room), reason=f"the project's quota of {resource} leaves room for {int(room)} more")


def _rooms(left: Mapping[str, float], flavor: Flavor) -> Iterator[tuple[float, str]]:
    takes = {"instances": 1, "cores": flavor.resources.cpus, "memory_mb": flavor.resources.memory_mb}
    for resource, amount in takes.items():
        yield (left[resource] // amount if amount and left[resource] != inf else inf, resource)
