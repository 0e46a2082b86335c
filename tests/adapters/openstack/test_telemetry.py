"""Load from what Gnocchi says, without a cloud: what is negative, missing, old or wrongly polled."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from elastic.adapters.openstack import metering
from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.metering import check, poll_seconds, seconds
from elastic.adapters.openstack.telemetry import GnocchiTelemetry, Point
from elastic.core.observation import Load
from elastic.ports import Transient

NOW = 1_800_000_000.0
CORE = 60e9
"""One core for a minute, in nanoseconds."""

POLICY: Json = {
    "name": "elastic-rate",
    "aggregation_methods": ["mean", "rate:mean"],
    "definition": [{"granularity": "0:01:00", "points": 10080}],
}


class Gnocchi(GnocchiTelemetry):
    """One that is asked for a minute's granularity, and answers what a test says."""

    def __init__(
        self,
        measures: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]],
        *,
        polled: int | None = None,
        policy: Json | None = None,
    ) -> None:
        super().__init__(Services(), "pool", 60, lambda: {"s1": 4, "s2": 2}, lambda: NOW, poll_seconds=polled)
        self.measures, self.policy = measures, POLICY if policy is None else policy
        self.broken = False

    def _asked(self, seconds: float, aggregations: Sequence[str]) -> Json:
        if self.broken:
            raise Transient("no answer")
        told = {
            server: {
                "cpu": {
                    name: [(datetime.fromtimestamp(NOW - age, UTC), 60.0, value) for age, value in points]
                    for name, points in series.items()
                    if name in aggregations
                }
            }
            for server, series in self.measures.items()
        }
        return {"measures": told}

    def kept(self) -> Json:
        return self.policy


def rates(*points: tuple[float, float]) -> Mapping[str, Sequence[tuple[float, float]]]:
    return {"rate:mean": points}


def test_the_newest_rate_of_each_server_is_its_load() -> None:
    told = Gnocchi({"s1": rates((200, 9 * CORE), (120, 2 * CORE)), "s2": rates((80, CORE / 2))})
    assert told.load({"w1": "s1", "w2": "s2"}) == Load(
        by_worker={"w1": 0.5, "w2": 0.25},
        cores={"w1": 2.0, "w2": 0.5},
        ages={"w1": 60.0, "w2": 20.0},
        age_seconds=20.0,
        span_seconds=120.0,
    )


