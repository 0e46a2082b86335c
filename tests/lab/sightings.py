"""Every server ever seen on a site, looked at on disk twenty times in ten seconds, whatever the daemon says."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from elastic.local.servers import ServerFolder

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The names of the servers that existed at one moment, and of those whose master ran."""

    at: float
    existing: frozenset[str]
    active: frozenset[str]


class Sightings:
    """Looks at a folder of servers in a thread of its own until it is left."""

    def __init__(self, servers: ServerFolder) -> None:
        """Watch this folder."""
        self.looks: list[Look] = []
        self.created_at: dict[str, float] = {}
        self._servers = servers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sightings", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def ever(self) -> frozenset[str]:
        """The names of all servers that were ever seen."""
        return frozenset(self.created_at)

    def between(self, begin: float, end: float) -> Sequence[Look]:
        """The looks of a time."""
        return [look for look in self.looks if begin <= look.at <= end]

    def _watch(self) -> None:
        pause = LOOK_SECONDS
        while not self._over.wait(pause):
            began = time.monotonic()
            found = self._servers.servers()
            pause = max(LOOK_SECONDS, 5 * (time.monotonic() - began))
            self.created_at.update({server.name: server.created_at for server in found})
            active = frozenset(server.name for server in found if server.status.value == "ACTIVE")
            existing = frozenset(server.name for server in found)
            self.looks.append(Look(at=time.time(), existing=existing, active=active))
