"""When the slot of each worker came into the collector, seen by a user of the pool who keeps asking."""

import threading
import time
from collections.abc import Mapping
from typing import Self

from elastic.local.poolfolder import PoolFolder
from tests.lab.support import Client

LOOK_SECONDS = 0.2
NAMES = ("ElasticWorker", "ElasticServerId")
"""A worker is known by both: members of a group that are made alike have only the second one to themselves."""


class Arrivals:
    """Asks the collector for slots, in a thread and a process of its own, until it is left."""

    def __init__(self, folder: PoolFolder) -> None:
        """Watch this pool."""
        self._folder = folder
        self._seen_at: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="arrivals", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def seen_at(self) -> Mapping[str, float]:
        """The moment at which the slot of each worker was first seen, in seconds since the epoch, by both its names."""
        return dict(self._seen_at)

    def _watch(self) -> None:
        with Client(self._folder) as client:
            while not self._over.wait(LOOK_SECONDS):
                for ad in client.machines("PartitionableSlot is true", NAMES):
                    for name in NAMES:
                        self._seen_at.setdefault(str(ad.get(name, "")), time.time())
