from collections.abc import Callable
from dataclasses import replace

import pytest

from elastic.core.actions import Outcome, Proof
from elastic.core.drains import nonce
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import ONE, Named, changed, delete, drained, is_serving, methods, rig_with, startd_of
from tests.tick_rig import TickRig


def test_a_drained_worker_is_inspected_fenced_asked_after_looked_at_once_more_and_deleted() -> None:
    rig = drained(rig_with(2))
    other = {name for name in rig.servers.values() if name != ONE}
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail) == (Outcome.DONE, "")
    assert rig.tape.calls == [
        ("inspect", ONE),
        ("save", ""),
        ("fence", ONE),
        ("jobs_on", ""),
        ("inspect", ONE),
        ("save", ""),
        ("delete", ONE),
    ]
    assert rig.memory.workers[ONE].delete_reason == "not needed"
    rig.grid.run_for(10)
    assert set(rig.servers.values()) == other


def restarted(rig: TickRig) -> None:
    rig.grid.stop_startd(startd_of(rig))
    rig.grid.run_for(20)


def restarted_at_the_same_address_with_a_drain_like_ours(rig: TickRig) -> None:
    startd = startd_of(rig)
    mine = rig.memory.workers[ONE].drain
    assert mine is not None
    startd.started += 1
    changed(rig, drain=replace(mine, started=startd.started - 1))


def drained_by_somebody_else(rig: TickRig) -> None:
    startd_of(rig).cancel_drain()
    startd_of(rig).begin_drain("maintenance", 0)


def drained_by_us_for_another_operation(rig: TickRig) -> None:
    startd_of(rig).cancel_drain()
    startd_of(rig).begin_drain(nonce(rig.memory.ledger, ONE, 999), 0)


def cancelled(rig: TickRig) -> None:
    startd_of(rig).cancel_drain()


def cut_off(rig: TickRig) -> None:
    rig.grid.silence(startd_of(rig))


def schedd_down(rig: TickRig) -> None:
    rig.grid.schedds["schedd"].up = False


def not_fenceable(rig: TickRig) -> None:
    rig.grid.faults.add(CallFault(call=Call.FENCE))


def fenced_without_an_answer(rig: TickRig) -> None:
    rig.grid.faults.add(CallFault(call=Call.FENCE, acted=True))


def not_inspectable(rig: TickRig) -> None:
    rig.grid.faults.add(CallFault(call=Call.INSPECT))


def protected(rig: TickRig) -> None:
    changed(rig, protected_by="alice")


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        (restarted, "its startd is silent: no answer"),
        (restarted_at_the_same_address_with_a_drain_like_ours, "its startd has restarted since the drain"),
        (cancelled, "its drain is over"),
        (schedd_down, "not every schedd has answered"),
        (not_fenceable, "its startd could not be switched off: Transient: simulated: fence failed (transient)"),
        (
            fenced_without_an_answer,
            "its startd could not be switched off: Transient: simulated: fence failed (transient)",
        ),
        (not_inspectable, "its startd could not be asked: Transient: simulated: inspect failed (transient)"),
        (drained_by_us_for_another_operation, "another drain is there: elastic:"),
        (protected, "protected by alice"),
    ],
)
def test_anything_else_than_expected_puts_the_worker_back(obstacle: Callable[[TickRig], None], reason: str) -> None:
    rig = drained(rig_with(1))
    obstacle(rig)
    [result] = rig.act(delete(Proof.DRAINED))
    assert result.outcome is Outcome.REFUSED
    assert result.detail.startswith(reason)
    assert "delete" not in methods(rig)
    assert is_serving(rig)


def test_a_foreign_drain_that_took_the_place_of_ours_stays() -> None:
    rig = drained(rig_with(1))
    drained_by_somebody_else(rig)
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "another drain is there: maintenance")
    foreign = startd_of(rig).drain
    assert foreign is not None
    assert foreign.reason == "maintenance"
    assert rig.memory.workers[ONE].drain is None


def test_a_drain_that_is_not_complete_is_no_proof() -> None:
    rig = drained(rig_with(1))
    draining = startd_of(rig).drain
    assert draining is not None
    draining.ready_us = 10**18
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "it is still draining")


def test_a_job_that_names_a_fenced_worker_brings_it_back() -> None:
    rig = drained(rig_with(1, batch=Named))
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "jobs name it: schedd#7.0")
    assert methods(rig) == ["inspect", "save", "fence", "jobs_on", "resume", "save"]
    assert is_serving(rig)


def test_a_worker_that_cannot_be_put_back_now_is_put_back_by_the_next_ticks() -> None:
    rig = drained(rig_with(1))
    rig.grid.schedds["schedd"].up = False
    rig.grid.faults.add(CallFault(call=Call.RESUME, times=1))
    [result] = rig.act(delete(Proof.DRAINED))
    assert result.outcome is Outcome.REFUSED
    assert result.detail.endswith("not resumed yet: Transient: simulated: resume failed (transient)")
    record = rig.memory.workers[ONE]
    assert (record.drain is None, record.fence_asked_at is None) == (False, False)
    rig.grid.schedds["schedd"].up = True
    rig.ledger.end_override("pause")
    rig.run_for(60)
    assert is_serving(rig)


def test_many_deletions_ask_the_schedds_once() -> None:
    rig = rig_with(3)
    names = sorted(rig.memory.workers)
    for name in names:
        drained(rig, name)
    results = rig.act(*[delete(Proof.DRAINED, name) for name in names])
    assert [r.outcome for r in results] == [Outcome.DONE] * 3
    assert methods(rig).count("jobs_on") == 1
    assert rig.tape.of("delete") == [("delete", name) for name in names]
