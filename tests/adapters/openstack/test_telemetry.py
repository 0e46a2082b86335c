"""Load from what Gnocchi says, without a cloud: what is negative, missing, old or polled too rarely."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from elastic.adapters.openstack import metering
from elastic.adapters.openstack.connection import Json, Services
from elastic.adapters.openstack.metering import check, seconds
from elastic.adapters.openstack.telemetry import GnocchiTelemetry
from elastic.core.observation import Load
from elastic.ports import Transient

NOW = 1_800_000_000.0
Told = Sequence[tuple[float, float]]
"""How long ago a minute began, and how many seconds of cpu the server had used by then."""

POLICY: Json = {
    "name": "elastic-rate",
    "aggregation_methods": ["mean", "rate:mean"],
    "definition": [{"granularity": "0:01:00", "points": 10080}],
}


class Gnocchi(GnocchiTelemetry):
    """One that is asked for a minute's granularity, and answers what a test says."""

    def __init__(self, told: Mapping[str, Told], *, policy: Json | None = None) -> None:
        super().__init__(Services(), "pool", 60, lambda: {"s1": 4, "s2": 2}, lambda: NOW)
        self.told, self.policy = told, POLICY if policy is None else policy
        self.broken = False

    def _asked(self, seconds: float) -> Json:
        if self.broken:
            raise Transient("no answer")
        return {"measures": {server: {"cpu": _points(told, seconds)} for server, told in self.told.items()}}

    def kept(self) -> Json:
        return self.policy


def _points(told: Told, seconds: float) -> Json:
    inside = [(age, used) for age, used in told if age <= seconds]
    return {"mean": [(datetime.fromtimestamp(NOW - age, UTC), 60.0, used * 1e9) for age, used in inside]}


def test_what_was_used_between_the_two_newest_samples_is_the_load() -> None:
    told = Gnocchi({"s1": [(180, 100), (120, 640), (60, 760)], "s2": [(140, 10), (80, 40)]})
    assert told.load({"w1": "s1", "w2": "s2"}) == Load(
        by_worker={"w1": 0.5, "w2": 0.25},
        cores={"w1": 2.0, "w2": 0.5},
        ages={"w1": 0.0, "w2": 20.0},
        spans={"w1": 120.0, "w2": 120.0},
        age_seconds=0.0,
    )


@pytest.mark.parametrize(
    "told",
    [{}, {"s1": []}, {"s1": [(60, 5)]}, {"s1": [(120, 900), (60, 5)]}],
    ids=["no server", "no sample", "the first sample", "a host that began to count anew"],
)
def test_what_is_missing_or_negative_is_no_sample(told: Mapping[str, Told]) -> None:
    assert Gnocchi(told).load({"w1": "s1", "w2": "s2"}) == Load(by_worker={})


def test_more_than_all_cpus_is_all_of_them() -> None:
    found = Gnocchi({"s1": [(120, 0), (60, 252)]}).load({"w1": "s1"})
    assert (found.by_worker, found.cores) == ({"w1": 1.0}, {"w1": 4.2})


def test_a_server_that_is_not_listed_has_cores_and_no_share() -> None:
    found = Gnocchi({"s9": [(120, 0), (60, 60)]}).load({"w9": "s9"})
    assert (found.by_worker, found.cores) == ({}, {"w9": 1.0})


@pytest.mark.parametrize("every", [60, 120, 300])
def test_however_often_is_polled_the_load_is_the_same(every: int) -> None:
    """Gnocchi's own rate would be five times too high where a minute is kept and five are polled."""
    found = Gnocchi({"s1": steady(every)}).load({"w1": "s1"})
    assert (found.cores, found.spans) == ({"w1": 1.0}, {"w1": every + 60.0})


def test_a_poll_that_was_lost_makes_no_load() -> None:
    told = [(240, 0.0), (180, 60.0), (60, 180.0)]
    assert Gnocchi({"s1": told}).load({"w1": "s1"}).cores == {"w1": 1.0}


def steady(every: int, cores: float = 1.0, last: int = 0) -> Told:
    """Half an hour of a server that uses so many cores, polled so often, `last` seconds ago for the last time."""
    return [(float(age), (1800 - age) * cores) for age in range(1800, 0, -every) if age > last]


def test_check_finds_a_quick_metering_well() -> None:
    found = check(Gnocchi({"s1": steady(60)}), 900.0)
    assert (found.ok, found.mend) == (True, "")
    assert found.seen == "1 servers, the newest sample 0 s old, one each 60 s"


@pytest.mark.parametrize(
    ("told", "idle", "mend"),
    [
        (Gnocchi({"s1": steady(300)}), 1200.0, "metering polls too rarely: poll `cpu` each 60 s"),
        (Gnocchi({"s1": steady(60, last=300)}), 900.0, "metering polls too rarely"),
        (Gnocchi({"s1": steady(60)}), 60.0, "a worker idle for 60 s may go before a leftover process is seen"),
    ],
    ids=["rare", "old", "given up too soon"],
)
def test_check_says_when_metering_polls_too_rarely(told: Gnocchi, idle: float, mend: str) -> None:
    found = check(told, idle)
    assert not found.ok
    assert found.mend.startswith(mend)


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        (
            {**POLICY, "name": "ceilometer-low-rate", "definition": [{"granularity": "0:05:00"}]},
            "archive policy ceilometer-low-rate keeps `cpu` each 300 s, and granularity_seconds is 60",
        ),
        ({**POLICY, "aggregation_methods": ["rate:mean"]}, "archive policy elastic-rate does not keep mean"),
    ],
)
def test_check_reads_what_is_kept(policy: Json, seen: str) -> None:
    found = check(Gnocchi({"s1": steady(60)}, policy=policy), 900.0)
    assert (found.ok, found.seen) == (False, seen)


def test_check_says_that_gnocchi_does_not_answer_and_that_nobody_needs_it() -> None:
    told = Gnocchi({})
    told.broken = True
    found = check(told, 900.0)
    assert (found.ok, found.seen) == (False, "no usable answer: no answer")
    assert "everything works without it" in found.mend


def test_a_pool_without_workers_is_no_fault() -> None:
    found = check(Gnocchi({}, policy={}), 900.0)
    assert (found.ok, found.seen.partition(";")[0]) == (
        True,
        f"no server of pool pool has told of its cpu in the last {metering.LOOKED_BACK_SECONDS:.0f} s",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0:01:00", 60.0), ("0:00:10", 10.0), ("1 day, 0:00:00", 86400.0), ("1:00:00", 3600.0), ("60.0", 60.0)],
)
def test_granularities_are_read_as_gnocchi_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected
