"""Availability zones tried in turn: which one had no host lately, whichever backend asked for a server there."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from elastic.adapters.openstack.connection import Json
from elastic.adapters.openstack.errors import NO_HOST

ZONE = "elastic_zone"
"""In a server's metadata: where it was asked for. Nova does not say so of a server that found no host."""
ZONE_REST_SECONDS = 600.0
"""A zone that had no host is passed over for so long."""


def zoned(metadata: Mapping[str, str], zone: str) -> dict[str, str]:
    """The same with the zone, where one was named."""
    return {**metadata, ZONE: zone} if zone else {name: value for name, value in metadata.items() if name != ZONE}


class Zones:
    """Which availability zone is tried next: those without a host rest for `ZONE_REST_SECONDS`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """All zones are good."""
        self._monotonic = monotonic
        self._full: dict[str, float] = {}
        self._lock = threading.Lock()

    def saw(self, server: Json) -> None:
        """Learn from a server that found no host; each counts once."""
        fault = (server.get("fault") or {}).get("message", "")
        zone = server.get("OS-EXT-AZ:availability_zone") or server.get("metadata", {}).get(ZONE, "")
        self.heard(fault, zone, str(server["id"]))

    def heard(self, fault: str, zone: str, why: str) -> bool:
        """Pass the zone over if that fault says that it had no host for a server; whether it says so."""
        had_none = any(words in fault for words in NO_HOST)
        if had_none and zone:
            self.full(zone, why)
        return had_none

    def full(self, zone: str, why: str) -> None:
        """Pass it over from now on; the same reason is told once."""
        with self._lock:
            self._full.setdefault(f"{zone}/{why}", self._monotonic())

    def pick(self, zones: Sequence[str]) -> str:
        """The first zone that had hosts, else the one that has rested longest; empty where none is named."""
        if not zones:
            return ""
        with self._lock:
            last = {zone: self._last(zone) for zone in zones}
        now = self._monotonic()
        good = [zone for zone in zones if last[zone] is None or now - (last[zone] or 0.0) > ZONE_REST_SECONDS]
        return good[0] if good else min(zones, key=lambda zone: last[zone] or 0.0)

    def _last(self, zone: str) -> float | None:
        return max((at for key, at in self._full.items() if key.startswith(f"{zone}/")), default=None)
