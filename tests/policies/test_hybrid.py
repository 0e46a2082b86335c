"""The policy of queue and load: what it wants, why, and what it remembers, case by case."""

from dataclasses import replace

import pytest

from elastic.core.lifecycle import Phase
from elastic.core.model import GroupDemand, Snapshot, SourceHealth, Trust, WorkerGroup
from elastic.core.observation import Alarm, AlarmState
from elastic.core.policy import Target
from elastic_policies.backlog import Backlog
from elastic_policies.hybrid import Hybrid
from tests.core.builders import NOW, group, snapshot, worker

LOAD = {"load": SourceHealth(source="load", ok=True)}
HIGH = Alarm(name="g-cpu-high", state=AlarmState.ALARM)
BLIND = Trust(grow="blind: machines", shrink="blind: machines")


def of(busy: int, idle: int = 0, **changes: object) -> WorkerGroup:
    """A group with so many busy and idle workers."""
    workers = [worker(name=f"b{i}", idle=None) for i in range(busy)] + [worker(name=f"i{i}") for i in range(idle)]
    return group(*workers, **changes)


def seen(one: WorkerGroup, **changes: object) -> Snapshot:
    return replace(snapshot(one), sources=LOAD, **changes)  # type: ignore[arg-type]


def wanted(one: WorkerGroup, policy: Hybrid | None = None, **changes: object) -> Target:
    return (policy or Hybrid()).decide(seen(one, **changes))["g"]


@pytest.mark.parametrize(
    ("one", "workers", "extra"),
    [
        (of(3, load=0.6), 3, 0),
        (of(3, load=0.81), 4, 1),
        (of(3, load=0.8), 3, 0),
        (of(3, load=0.81, policy_memory=f"{NOW - 300} 1"), 5, 2),
        (of(3, load=0.81, policy_memory=f"{NOW - 299} 1"), 4, 1),
        (of(3, load=0.81, policy_memory=f"{NOW - 300} 2"), 5, 2),
        (of(3, 1, load=0.6, policy_memory=f"{NOW - 300} 1"), 4, 1),
        (of(3, 1, load=0.49, policy_memory=f"{NOW - 300} 1"), 3, 0),
        (of(3, 1, load=0.5, policy_memory=f"{NOW - 300} 1"), 4, 1),
        (of(3, load=0.2, demand=GroupDemand(unmet_workers=4, unmet_jobs=4)), 7, 0),
        (of(3, load=0.2, alarms=(HIGH,)), 4, 1),
        (of(3, load=0.2, alarms=(replace(HIGH, state=AlarmState.UNKNOWN),)), 3, 0),
        (of(3, load=0.2, alarms=(replace(HIGH, name="g-cpu-low"),)), 3, 0),
        (of(3, load=None, policy_memory=f"{NOW - 300} 1"), 4, 1),
        (group(load=None, policy_memory=f"{NOW - 300} 2"), 0, 0),
    ],
    ids=[
        "between",
        "hot",
        "at the upper edge",
        "hotter for longer",
        "cooling",
        "enough",
        "kept between",
        "cold",
        "at the lower edge",
        "the queue asks",
        "alarm",
        "unknown alarm",
        "another alarm",
        "no sample now",
        "nobody there",
    ],
)
def test_hybrid_adds_what_the_load_asks_for_to_what_the_queue_does(one: WorkerGroup, workers: int, extra: int) -> None:
    target = wanted(one)
    assert (target.workers, target.memory.split()[1]) == (workers, str(extra))


def test_hybrid_says_both_parts() -> None:
    target = wanted(of(2, load=0.93, alarms=(HIGH,)))
    queue = "2 busy + 0 held for 0 idle jobs + 0 for 0 unmet jobs + 0 headroom"
    assert target == Target(
        3, f"{queue} + 1 for load (mean CPU 93%, raised: g-cpu-high)", f"{NOW!r} 1", next_wake=NOW + 300
    )


def test_without_telemetry_and_alarms_hybrid_is_backlog() -> None:
    one = snapshot(of(3, 2, policy_memory=f"{NOW - 300} 2", demand=GroupDemand(unmet_workers=2, unmet_jobs=8)))
    assert Hybrid(headroom=1).decide(one)["g"].workers == Backlog(headroom=1).decide(one)["g"].workers


@pytest.mark.parametrize(
    ("one", "workers", "on_load"),
    [
        (of(1, 2, load=0.9), 4, True),
        (of(1, 2, load=0.6), 3, False),
        (of(1, 2, load=0.0, policy_memory=f"{NOW - 900} 2"), 3, False),
        (of(1, 2, load=None), 3, False),
        (of(1, 2, load=0.0, alarms=(HIGH,)), 4, True),
        (group(worker(Phase.LOST), load=None, policy_memory=f"{NOW - 900} 2"), 0, False),
    ],
)
def test_while_htcondor_is_blind_load_holds_or_raises(one: WorkerGroup, workers: int, on_load: bool) -> None:  # noqa: FBT001
    target = wanted(one, trust=BLIND)
    assert (target.workers, target.on_load) == (max(workers, one.counted), on_load)
    assert int(target.memory.split()[1]) >= int((one.policy_memory or "0 0").split()[1])


def test_no_alarm_counts_where_none_is_named() -> None:
    assert wanted(of(3, load=0.2, alarms=(HIGH,)), Hybrid(up_alarm="")).workers == 3
