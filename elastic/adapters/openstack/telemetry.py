"""CPU load of workers from Gnocchi: one question a tick for all groups."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.errors import port_error, translated
from elastic.adapters.plain import plainly
from elastic.core.observation import Load
from elastic.ports import Finding, PortError

NANOSECONDS = 1e9
WINDOW_POINTS = 4
"""So many points back are asked for: the first of a window has no rate, and the newest may be late."""
ADVISED_SECONDS = 60.0
"""A granularity beyond this tells of load minutes after it came or went."""


class GnocchiTelemetry:
    """Load of servers by the rate of their cumulative `cpu` (ns), at one granularity; 0..1 of all a worker's cpus.

    `granularity_seconds` must be one of the archive policy's. `vcpus` maps a server's id to how many it has, as the
    newest list of servers said.
    """

    def __init__(
        self,
        services: Services,
        pool: str,
        granularity_seconds: int,
        vcpus: Callable[[], Mapping[str, int]],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Ask nobody yet."""
        self._services, self._pool, self._granularity = services, pool, granularity_seconds
        self._vcpus, self._now = vcpus, now
        self._made: Any = None
        self._lock = threading.Lock()

    def load(self, workers: Mapping[str, str]) -> Load:
        """The newest rate of each worker's server; a negative one, as after a restart of its host, is no sample."""
        points = self._newest()
        vcpus = self._vcpus()
        by_worker: dict[str, float] = {}
        ages: list[float] = []
        for worker, server_id in workers.items():
            at, cores = points.get(server_id, (0.0, -1.0))
            if cores >= 0 and vcpus.get(server_id):
                by_worker[worker] = min(1.0, cores / vcpus[server_id])
                ages.append(self._now() - at)
        return Load(by_worker=by_worker, age_seconds=max(0.0, min(ages))) if ages else Load(by_worker={})

    def check(self) -> Finding:
        """Whether Gnocchi answers, how old its newest sample is, and whether the metering is quick enough."""
        what = "telemetry"
        try:
            points = self._newest()
        except PortError as error:
            mend = "leave telemetry out of [cloud.options], or see to Gnocchi; everything works without it"
            return Finding(what=what, ok=False, seen=plainly(error), mend=mend)
        if not points:
            seen = f"no server of pool {self._pool} has a rate of cpu in the last {self._window:.0f} s"
            mend = "is `cpu` polled, and does its archive policy keep rate:mean at this granularity? see polling.yaml"
            return Finding(what=what, ok=True, seen=f"{seen}; {mend}")
        age = self._now() - max(at for at, _ in points.values())
        seen = f"{len(points)} servers, the newest sample {age:.0f} s old, one each {self._granularity} s"
        slow = age > 2 * ADVISED_SECONDS or self._granularity > ADVISED_SECONDS
        mend = f"poll `cpu` each {ADVISED_SECONDS:.0f} s or oftener: see polling.yaml" if slow else ""
        return Finding(what=what, ok=not slow, seen=seen, mend=mend)

    @property
    def _window(self) -> float:
        return float(WINDOW_POINTS * self._granularity)

    def _newest(self) -> Mapping[str, tuple[float, float]]:
        """For each server the time of its newest point and the cores it used; of the whole pool in one question."""
        answer = self._ask()
        found: dict[str, tuple[float, float]] = {}
        for resource, metrics in answer.get("measures", {}).items():
            points = metrics.get("cpu", {}).get("rate:mean", ())
            if points:
                at, _, value = points[-1]
                found[resource] = (at.timestamp() + self._granularity, float(value) / (self._granularity * NANOSECONDS))
        return found

    @translated
    def _ask(self) -> Json:
        from gnocchiclient.exceptions import ClientException  # noqa: PLC0415 - only where telemetry is wanted

        try:
            found: Json = self._client().aggregates.fetch(
                operations="(metric cpu rate:mean)",
                search={"like": {"server_group": f"{self._pool}.%"}},
                resource_type="instance",
                start=datetime.fromtimestamp(self._now() - self._window, UTC).isoformat(),
                granularity=self._granularity,
                needed_overlap=0.0,
            )
        except ClientException as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return {}
            raise port_error(error) from error
        return found

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                from gnocchiclient.v1.client import Client  # noqa: PLC0415 - only where telemetry is wanted

                self._made = Client(session=self._services.connection().session)
            return self._made
