"""Who is launched, resumed, drained, deleted, forgotten, and why nobody is."""

from dataclasses import replace

import pytest

from elastic.core.actions import Action, Adopt, Delete, DrainWorker, Forget, Launch, Proof, Refusal, Resume
from elastic.core.lifecycle import Phase
from elastic.core.memory import GroupMemory, WishKind, WorkerRecord
from elastic.core.model import GroupDemand, Snapshot, Trust, Worker, WorkerGroup
from elastic.core.override import OverrideKind
from elastic.core.planner import plan
from elastic.core.record import Plan
from elastic.core.removal import proof_of
from tests.core.builders import (
    NOW,
    SITE,
    drain,
    group,
    joined,
    look,
    machine,
    memory,
    nonce,
    override,
    seen,
    server,
    snapshot,
    spec,
    targets,
    wish,
    worker,
)


def planned(one: WorkerGroup, wanted: int, trust: Trust | None = None, **changes: object) -> Plan:
    return plan(snapshot(one, trust=trust, **changes), targets(g=wanted), SITE)


def actions(one: WorkerGroup, wanted: int) -> tuple[Action, ...]:
    return planned(one, wanted).actions


def ready(count: int, idle: float | None = 2000.0) -> list[Worker]:
    return [worker(Phase.READY, f"r{i}", idle) for i in range(count)]


def draining_of(name: str, why: str = "idle for 2000 s and not needed: wanted", *, busy: bool = False) -> DrainWorker:
    return DrainWorker(group="g", worker=name, nonce=nonce(name, 7), reason=why, busy=busy)


def launch(number: int) -> Launch:
    return Launch(group="g", worker=f"g-ledger-1-{number}", reason="wanted")


# -- growing


def test_resumes_a_draining_worker_before_launching() -> None:
    one = group(worker(Phase.DRAINED, "a"), worker(Phase.DRAINING, "b"), worker(Phase.READY, "c"))
    assert actions(one, 4) == (
        Resume(group="g", worker="b", reason="needed again: wanted"),
        Resume(group="g", worker="a", reason="needed again: wanted"),
        launch(51),
    )


def test_a_fenced_worker_is_taken_back_last() -> None:
    one = group(worker(Phase.DRAINED, "a", fence_asked_at=NOW - 5), worker(Phase.DRAINED, "b"))
    assert actions(one, 1)[0] == Resume(group="g", worker="b", reason="needed again: wanted")


def test_a_worker_drained_by_wish_or_as_a_black_hole_is_not_taken_back() -> None:
    one = group(worker(Phase.DRAINED, "a", wish=wish()), worker(Phase.DRAINED, "b", quarantine="bad disk"))
    assert [a for a in actions(one, 1) if not isinstance(a, Delete)] == [launch(51)]


def test_numbers_of_workers_only_grow_over_groups() -> None:
    groups = (group(spec=spec("a")), group(spec=spec("b")))
    made = plan(snapshot(*groups), targets(a=1, b=2), SITE)
    assert [a.worker for a in made.actions] == ["a-ledger-1-51", "b-ledger-1-52", "b-ledger-1-53"]
    assert made.sequence == 53


def test_the_maximum_counts_every_server_that_exists() -> None:
    dead = [worker(p, p.value) for p in (Phase.LOST, Phase.FAILED, Phase.DELETING, Phase.FOREIGN_DRAIN)]
    made = planned(group(*dead, *ready(2, None), spec=spec(maximum=7)), 5)
    assert [a for a in made.actions if isinstance(a, Launch)] == [launch(51)]
    assert made.refusals[0] == Refusal(
        group="g", guardrail="limits", direction="up", workers=2, reason="6 servers exist, the maximum is 7"
    )


def test_a_server_that_is_gone_takes_no_place() -> None:
    made = actions(group(worker(Phase.GONE, "old", cleared_at=NOW), spec=spec(maximum=1)), 1)
    assert made == (Forget(group="g", worker="old", reason="deleted as asked: idle"), launch(51))


# -- shrinking