@pytest.mark.parametrize(
    "series",
    [{}, rates(), rates((120, CORE), (60, -5e9))],
    ids=["no metric", "no point", "a host that began to count anew"],
)
def test_what_is_missing_or_negative_is_no_sample(series: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    found = Gnocchi({"s1": series}).load({"w1": "s1", "w2": "s2"})
    assert (found.by_worker, found.cores, found.age_seconds) == ({}, {}, 0.0)


def test_more_than_all_cpus_is_all_of_them() -> None:
    found = Gnocchi({"s1": rates((60, 4.2 * CORE))}).load({"w1": "s1"})
    assert (found.by_worker, found.cores) == ({"w1": 1.0}, {"w1": 4.2})


def test_a_server_that_is_not_listed_has_cores_and_no_share() -> None:
    found = Gnocchi({"s9": rates((60, CORE))}).load({"w9": "s9"})
    assert (found.by_worker, found.cores) == ({}, {"w9": 1.0})


def test_a_granularity_that_has_not_ended_is_not_of_the_future() -> None:
    assert Gnocchi({"s1": rates((20, CORE))}).load({"w1": "s1"}).age_seconds == 0.0


def test_a_rate_is_divided_by_what_lies_between_two_polls() -> None:
    """Polled each 300 s, each rate is of five minutes, whatever the granularity."""
    found = Gnocchi({"s1": rates((400, CORE), (100, 5 * CORE))}, polled=300).load({"w1": "s1"})
    assert (found.cores, found.span_seconds) == ({"w1": 1.0}, 360.0)


def steady(every: int, cores: float = 1.0, granularity: int = 60) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Half an hour of a server that uses so many cores, polled so often."""
    step = max(every, granularity)
    ages = range(1800, 0, -step)
    means = [(float(age), (1800 - age) * cores * 1e9) for age in ages]
    return {"rate:mean": [(float(age), every * cores * 1e9) for age in ages], "mean": means}


@pytest.mark.parametrize("every", [5, 30, 60, 300])
def test_how_often_is_polled_is_found_in_the_values(every: int) -> None:
    told = {"s1": steady(every), "s2": steady(every, 0.0), "s3": rates((60, CORE))}
    series = {
        server: {name: [Point(NOW - age, value) for age, value in points] for name, points in of.items()}
        for server, of in told.items()
    }
    assert poll_seconds(series) == pytest.approx(every)


def test_nobody_who_used_anything_tells_nothing_of_the_polls() -> None:
    assert poll_seconds({"s1": {"rate:mean": [Point(0, 0.0)] * 9, "mean": [Point(0, 0.0)] * 9}}) is None


def test_check_finds_a_quick_metering_well() -> None:
    found = check(Gnocchi({"s1": steady(60)}), 900.0)
    assert (found.ok, found.mend) == (True, "")
    assert found.seen == "1 servers, the newest sample 0 s old, one each 60 s, polled each 60 s"


@pytest.mark.parametrize(
    ("told", "idle", "mend"),
    [
        (Gnocchi({"s1": steady(300)}), 900.0, "5.0 times as high as they are: set cloud.options.poll_seconds to 300"),
        (Gnocchi({"s1": steady(300)}, polled=300), 900.0, "metering polls too rarely: poll `cpu` each 60 s"),
        (Gnocchi({"s1": steady(30)}), 900.0, "0.5 times as high as they are: set cloud.options.poll_seconds to 30"),
        (Gnocchi({"s1": rates((500, CORE))}), 900.0, "metering polls too rarely"),
        (Gnocchi({"s1": steady(60)}), 60.0, "a worker idle for 60 s may go before a leftover process is seen"),
    ],
    ids=["rarer than told", "rare", "more often than told", "old", "given up too soon"],
)
def test_check_says_when_metering_polls_too_rarely_or_is_told_wrongly(told: Gnocchi, idle: float, mend: str) -> None:
    found = check(told, idle)
    assert not found.ok
    assert mend in found.mend


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        (
            {"name": "ceilometer-low-rate", "aggregation_methods": ["mean", "rate:mean"],
             "definition": [{"granularity": "0:05:00"}]},
            "archive policy ceilometer-low-rate keeps `cpu` each 300 s, and granularity_seconds is 60",
        ),
        (
            {**POLICY, "aggregation_methods": ["mean"]},
            "archive policy elastic-rate does not keep rate:mean",
        ),
    ],
)  # fmt: skip
def test_check_reads_what_is_kept(policy: Json, seen: str) -> None:
    found = check(Gnocchi({"s1": steady(60)}, policy=policy), 900.0)
    assert (found.ok, found.seen) == (False, seen)


def test_check_says_that_gnocchi_does_not_answer_and_that_nobody_needs_it() -> None:
    told = Gnocchi({})
    told.broken = True
    found = check(told, 900.0)
    assert (found.ok, found.seen) == (False, "Transient: no answer")
    assert "everything works without it" in found.mend


def test_a_pool_without_workers_is_no_fault() -> None:
    found = check(Gnocchi({}, policy={}), 900.0)
    assert (found.ok, found.seen.partition(";")[0]) == (
        True,
        f"no server of pool pool has a rate of cpu in the last {metering.LOOKED_BACK_SECONDS:.0f} s",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0:01:00", 60.0), ("0:00:10", 10.0), ("1 day, 0:00:00", 86400.0), ("1:00:00", 3600.0), ("60.0", 60.0)],
)
def test_granularities_are_read_as_gnocchi_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected
