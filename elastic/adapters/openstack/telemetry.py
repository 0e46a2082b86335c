"""CPU load of workers from Gnocchi: one question a tick for all groups."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.errors import port_error, translated
from elastic.core.observation import Load

NANOSECONDS = 1e9
WINDOW_POINTS = 4
"""So many points back are asked for: the first of a window has no rate, and the newest may be late."""
LIKE = "like"


class Point(NamedTuple):
    """One value of a metric; `at` is when its span of `granularity` begins, in seconds since the epoch."""

    at: float
    value: float


Series = Mapping[str, Mapping[str, Sequence[Point]]]
"""By server id and by aggregation, oldest first."""


class GnocchiTelemetry:
    """Load of servers by the rate of their cumulative `cpu` (ns), at one granularity; 0..1 of all a worker's cpus.

    `granularity_seconds` must be one of the archive policy's. Gnocchi's rate is what a poll found beyond the poll
    before, so it is divided by `poll_seconds` (None: polled once in each granularity). `vcpus` maps a server's id to
    how many it has, as the newest list of servers said.
    """

    def __init__(
        self,
        services: Services,
        pool: str,
        granularity_seconds: int,
        vcpus: Callable[[], Mapping[str, int]],
        now: Callable[[], float] = time.time,
        *,
        poll_seconds: int | None = None,
    ) -> None:
        """Ask nobody yet."""
        self.pool = pool
        self.granularity = granularity_seconds
        self.poll_seconds = poll_seconds or granularity_seconds
        self.now = now
        self._services = services
        self._vcpus = vcpus
        self._made: Any = None
        self._lock = threading.Lock()

    @property
    def longest_seconds(self) -> float:
        """How far a sample may reach into the past when it is told: metered for so long, then waited for."""
        return float(2 * self.poll_seconds + self.granularity)

    def load(self, workers: Mapping[str, str]) -> Load:
        """The newest rate of each worker's server; a negative one, as after a restart of its host, is no sample."""
        series = self.series(float(WINDOW_POINTS * max(self.granularity, self.poll_seconds)), "rate:mean")
        vcpus, now = self._vcpus(), self.now()
        shares: dict[str, float] = {}
        cores: dict[str, float] = {}
        ages: dict[str, float] = {}
        for worker, server_id in workers.items():
            points = series.get(server_id, {}).get("rate:mean", ())
            if not points or points[-1].value < 0:
                continue
            cores[worker] = points[-1].value / (self.poll_seconds * NANOSECONDS)
            ages[worker] = max(0.0, now - points[-1].at - self.granularity)
            if vcpus.get(server_id):
                shares[worker] = min(1.0, cores[worker] / vcpus[server_id])
        return Load(
            by_worker=shares,
            age_seconds=min(ages.values(), default=0.0),
            cores=cores,
            ages=ages,
            # The poll may have come anywhere in its granularity, and tells of all the time since the one before.
            span_seconds=float(self.granularity + self.poll_seconds),
        )

    def series(self, seconds: float, *aggregations: str) -> Series:
        """The last `seconds` of `cpu` of every server of the pool, in one question."""
        answer = self._asked(seconds, aggregations)
        found: dict[str, Mapping[str, Sequence[Point]]] = {}
        for resource, metrics in answer.get("measures", {}).items():
            of_cpu = metrics.get("cpu", {})
            found[resource] = {
                name: [Point(at.timestamp(), float(value)) for at, _, value in points]
                for name, points in of_cpu.items()
            }
        return found

    @translated
    def kept(self) -> Json:
        """The archive policy by which some server's `cpu` is kept; {} where no server of the pool has one."""
        from gnocchiclient.exceptions import ClientException  # noqa: PLC0415 - only where telemetry is wanted

        query = {LIKE: {"server_group": f"{self.pool}.%"}}
        try:
            for resource in self._client().resource.search("instance", query=query, limit=10):
                if "cpu" in resource["metrics"]:
                    policy: Json = self._client().metric.get(resource["metrics"]["cpu"])["archive_policy"]
                    return policy
        except ClientException as error:
            raise port_error(error) from error
        return {}

    @translated
    def _asked(self, seconds: float, aggregations: Sequence[str]) -> Json:
        from gnocchiclient.exceptions import ClientException  # noqa: PLC0415 - only where telemetry is wanted

        wanted = " ".join(f"(cpu {name})" for name in aggregations)
        try:
            found: Json = self._client().aggregates.fetch(
                operations=f"(metric {wanted})",
                search={LIKE: {"server_group": f"{self.pool}.%"}},
                resource_type="instance",
                start=datetime.fromtimestamp(self.now() - seconds, UTC).isoformat(),
                granularity=self.granularity,
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