def test_cancels_servers_that_are_still_building_first_the_youngest_of_them() -> None:
    boots = [worker(Phase.BOOTING, f"b{i}", requested_at=NOW - i) for i in (3, 1, 2)]
    made = actions(group(*boots, *ready(1)), 2)
    why = "not needed any more: wanted"
    assert made == (
        Delete(group="g", worker="b1", proof=Proof.BUILDING, reason=why),
        Delete(group="g", worker="b2", proof=Proof.BUILDING, reason=why),
    )


@pytest.mark.parametrize(
    "boot",
    [
        worker(Phase.JOINING),
        worker(Phase.REQUESTED),
        worker(Phase.BOOTING, building=False),
        worker(Phase.BOOTING, stale=True),
        worker(Phase.BOOTING, flagged=True),
        worker(Phase.BOOTING, joined_at=NOW - 5),
        worker(Phase.BOOTING, protected_by="ann"),
    ],
    ids=["joining", "requested", "not listed as building", "stale", "flagged", "has joined", "protected"],
)
def test_cancels_only_what_the_cloud_still_lists_as_building(boot: Worker) -> None:
    assert actions(group(boot), 0) == ()


def test_a_boot_that_jobs_wait_for_is_not_cancelled_in_place_of_an_idle_worker_without_jobs() -> None:
    """An idle worker that takes no jobs was kept, the boot cancelled, and another launched, for ever."""
    waiting = GroupDemand(placed_jobs=1, held_workers=1, held_upcoming=1)
    one = group(worker(Phase.BOOTING, "b"), worker(Phase.READY, "r", 60.0, keep="not idle long enough"), demand=waiting)
    assert actions(one, 1) == ()


def test_a_boot_that_jobs_wait_for_is_cancelled_when_the_operator_wants_less() -> None:
    waiting = GroupDemand(placed_jobs=1, held_workers=1, held_upcoming=1)
    one = group(worker(Phase.BOOTING, "b"), *ready(1, None), demand=waiting)
    assert [a.worker for a in actions(one, 1)] == ["b"]


def test_drains_the_worker_that_has_been_idle_longest() -> None:
    one = group(worker(name="a", idle=1000), worker(name="b", idle=3000), worker(name="c", idle=3000))
    assert actions(one, 2) == (draining_of("b", "idle for 3000 s and not needed: wanted"),)


def test_never_drains_a_busy_worker() -> None:
    made = planned(group(*ready(3, None)), 0)
    assert made.actions == ()
    assert made.refusals == (Refusal(group="g", guardrail="idle", direction="down", workers=3, reason="kept: 3 busy"),)


def test_drains_a_tenth_of_the_workers_at_once() -> None:
    made = planned(group(*ready(25)), 0)
    assert [a.worker for a in made.actions] == ["r0", "r1"]
    assert made.refusals == (
        Refusal(
            group="g",
            guardrail="drain share",
            direction="down",
            workers=23,
            reason="enough are draining at once already",
        ),
    )


def test_drains_at_least_one() -> None:
    assert len(actions(group(*ready(3)), 0)) == 1


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.DRAINED, Phase.FOREIGN_DRAIN])
def test_drains_under_way_count_foreign_ones_too(phase: Phase) -> None:
    away = worker(phase, "x", fence_asked_at=None)
    assert [a for a in actions(group(*ready(9), away), 0) if isinstance(a, DrainWorker)] == []


def test_a_stopped_scale_down_shrinks_nothing_and_says_so() -> None:
    one = group(*ready(3), memory=GroupMemory(group="g", scale_down_stopped="wrong server vanished"))
    made = planned(one, 0)
    assert made.actions == ()
    assert made.refusals == (
        Refusal(group="g", guardrail="victim", direction="down", workers=0, reason="wrong server vanished"),
    )


# -- finishing


def test_a_drained_worker_is_deleted_once_it_was_validated() -> None:
    young = worker(Phase.DRAINED, drain=drain(confirmed=14))
    old = worker(Phase.DRAINED, drain=drain(confirmed=15))
    assert actions(group(young), 0) == ()
    assert actions(group(old), 0) == (
        Delete(group="g", worker="w1", proof=Proof.DRAINED, reason="drained and empty for 15 s"),
    )


