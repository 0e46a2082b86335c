"""Joining what is remembered of a worker with what is seen of it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from elastic.core.fleet import Fleet, join
from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory, Memory, WishKind, WorkerRecord
from elastic.core.model import Worker
from elastic.core.observation import Answers, Inspection, JobsOnWorkers, Observations, Server, ServerStatus
from elastic.core.sighting import timers
from tests.core.builders import (
    NO_JOBS,
    NOW,
    SERVING,
    SILENT,
    drain,
    failed,
    joined,
    machine,
    memory,
    record,
    seen,
    server,
    spec,
    static,
    wish,
)


def fleet(observations: Observations, known: Memory, now: float = NOW) -> Fleet:
    return join(known, observations, {"g": spec()}, now)


def only(observations: Observations, known: WorkerRecord, now: float = NOW, **changes: object) -> Worker:
    """The one worker of a memory that holds this record."""
    (worker,) = fleet(observations, memory([known], (), **changes), now).workers
    return worker


def answers(
    inspection: Inspection | None = SILENT,
    jobs: JobsOnWorkers | None = NO_JOBS,
    lookups: Mapping[str, Server | None] | None = None,
) -> Answers:
    inspections = {} if inspection is None else {"w1": inspection}
    return Answers(inspections=inspections, jobs=jobs, lookups=lookups or {})


# -- whose server is it


def test_an_intent_adopts_the_server_that_carries_its_name() -> None:
    found = only(seen([], [server(status=ServerStatus.BUILDING)]), record(server_id=None, age=20))
    assert (found.phase, found.record.server_id, found.building) == (Phase.BOOTING, "s-w1", True)


def test_of_two_servers_for_one_intent_the_first_is_adopted_and_the_other_named() -> None:
    twins = [server(id="s-b"), server(id="s-a")]
    found = fleet(seen([], twins), memory([record(server_id=None, age=20)]))
    assert found.records["w1"].server_id == "s-a"
    assert [s.id for s in found.orphans] == ["s-b"]


def test_members_that_are_made_alike_go_to_the_open_intents_in_their_order() -> None:
    """Of an AutoScalingGroup nobody can say which member answers which order: any does, each only once."""
    intents = [record(f"g-l-{number}", server_id=None, age=20) for number in (9, 10, 11)]
    members = [server(id=name, worker=None) for name in ("s-c", "s-a")]
    found = fleet(seen([], members), memory(intents))
    assert {name: r.server_id for name, r in found.records.items()} == {"g-l-9": "s-a", "g-l-10": "s-c"}
    assert found.orphans == ()


@pytest.mark.parametrize(
    "other",
    [
        server(id="s-x", worker=None, group="other"),
        server(id="s-x", worker=None, ledger="ledger-2"),
        server(id="s-x", worker=None, ledger=None),
        server(id="s-x", worker=None, status=ServerStatus.DELETING),
        server(id="s-x", worker="somebody"),
        server(id="s-w2", worker=None),
    ],
    ids=["another group's", "another ledger's", "nobody's", "one that goes", "another intent's", "one that is taken"],
)
def test_a_server_that_is_not_free_answers_no_intent(other: Server) -> None:
    known = memory([record(server_id=None, age=20), joined("w2")])
    found = fleet(seen([machine("w2")], [other]), known)
    assert (found.workers[0].phase, found.workers[0].record.server_id) == (Phase.REQUESTED, None)


def test_metadata_of_another_ledger_adopts_nobody_and_is_named() -> None:
    stranger = server(ledger="ledger-2")
    found = fleet(seen([], [stranger]), memory([record(server_id=None, age=20)]))
    assert (found.workers[0].phase, found.strangers, found.orphans) == (Phase.REQUESTED, (stranger,), ())


def test_a_ledger_that_was_handed_over_is_no_stranger() -> None:
    handed = server("old", ledger="ledger-2")
    found = fleet(seen([], [handed]), memory(accepted_ledgers=("ledger-2",)))
    assert (found.strangers, found.orphans) == ((), (handed,))


def test_workers_of_a_group_that_is_not_configured_any_more_are_named_and_left_alone() -> None:
    known = memory([joined("w1", group="old"), record("w2", group="old", server_id=None)])
    now = seen([machine("w1")], [server("w1", group="old"), server("w2", group="old")])
    found = fleet(now, known)
    assert (found.workers, found.records, found.ungrouped) == ((), {}, ("w1", "w2"))
    assert [s.id for s in found.orphans] == ["s-w2"]  # Its id is not written down yet: seen, and left alone as well.
    assert [m.name for m in found.others] == ["w1.pool"]


def test_the_ghost_of_a_forgotten_worker_is_no_supply() -> None:
    found = fleet(seen([machine("gone"), static()], []), memory())
    assert [m.name for m in found.others] == ["static.pool"]


def test_a_second_ad_of_one_worker_is_no_supply() -> None:
    old = replace(machine(), name="old.pool", ad_age_seconds=600)
    found = fleet(seen([old, machine()], [server()]), memory([joined()]))
    assert (found.machines["w1"].name, found.others) == ("w1.pool", ())


# -- the life of a worker


def test_a_worker_joins_when_its_machine_is_seen() -> None:
    found = only(seen([machine()], [server()]), record(age=60))
    expected = record(
        age=60, active_at=NOW, joined_at=NOW, machine="w1.pool", address="<w1>", started=7, busy_seen=False
    )
    assert (found.phase, found.record) == (Phase.READY, expected)


def test_a_worker_that_joined_is_no_order_even_if_no_list_has_named_its_server_yet() -> None:
    """Its ad gone for a moment, it counted as an order of which nothing came, and was forgotten."""
    serving = only(seen([machine()], []), record(server_id=None, age=5000))
    unseen = only(seen([], []), replace(serving.record, vanished_at=NOW - 4000))
    assert (serving.phase, serving.stale) == (Phase.READY, True)
    assert (unseen.phase, unseen.stale) == (Phase.FAILED, True)


def test_a_server_missing_from_the_list_is_not_gone() -> None:
    found = only(seen([machine()], []), joined())
    assert (found.phase, found.stale, found.record) == (Phase.READY, True, joined())


def test_one_answer_that_it_does_not_exist_is_not_enough() -> None:
    found = only(seen([], [], answers=answers(lookups={"s-w1": None})), joined(vanished_at=NOW - 60))
    assert (found.phase, found.stale, found.record.missing_since) == (Phase.LOST, True, NOW)


def test_two_answers_a_tick_apart_are_gone() -> None:
    known = joined(vanished_at=NOW - 60, missing_since=NOW - 30)
    found = only(seen([], [], answers=answers(lookups={"s-w1": None})), known)
    assert (found.phase, found.stale) == (Phase.GONE, False)


def test_a_second_question_without_an_answer_proves_nothing() -> None:
    known = joined(vanished_at=NOW - 60, missing_since=NOW - 30)
    found = only(seen([], [], answers=answers()), known)
    assert (found.phase, found.stale, found.record.missing_since) == (Phase.LOST, True, NOW - 30)


def test_being_found_again_ends_the_count() -> None:
    known = joined(missing_since=NOW - 30)
    listed = only(seen([machine()], [server()]), known)
    looked_up = only(seen([machine()], [], answers=answers(lookups={"s-w1": server()})), known)
    assert (listed.phase, listed.record.missing_since) == (Phase.READY, None)
    assert (looked_up.phase, looked_up.stale, looked_up.record.missing_since) == (Phase.READY, False, None)


def test_a_gone_server_whose_ad_is_still_there_is_lost_until_the_ad_expires() -> None:
    known = joined(missing_since=NOW - 30)
    assert only(seen([machine()], [], answers=answers(lookups={"s-w1": None})), known).phase is Phase.LOST


def test_vanishes_and_returns() -> None:
    gone = only(seen([], [server()]), joined())
    back = only(seen([machine()], [server()]), gone.record)
    assert (gone.phase, gone.seconds_in_phase, gone.record.vanished_at) == (Phase.LOST, 0, NOW)
    assert (back.phase, back.record) == (Phase.READY, joined())


def test_nobody_vanishes_while_the_collector_does_not_answer() -> None:
    found = only(failed(seen([], [server()]), "machines"), joined())
    assert (found.stale, found.record) == (True, joined())


def test_nobody_vanishes_before_the_collector_has_answered_at_all() -> None:
    now = seen([], [server()])
    found = only(replace(now, machines=replace(now.machines, value=None)), joined())
    assert (found.stale, found.record) == (True, joined())


def test_an_intent_is_uncertain_before_the_cloud_has_answered_at_all() -> None:
    now = seen()
    found = only(replace(now, servers=replace(now.servers, value=None)), record(server_id=None, age=20))
    assert (found.phase, found.stale) == (Phase.REQUESTED, True)


def test_a_deletion_that_was_asked_for_stays_deleting_while_listed() -> None:
    known = joined(delete_asked_at=NOW - 10)
    assert only(seen([machine()], [server()]), known).phase is Phase.DELETING
    assert only(seen([], []), known).phase is Phase.DELETING


def test_a_server_that_somebody_else_deletes_is_deleting() -> None:
    assert only(seen([machine()], [server(status=ServerStatus.DELETING)]), joined()).phase is Phase.DELETING


def test_a_server_built_anew_is_no_building_victim() -> None:
    found = only(seen([], [server(status=ServerStatus.BUILDING)]), record(age=300, active_at=NOW - 200))
    assert found.phase is Phase.JOINING


def test_names_the_reason_when_it_fails() -> None:
    late = only(seen([], [server()]), record(age=2000, active_at=NOW - 900))
    broken = only(seen([], [server(status=ServerStatus.ERROR, fault="No valid host")]), record(age=5))
    unlisted = only(seen([], []), record(age=120, server_id=None))
    assert (late.phase, late.record.failed_at) == (Phase.FAILED, NOW)
    assert late.record.failure == "active, but its startd did not join within 900 s"
    assert broken.record.failure == "server error: No valid host"
    assert unlisted.record.failure == "the cloud has not listed it within 120 s"


def test_a_failure_is_taken_back_when_its_startd_joins_after_all() -> None:
    known = record(age=2000, active_at=NOW - 1000, failed_at=NOW - 100, failure="too late")
    found = only(seen([machine()], [server()]), known)
    assert (found.phase, found.record.failed_at, found.record.failure) == (Phase.READY, None, "")


def test_the_join_deadline_stretches_to_what_joins_have_taken_up_to_its_cap() -> None:
    slow = spec(join_seconds=900, join_seconds_cap=2400)
    assert timers(slow, ()).by_name["join_seconds"] == 900
    assert timers(slow, (60.0, 70.0)).by_name["join_seconds"] == 900
    assert timers(slow, (800.0,) * 10).by_name["join_seconds"] == 1200
    assert timers(slow, (2300.0,) * 10).by_name["join_seconds"] == 2400


def test_idle_before_drain_is_more_than_twice_the_p95_join() -> None:
    assert timers(spec(idle_seconds=900), (60.0,) * 10).idle_seconds == 900
    assert timers(spec(idle_seconds=900), (600.0,) * 10).idle_seconds == 1200


def test_a_slow_image_is_given_its_time() -> None:
    known = record(age=1150, active_at=NOW - 1100)
    slow = GroupMemory(group="g", join_seconds=(800.0,) * 10)
    found = join(memory([known], [slow]), seen([], [server()]), {"g": spec()}, NOW)
    assert found.workers[0].phase is Phase.JOINING


# -- why it must be kept


@pytest.mark.parametrize(
    ("known", "idle", "keep"),
    [
        (joined(), 2000.0, ""),
        (joined(), None, "busy"),
        (joined(), 899.0, "not idle long enough"),
        (joined(protected_by="ann"), 2000.0, "protected by ann"),
        (joined(protected_by="ann", wish=wish()), 2000.0, "protected by ann"),
        (joined(wish=wish(WishKind.DRAIN)), 5.0, ""),
        (joined(quarantine="black hole"), 5.0, ""),
        (joined(quarantine="black hole"), None, "busy"),
    ],
)
def test_says_why_a_ready_worker_is_kept(known: WorkerRecord, idle: float | None, keep: str) -> None:
    assert only(seen([machine(idle=idle)], [server()]), known).keep == keep


def test_keeps_a_worker_whose_idle_time_is_not_known() -> None:
    assert only(seen([machine(idle_seconds=None)], [server()]), joined()).keep == "idle time not known"
    unknown = replace(machine(), idle_seconds=None)
    assert only(seen([unknown], [server()]), joined()).keep == "idle time not known"


def test_after_blindness_an_idle_time_counts_once_the_startd_was_heard_again() -> None:
    before = only(seen([machine(ad_age_seconds=61.0)], [server()]), joined(), blind_until=NOW - 60)
    after = only(seen([machine(ad_age_seconds=59.0)], [server()]), joined(), blind_until=NOW - 60)
    assert (before.keep, after.keep) == ("not heard from since the pool was blind", "")


# -- the proof of being gone

LOST = joined(vanished_at=NOW - 4000)


@pytest.mark.parametrize(
    ("known", "observations", "missing"),
    [
        (LOST, seen([], [server()], answers=answers()), ""),
        (record(active_at=NOW - 4000), seen([], [server()], answers=answers(None)), ""),
        (LOST, failed(seen([], [server()], answers=answers()), "machines"), "a source is not fresh"),
        (LOST, failed(seen([], [server()], answers=answers()), "servers"), "a source is not fresh"),
        (LOST, seen([], [server()], answers=answers(None)), "its startd has not been asked"),
        (LOST, seen([], [server()], answers=answers(jobs=None)), "not every schedd has answered"),
        (
            LOST,
            seen([], [server()], answers=answers(jobs=JobsOnWorkers(jobs={}, complete=False))),
            "not every schedd has answered",
        ),
        (
            LOST,
            seen([], [server()], answers=answers(jobs=JobsOnWorkers(jobs={"w1.pool": ("7.0",)}, complete=True))),
            "jobs name it: 7.0",
        ),
        (
            joined(vanished_at=NOW - 2399, failed_at=NOW - 1),
            seen([], [server(status=ServerStatus.STOPPED)], answers=answers()),
            "the lease of jobs it may have held ends 2400 s after it vanished",
        ),
        (
            joined(),
            seen([machine()], [server(status=ServerStatus.STOPPED)], answers=answers()),
            "the collector has its ad",
        ),
    ],
    ids=[
        "all there",
        "it never had a startd",
        "machines stale",
        "servers stale",
        "startd not asked",
        "schedds not asked",
        "a schedd silent",
        "a job names it",
        "its lease",
        "its ad",
    ],
)
def test_names_what_is_missing_from_the_proof(known: WorkerRecord, observations: Observations, missing: str) -> None:
    found = only(observations, known)
    assert found.phase in (Phase.LOST, Phase.FAILED)
    assert found.proof_missing == missing


def test_a_startd_that_answers_is_not_gone_though_the_collector_does_not_know_it() -> None:
    """An expired token: alive, perhaps with a job on it, and no capacity, because nothing is matched to it."""
    alive = "its startd answers, and the collector does not know it (has its token expired?)"
    found = only(seen([], [server()], answers=answers(SERVING)), LOST)
    assert (found.phase, found.proof_missing) == (Phase.FAILED, alive)
    recent = only(seen([], [server()], answers=answers(SERVING)), joined(vanished_at=NOW - 100))
    assert (recent.phase, recent.proof_missing) == (Phase.LOST, alive)


def test_a_fenced_worker_counts_as_drained_while_it_is_silent() -> None:
    known = joined(drain=drain(confirmed=20), fence_asked_at=NOW - 5)
    found = only(seen([], [server()], answers=answers()), known)
    assert (found.phase, found.record.drain) == (Phase.DRAINED, known.drain)


def test_a_fenced_worker_that_came_back_by_a_reboot_is_ready() -> None:
    known = joined(drain=drain(confirmed=20), fence_asked_at=NOW - 5)
    found = only(seen([machine()], [server()], answers=answers(SERVING)), known)
    assert (found.phase, found.record) == (Phase.READY, joined())


def test_a_daemon_started_while_the_collector_is_down_calls_nobody_lost_for_long() -> None:
    found = only(failed(seen([], [server()]), "machines"), joined(age=50_000))
    assert (found.phase, found.seconds_in_phase, found.record) == (Phase.LOST, 0.0, joined(age=50_000))
