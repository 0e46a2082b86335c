"""What Prometheus sees of a tick."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from prometheus_client.samples import Sample

from elastic.core import planner, removal
from elastic.core.actions import ActionResult, DrainWorker, Launch, Outcome, Refusal
from elastic.core.lifecycle import Phase
from elastic.core.memory import Breaker, BreakerState, Drain, Event, WorkerRecord
from elastic.core.model import (
    Demand,
    GroupDemand,
    GroupSpec,
    Snapshot,
    SourceHealth,
    Trust,
    Unserved,
    Worker,
    WorkerGroup,
)
from elastic.core.policy import Limited, Target
from elastic.core.record import Plan, TickRecord
from elastic.metrics import Metrics

NOW = 1_000_000.0
JOINED = WorkerRecord(name="w1", group="small", requested_at=NOW - 90, joined_at=NOW)
DRAINED = WorkerRecord(
    name="w2",
    group="small",
    requested_at=NOW - 900,
    drain=Drain(nonce="n", asked_at=NOW - 4, confirmed_at=NOW),
)


def worker(record: WorkerRecord, phase: Phase) -> Worker:
    return Worker(
        name=record.name,
        group=record.group,
        phase=phase,
        busy=False,
        idle_seconds=0.0,
        seconds_in_phase=0.0,
        flagged=False,
        stale=False,
        keep="",
        record=record,
    )


SMALL = WorkerGroup(
    spec=GroupSpec(name="small", maximum=9),
    counts={Phase.READY: 1, Phase.DRAINED: 1},
    demand=GroupDemand(running_jobs=3, placed_jobs=2, unmet_jobs=7, unmet_workers=4),
    quota_left=5,
    breaker=Breaker(state=BreakerState.OPEN),
    workers=(worker(JOINED, Phase.READY), worker(DRAINED, Phase.DRAINED)),
)
SNAPSHOT = Snapshot(
    now=NOW,
    tick=7,
    groups={"small": SMALL},
    demand=Demand(
        idle_jobs=9,
        running_jobs=3,
        held_jobs=1,
        other_universes={"scheduler": 5},
        unserved=(
            Unserved(shape="a", jobs=2, cause="limit", reason="limit dog is 2"),
            Unserved(shape="b", jobs=3, cause="limit", reason="limit cat is 3"),
        ),
    ),
    sources={
        "machines": SourceHealth(source="machines", ok=True, age_seconds=0.5),
        "queue": SourceHealth(source="queue", ok=False, age_seconds=61, error_type="Transient"),
    },
    trust=Trust(shrink="queue is 61 s old", grow="queue is 61 s old"),
)
QUOTA = Limited(guardrail="quota", before=9, after=5, reason="quota leaves 5")
RECORD = TickRecord(
    tick=7,
    now=NOW,
    snapshot=SNAPSHOT,
    proposal={"small": Target(9, "9 wanted")},
    targets={"small": Target(5, "5 of 9", limited=(QUOTA,))},
    plan=Plan(
        refusals=(Refusal(group="small", guardrail="freshness", direction="up", workers=4, reason="queue is old"),),
        next_wake=NOW + 30,
    ),
    results=(
        ActionResult(action=Launch(group="small", worker="w3", reason="r"), outcome=Outcome.DONE),
        ActionResult(action=Launch(group="small", worker="w4", reason="r"), outcome=Outcome.FAILED),
        ActionResult(action=DrainWorker(group="small", worker="w1", nonce="n", reason="r"), outcome=Outcome.REFUSED),
    ),
    events=(Event(at=NOW, kind="joined", text="w1 joined after 90 s", group="small", worker="w1"),),
    durations={"observe": 0.2, "plan": 0.01},
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["small"])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("elastic_demand_jobs", {"group": "small", "state": "running"}, 3),
        ("elastic_demand_jobs", {"group": "small", "state": "placed"}, 2),
        ("elastic_demand_jobs", {"group": "small", "state": "unmet"}, 7),
        ("elastic_demand_workers", {"group": "small"}, 4),
        ("elastic_workers", {"group": "small", "phase": "ready"}, 1),
        ("elastic_workers", {"group": "small", "phase": "drained"}, 1),
        ("elastic_workers", {"group": "small", "phase": "booting"}, 0),
        ("elastic_target_workers", {"group": "small"}, 5),
        ("elastic_actions_total", {"group": "small", "action": "launch", "outcome": "done"}, 1),
        ("elastic_actions_total", {"group": "small", "action": "launch", "outcome": "failed"}, 1),
        ("elastic_actions_total", {"group": "small", "action": "drain", "outcome": "refused"}, 1),
        ("elastic_actions_total", {"group": "small", "action": "delete", "outcome": "done"}, 0),
        ("elastic_refusals_total", {"group": "small", "guardrail": "freshness"}, 1),
        ("elastic_skipped_total", {"group": "small", "direction": "up", "reason": "freshness"}, 4),
        ("elastic_source_age_seconds", {"source": "machines"}, 0.5),
        ("elastic_source_errors_total", {"source": "queue", "type": "Transient"}, 1),
        ("elastic_safe_to_scale", {"direction": "up"}, 0),
        ("elastic_safe_to_scale", {"direction": "down"}, 0),
        ("elastic_worker_join_seconds_sum", {}, 90),
        ("elastic_worker_join_seconds_count", {}, 1),
        ("elastic_drain_seconds_sum", {}, 4),
        ("elastic_jobs_lost_total", {"cause": "evicted"}, 0),
        ("elastic_victim_mismatch_total", {}, 0),
        ("elastic_tick_duration_seconds_sum", {"stage": "observe"}, 0.2),
        ("elastic_last_success_timestamp_seconds", {"stage": "plan"}, NOW),
        ("elastic_last_success_timestamp_seconds", {"stage": "act"}, 0),
        ("elastic_last_success_timestamp_seconds", {"stage": "observe"}, 0),
        ("elastic_breaker_state", {"group": "small"}, 1),
        ("elastic_unserved_jobs", {"cause": "limit"}, 5),
        ("elastic_queue_other_jobs", {"universe": "scheduler"}, 5),
        ("elastic_queue_jobs", {"state": "held"}, 1),
        ("elastic_quota_left_workers", {"group": "small"}, 5),
        ("elastic_next_wake_timestamp_seconds", {}, NOW + 30),
        ("elastic_mode", {"mode": "act"}, 1),
        ("elastic_events_total", {"kind": "joined"}, 1),
    ],
)
def test_one_tick_becomes(metrics: Metrics, name: str, labels: dict[str, str], expected: float) -> None:
    metrics.observe(RECORD)
    assert value(metrics, name, **labels) == expected


def test_every_series_of_a_known_group_is_there_before_the_first_tick(metrics: Metrics) -> None:
    before = {tuple(sorted(s.labels.items())) for f in metrics.registry.collect() for s in f.samples}
    assert {
        (("group", "small"), ("phase", "lost")),
        (("action", "delete"), ("group", "small"), ("outcome", "unsure")),
        (("cause", "evicted"),),
    } <= before


def test_lost_jobs_and_vanished_servers_are_counted_by_what_their_events_say(metrics: Metrics) -> None:
    texts = ("named_after_deletion: job s#1.0 names it", "named_after_deletion: job s#1.1 names it", "evicted: ...")
    lost = [Event(at=NOW, kind="job_lost", text=text, group="small", worker="w1") for text in texts]
    wrong = Event(at=NOW, kind="victim_mismatch", text="its server is gone unasked", group="small", worker="w1")
    metrics.observe(replace(RECORD, events=(*lost, wrong)))
    assert value(metrics, "elastic_jobs_lost_total", cause="named_after_deletion") == 2
    assert value(metrics, "elastic_jobs_lost_total", cause="evicted") == 1
    assert value(metrics, "elastic_victim_mismatch_total") == 1


def samples(metrics: Metrics, family: str) -> Sequence[Sample]:
    return next(found.samples for found in metrics.registry.collect() if found.name == family)


def test_every_refusal_that_the_planner_writes_is_there_before_the_first_tick(metrics: Metrics) -> None:
    text = "".join(inspect.getsource(module) for module in (planner, removal))
    written = set(re.findall(r'refuse\([^"]*"([a-z ]+)", "([a-z]+)"', text))
    skipped = {(s.labels["reason"], s.labels["direction"]) for s in samples(metrics, "elastic_skipped")}
    refused = {s.labels["guardrail"] for s in samples(metrics, "elastic_refusals")}
    assert ("pause", "both") in written
    assert (written - skipped, {guardrail for guardrail, _ in written} - refused) == (set(), set())


def test_growth_held_counts_from_the_first_blind_tick_and_ends_with_it(metrics: Metrics) -> None:
    metrics.observe(RECORD)
    metrics.observe(later(RECORD, 60))
    assert value(metrics, "elastic_growth_held_seconds") == 60
    metrics.observe(replace(RECORD, snapshot=replace(SNAPSHOT, trust=Trust())))
    assert value(metrics, "elastic_growth_held_seconds") == 0
    assert value(metrics, "elastic_safe_to_scale", direction="up") == 1


def test_a_join_is_counted_once_however_often_its_worker_is_seen(metrics: Metrics) -> None:
    metrics.observe(RECORD)
    metrics.observe(later(RECORD, 30))
    assert value(metrics, "elastic_worker_join_seconds_count") == 1


def test_a_shape_that_is_served_again_no_longer_shows(metrics: Metrics) -> None:
    metrics.observe(RECORD)
    metrics.observe(replace(RECORD, snapshot=replace(SNAPSHOT, demand=Demand())))
    assert value(metrics, "elastic_unserved_jobs", cause="limit") is None


def test_no_label_names_a_worker_or_a_job(metrics: Metrics) -> None:
    metrics.observe(RECORD)
    labels = {label for f in metrics.registry.collect() for s in f.samples for label in s.labels}
    assert not labels & {"worker", "server", "job", "name", "id"}
    assert b"w1" not in metrics.text()


def test_a_group_added_by_a_reload_gets_its_series(metrics: Metrics) -> None:
    metrics.know(["small", "big"])
    assert value(metrics, "elastic_actions_total", group="big", action="launch", outcome="done") == 0


def later(record: TickRecord, seconds: float) -> TickRecord:
    return replace(record, now=NOW + seconds, snapshot=replace(record.snapshot, now=NOW + seconds))