@pytest.mark.parametrize(
    ("drained", "trust", "why"),
    [
        (worker(Phase.DRAINED), Trust(shrink="queue: no route"), "drained, not deleted yet: queue: no route"),
        (worker(Phase.DRAINED, stale=True), Trust(), "drained, not deleted yet: its source is stale"),
        (worker(Phase.DRAINED, flagged=True), Trust(), "drained, not deleted yet: its server's status needs a look"),
    ],
)
def test_in_doubt_a_drained_worker_is_kept(drained: Worker, trust: Trust, why: str) -> None:
    made = planned(group(drained), 0, trust)
    assert made.actions == ()
    assert [(r.guardrail, r.reason) for r in made.refusals] == [("freshness", why)]


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.DRAINED])
def test_a_protected_worker_is_resumed(phase: Phase) -> None:
    made = actions(group(worker(phase, protected_by="ann")), 0)
    assert made == (Resume(group="g", worker="w1", reason="protected by ann"),)


def test_a_crash_between_fence_and_deletion_is_finished_or_taken_back() -> None:
    fenced = worker(Phase.DRAINED, fence_asked_at=NOW - 40)
    assert actions(group(fenced), 0) == (
        Delete(group="g", worker="w1", proof=Proof.DRAINED, reason="drained and empty for 20 s"),
    )
    assert actions(group(fenced), 1) == (Resume(group="g", worker="w1", reason="needed again: wanted"),)


def test_a_worker_switched_off_by_us_whose_drain_is_gone_is_switched_on_and_not_drained() -> None:
    back = worker(Phase.READY, fence_asked_at=NOW - 40)
    why = "its startd was switched off and its removal not finished"
    assert actions(group(back), 0) == (Resume(group="g", worker="w1", reason=why),)


def test_a_failed_worker_is_deleted_when_it_is_proved_gone() -> None:
    assert actions(group(worker(Phase.FAILED)), 0) == (
        Delete(group="g", worker="w1", proof=Proof.GONE, reason="it did not join"),
    )


@pytest.mark.parametrize(
    ("dead", "trust", "why"),
    [
        (worker(Phase.FAILED), Trust(shrink="blind: x"), "blind: x"),
        (worker(Phase.FAILED, proof_missing="its startd answers"), Trust(), "its startd answers"),
        (worker(Phase.FAILED, stale=True), Trust(), "its source is stale"),
        (worker(Phase.FAILED, flagged=True), Trust(), "its server's status needs a look"),
        (worker(Phase.FAILED, protected_by="ann"), Trust(), "protected by ann"),
    ],
    ids=["blind", "no proof", "stale", "paused or migrating", "protected"],
)
def test_a_failed_worker_is_kept_while_anything_is_missing(dead: Worker, trust: Trust, why: str) -> None:
    made = planned(group(dead), 0, trust)
    assert made.actions == ()
    assert [r.reason for r in made.refusals] == [f"not proved gone: {why}"]


def test_a_lost_worker_waits() -> None:
    assert actions(group(worker(Phase.LOST)), 0) == ()


def test_a_deletion_is_repeated_after_a_minute() -> None:
    assert actions(group(worker(Phase.DELETING, delete_asked_at=NOW - 59)), 0) == ()
    assert actions(group(worker(Phase.DELETING, delete_asked_at=NOW - 60)), 0) == (
        Delete(group="g", worker="w1", proof=Proof.DRAINED, reason="again: idle"),
    )


@pytest.mark.parametrize(
    ("begun", "proof"),
    [
        (worker(Phase.DELETING), Proof.DRAINED),
        (worker(Phase.DELETING, drain=None, wish=wish(WishKind.FORCE)), Proof.FORCED),
        (worker(Phase.DELETING, drain=None, joined_at=None, building=True), Proof.BUILDING),
        (worker(Phase.DELETING, drain=None, joined_at=None), Proof.GONE),
        (worker(Phase.DELETING, drain=None), Proof.GONE),
    ],
)
def test_a_repeated_deletion_goes_on_with_its_own_proof(begun: Worker, proof: Proof) -> None:
    assert proof_of(begun) is proof


