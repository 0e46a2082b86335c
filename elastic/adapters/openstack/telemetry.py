"""CPU load of workers from Gnocchi: one question a tick for all groups."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.errors import port_error, translated
from elastic.adapters.openstack.lazily import client
from elastic.core.observation import Load

NANOSECONDS = 1e9
LOOKED_BACK_POINTS = 4
LOOKED_BACK_SECONDS = 660.0
"""So far back is asked at least: Ceilometer as shipped polls each 300 s, and a rate needs two polls."""
LEAST_SPAN_SECONDS = 30.0
"""A rate is taken over so much at least: polls come a little early or late."""
AGGREGATION = "mean"
TAG = "server_group"
UNMEASURED = "Metrics not found"


class Point(NamedTuple):
    """One value of a metric; `at` is when its span of `granularity` begins, in seconds since the epoch."""

    at: float
    value: float


class Rate(NamedTuple):
    """Cores in use between two points, the first of which began at `since` and the last at `until`."""

    cores: float
    since: float
    until: float


class GnocchiTelemetry:
    """Load of servers by the rate of their cumulative `cpu` (ns), at one granularity; 0..1 of all a worker's cpus.

    `granularity_seconds` must be one of the archive policy's. The rate is taken from the values and their times:
    Gnocchi's own `rate` is what one poll found beyond the poll before, and does not say when that was. `vcpus` maps a
    server's id to how many it has, as the newest list of servers said.
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
        self.pool = pool
        self.granularity = granularity_seconds
        self.now = now
        self._vcpus = vcpus
        self._client = client(services, "gnocchiclient.v1.client")

    def load(self, workers: Mapping[str, str]) -> Load:
        """The newest rate of each worker's server; a negative one, as after a restart of its host, is no sample."""
        series = self.series(max(LOOKED_BACK_SECONDS, LOOKED_BACK_POINTS * self.granularity))
        vcpus, now = self._vcpus(), self.now()
        shares: dict[str, float] = {}
        cores: dict[str, float] = {}
        ages: dict[str, float] = {}
        spans: dict[str, float] = {}
        for worker, server_id in workers.items():
            found = rate(series.get(server_id, ()))
            if found is None:
                continue
            cores[worker] = found.cores
            ages[worker] = max(0.0, now - found.until - self.granularity)
            # The polls may have come anywhere in their granularities.
            spans[worker] = found.until - found.since + self.granularity
            if vcpus.get(server_id):
                shares[worker] = min(1.0, found.cores / vcpus[server_id])
        return Load(by_worker=shares, age_seconds=min(ages.values(), default=0.0), cores=cores, ages=ages, spans=spans)

    def series(self, seconds: float) -> Mapping[str, Sequence[Point]]:
        """The last `seconds` of `cpu` of every server of the pool, by id and oldest first, in one question."""
        answer = self._asked(seconds)
        return {
            resource: [
                Point(at.timestamp(), float(value)) for at, _, value in metrics.get("cpu", {}).get(AGGREGATION, ())
            ]
            for resource, metrics in answer.get("measures", {}).items()
        }

    @translated
    def kept(self) -> Json:
        """The archive policy by which some server's `cpu` is kept; {} where no server of the pool has one."""
        from gnocchiclient.exceptions import ClientException  # noqa: PLC0415 - only where telemetry is wanted

        query = {"like": {TAG: f"{self.pool}.%"}}
        try:
            for resource in self._client().resource.search("instance", query=query, limit=10):
                if "cpu" in resource["metrics"]:
                    policy: Json = self._client().metric.get(resource["metrics"]["cpu"])["archive_policy"]
                    return policy
        except ClientException as error:
            raise port_error(error) from error
        return {}

    @translated
    def _asked(self, seconds: float) -> Json:
        from gnocchiclient.exceptions import ClientException  # noqa: PLC0415 - only where telemetry is wanted

        try:
            found: Json = self._client().aggregates.fetch(
                operations=f"(metric cpu {AGGREGATION})",
                search={"like": {TAG: f"{self.pool}.%"}},
                resource_type="instance",
                start=datetime.fromtimestamp(self.now() - seconds, UTC).isoformat(),
                granularity=self.granularity,
                needed_overlap=0.0,
            )
        except ClientException as error:
            # Nothing was ever measured: the older Gnocchi of Zed says so with 400.
            if error.code == HTTPStatus.NOT_FOUND or UNMEASURED in str(error):
                return {}
            raise port_error(error) from error
        return found


def rate(points: Sequence[Point]) -> Rate | None:
    """Cores in use since the newest point that is long enough before the last; None where that cannot be said."""
    if not points:
        return None
    last = points[-1]
    before = [point for point in points if point.at < last.at]
    long_ago = [point for point in before if last.at - point.at >= LEAST_SPAN_SECONDS] or before[:1]
    if not long_ago:
        return None
    first = long_ago[-1]
    between = [point.value for point in points if first.at <= point.at]
    if between != sorted(between):
        return None
    return Rate((last.value - first.value) / ((last.at - first.at) * NANOSECONDS), first.at, last.at)
