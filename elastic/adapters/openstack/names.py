"""What names in the settings stand for now: flavors, images, networks; asked once in a while, not for each server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from elastic.adapters.openstack.connection import Json, Services
from elastic.core.resources import Resources
from elastic.ports import Malformed, NotFound, Throttled, Transient

FRESH_SECONDS = 300.0
"""An image that was put in another's place is used within so long."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor's id and what a server of it has and counts against the quota."""

    id: str
    resources: Resources


class Names:
    """Looks names up and keeps the answers for `FRESH_SECONDS`; Malformed when there is no such thing, or several."""

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Ask nobody yet."""
        self._services, self._monotonic = services, monotonic
        self._known: dict[tuple[str, str], tuple[float, Json]] = {}
        self._lock = threading.Lock()

    def flavor(self, name: str) -> Flavor:
        """The flavor of this name or id."""
        found = self._found("flavor", name, self._flavor)
        disk_mb = (int(found["disk"]) + int(found.get("OS-FLV-EXT-DATA:ephemeral", 0))) * 1024
        return Flavor(str(found["id"]), Resources(int(found["vcpus"]), int(found["ram"]), disk_mb, 0))

    def image(self, name: str) -> str:
        """The id of the image of this name or id."""
        return str(self._found("image", name, self._image)["id"])

    def network(self, name: str) -> str:
        """The id of the network of this name or id."""
        return str(self._found("network", name, self._network)["id"])

    def server_group(self, group_id: str) -> str:
        """The id itself, where there is such a server group."""
        return str(self._found("server group", group_id, self._server_group)["id"])

    def forget(self) -> None:
        """Look everything up anew."""
        with self._lock:
            self._known.clear()

    def _found(self, kind: str, name: str, ask: Callable[[str], list[Json]]) -> Json:
        now = self._monotonic()
        with self._lock:
            at, known = self._known.get((kind, name), (0.0, {}))
        if known and now - at < FRESH_SECONDS:
            return known
        try:
            answer = ask(name)
        except (Transient, Throttled):
            # What it was a while ago is better than nothing: who uses it hears whether it is still there.
            if known:
                return known
            raise
        match answer:
            case [only]:
                with self._lock:
                    self._known[kind, name] = (now, only)
                return only
            case []:
                raise Malformed(f"there is no {kind} {name}: make it, or name another in the group's options")
            case several:
                ids = ", ".join(sorted(str(one["id"]) for one in several))
                raise Malformed(f"{len(several)} {kind}s are called {name}; name one by its id: {ids}")

    def _flavor(self, name: str) -> list[Json]:
        try:
            return [self._services.call("compute", "GET", f"/flavors/{name}")["flavor"]]
        except NotFound:
            listed = self._services.pages("compute", "/flavors/detail", "flavors", is_public="None")
            return [one for one in listed if one["name"] == name]

    def _image(self, name: str) -> list[Json]:
        try:
            return [self._services.call("image", "GET", f"/images/{name}")]
        except NotFound:
            found: list[Json] = self._services.call(
                "image", "GET", "/images", query={"name": name, "status": "active"}
            )["images"]
            return found

    def _network(self, name: str) -> list[Json]:
        try:
            return [self._services.call("network", "GET", f"/networks/{name}")["network"]]
        except NotFound:
            found: list[Json] = self._services.call("network", "GET", "/networks", query={"name": name})["networks"]
            return found

    def _server_group(self, group_id: str) -> list[Json]:
        try:
            return [self._services.call("compute", "GET", f"/os-server-groups/{group_id}")["server_group"]]
        except NotFound:
            return []