def test_what_is_gone_is_forgotten() -> None:
    asked = worker(Phase.GONE, "a", cleared_at=NOW)
    unasked = worker(Phase.GONE, "b", delete_asked_at=None)
    assert actions(group(asked, unasked), 0) == (
        Forget(group="g", worker="a", reason="deleted as asked: idle"),
        Forget(group="g", worker="b", reason="its server is gone without our asking"),
    )


def test_what_is_gone_is_remembered_until_every_schedd_has_said_that_no_job_names_it() -> None:
    made = planned(group(worker(Phase.GONE, "a")), 0)
    assert made.actions == ()
    assert [(r.guardrail, r.worker) for r in made.refusals] == [("proof", "a")]
    never_joined = worker(Phase.GONE, "b", joined_at=None)
    assert actions(group(never_joined), 0) == (Forget(group="g", worker="b", reason="deleted as asked: idle"),)


def test_an_intent_of_which_no_server_came_is_forgotten_after_a_while() -> None:
    young = worker(Phase.FAILED, server_id=None, seconds_in_phase=359)
    old = worker(Phase.FAILED, server_id=None, seconds_in_phase=360)
    assert actions(group(young), 0) == ()
    assert actions(group(old), 0) == (
        Forget(group="g", worker="w1", reason="no server has come of this intent in 360 s"),
    )


def test_an_intent_is_not_forgotten_while_the_cloud_does_not_list_its_servers() -> None:
    """The cloud was away when it took the order and still is: forgotten, its server would belong to nobody."""
    assert actions(group(worker(Phase.FAILED, server_id=None, seconds_in_phase=9000, stale=True)), 0) == ()


# -- what the operator asks of single workers


def test_a_wish_drains_an_idle_worker_however_short_its_idle_time() -> None:
    one = group(worker(idle=3.0, wish=wish()))
    assert actions(one, 1) == (draining_of("w1", "asked by ann: kernel"),)


def test_a_wish_waits_until_a_busy_worker_is_empty() -> None:
    made = planned(group(worker(idle=None, wish=wish())), 1)
    assert made.actions == ()
    assert [(r.guardrail, r.reason) for r in made.refusals] == [
        ("busy", "asked by ann: kernel; waits until it is empty")
    ]


def test_a_busy_worker_is_drained_gracefully_only_when_that_was_asked() -> None:
    one = group(worker(idle=None, wish=wish(WishKind.DRAIN_BUSY)))
    assert actions(one, 1) == (draining_of("w1", "asked by ann: kernel", busy=True),)


def test_a_black_hole_is_drained_first_and_once() -> None:
    hole = worker(name="z", idle=1.0, quarantine="bad disk")
    made = actions(group(hole, *ready(2)), 1)
    assert made == (draining_of("z", "black hole: bad disk"), draining_of("r0"))


def test_a_black_hole_that_is_never_seen_idle_is_asked_to_drain_if_nothing_is_claimed() -> None:
    hole = worker(name="z", idle=None, quarantine="bad disk")
    assert actions(group(hole), 0) == (draining_of("z", "black hole: bad disk"),)


@pytest.mark.parametrize("phase", [Phase.READY, Phase.FAILED, Phase.DRAINED, Phase.LOST, Phase.BOOTING])
def test_force_deletes_once_whatever_the_phase(phase: Phase) -> None:
    forced = worker(phase, wish=wish(WishKind.FORCE))
    assert actions(group(forced), 0) == (
        Delete(group="g", worker="w1", proof=Proof.FORCED, reason="forced by ann: kernel"),
    )


def test_a_wish_on_a_drained_worker_only_lets_the_removal_go_on() -> None:
    made = actions(group(worker(Phase.DRAINED, wish=wish())), 1)
    assert made == (
        launch(51),
        Delete(group="g", worker="w1", proof=Proof.DRAINED, reason="drained and empty for 20 s"),
    )


@pytest.mark.parametrize("asked", [{"wish": wish()}, {"quarantine": "bad disk"}], ids=["wish", "black hole"])
def test_a_protected_worker_does_not_go_to_and_fro_between_drain_and_resume(asked: dict[str, object]) -> None:
    kept = worker(Phase.READY, "w1", 2000.0, protected_by="ann", keep="protected by ann", **asked)
    made = planned(group(kept), 0)
    assert made.actions == ()
    assert "protect" in [r.guardrail for r in made.refusals]


# -- nothing at all


def test_paused_does_nothing() -> None:
    one = group(worker(Phase.GONE, "a"), worker(Phase.DRAINED, "b"), *ready(2), spec=spec(minimum=9))
    made = planned(one, 9, overrides=(override(OverrideKind.PAUSE),))
    assert made.actions == ()
    assert made.notes == {"g": "pause by ann (trial)"}


def test_servers_of_another_ledger_block_every_action() -> None:
    one = group(worker(Phase.GONE, "a"), worker(Phase.DRAINED, "b"), worker(Phase.FAILED, "c"), *ready(2))
    made = planned(one, 9, Trust(act="1 servers of this pool belong to another ledger"))
    assert made.actions == ()
    assert made.refusals == (
        Refusal(
            group="g",
            guardrail="pause",
            direction="both",
            workers=0,
            reason="1 servers of this pool belong to another ledger",
        ),
    )


def test_nothing_to_do_has_a_reason() -> None:
    assert planned(group(*ready(2, None)), 2).notes == {"g": "nothing to do: 2 wanted (wanted), 2 there"}


def test_an_empty_pool_makes_an_empty_plan() -> None:
    made = plan(Snapshot(now=NOW, tick=1, groups={}), {}, SITE)
    assert (made.actions, made.refusals, made.next_wake) == ((), (), NOW + 30)


def test_servers_of_a_ledger_that_was_handed_over_are_adopted() -> None:
    orphan = server("old-1", ledger="ledger-0")
    ours = server("g-ledger-1-3")
    made = planned(group(), 0, orphans=(orphan, ours))
    assert made.actions == (
        Adopt(group="g", worker="old-1", server_id="s-old-1", reason="handed over from ledger ledger-0"),
    )


# -- removals that could not be carried out


def test_a_worker_whose_removal_failed_is_passed_over_and_another_goes() -> None:
    """It was drained, could not be switched off, was resumed, and drained again at the next tick, for ever."""
    known = [joined("a", passed_over_until=NOW + 10, passed_over_reason="no master"), joined("b")]
    snapshot, _ = look(seen([machine("a"), machine("b", 1000.0)], [server("a"), server("b")]), memory(known))
    made = plan(snapshot, targets(g=1), SITE)
    assert [a.worker for a in made.actions] == ["b"]
    assert made.refusals == (
        Refusal(
            group="g", guardrail="removal backoff", direction="down", workers=1,
            reason="its removal failed: no master", worker="a",
        ),
    )  # fmt: skip
    assert snapshot.groups["g"].workers[0].keep == "its removal failed: no master"


def test_a_worker_whose_removal_failed_may_go_again_later() -> None:
    known = [joined("a", passed_over_until=NOW, passed_over_reason="no master")]
    snapshot, _ = look(seen([machine("a")], [server("a")]), memory(known))
    assert [a.worker for a in plan(snapshot, targets(g=0), SITE).actions] == ["a"]


@pytest.mark.parametrize("record", [joined("a", wish=wish()), joined("a", quarantine="bad disk")])
def test_a_failed_removal_rests_whoever_asks_for_it(record: WorkerRecord) -> None:
    failed = replace(record, passed_over_until=NOW + 10, passed_over_reason="no master")
    one = group(worker(Phase.READY, "a", record=failed))
    made = planned(one, 1)
    assert [a for a in made.actions if not isinstance(a, Launch)] == []
    assert [(r.guardrail, r.worker) for r in made.refusals] == [("removal backoff", "a")]
    assert made.refusals[0].reason.endswith("; its removal failed: no master")


def test_a_drained_worker_whose_removal_failed_is_put_back_when_it_can_be() -> None:
    one = group(worker(Phase.DRAINED, "a", passed_over_until=NOW + 10, passed_over_reason="no master"))
    assert actions(one, 0) == (Resume(group="g", worker="a", reason="its removal failed: no master"),)
