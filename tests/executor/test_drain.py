import pytest

from elastic.core.actions import Outcome, Resume
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import LONG_JOB, ONE, changed, drain, drained, is_serving, methods, rig_with, startd_of


def test_a_drain_saves_its_nonce_then_asks_then_saves_what_identifies_it() -> None:
    rig = rig_with(1)
    action = drain(rig)
    [result] = rig.act(action)
    assert result.outcome is Outcome.DONE
    assert methods(rig) == ["save", "drain", "save"]
    kept, seen = rig.memory.workers[ONE].drain, startd_of(rig).drain
    assert kept is not None
    assert seen is not None
    assert (kept.nonce, kept.request_id, kept.started) == (action.nonce, seen.request_id, startd_of(rig).started)
    assert seen.reason == action.nonce


def test_a_worker_that_got_a_job_meanwhile_refuses_and_serves_on() -> None:
    rig = rig_with(1)
    rig.grid.submit(LONG_JOB)
    rig.grid.run_for(30)
    [result] = rig.act(drain(rig))
    assert (result.outcome, result.error_type) == (Outcome.REFUSED, "Refused")
    assert methods(rig) == ["save", "drain", "save"]
    assert rig.memory.workers[ONE].drain is None
    assert startd_of(rig).open


@pytest.mark.parametrize("acted", [True, False])
def test_a_drain_without_an_answer_keeps_its_nonce_and_the_next_tick_finds_out(*, acted: bool) -> None:
    rig = rig_with(1)
    rig.grid.faults.add(CallFault(call=Call.DRAIN, acted=acted, times=1))
    action = drain(rig)
    [result] = rig.act(action)
    assert result.outcome is Outcome.UNSURE
    kept = rig.memory.workers[ONE].drain
    assert kept is not None
    assert (kept.nonce, kept.request_id) == (action.nonce, None)
    rig.tick()
    found = rig.memory.workers[ONE].drain
    assert (found.request_id if found else None) == (startd_of(rig).drain.request_id if acted else None)  # type: ignore[union-attr]


def test_a_drain_that_is_not_allowed_fails_and_is_forgotten() -> None:
    rig = rig_with(1)
    rig.grid.faults.add(CallFault(call=Call.DRAIN, error="unauthorized"))
    [result] = rig.act(drain(rig))
    assert (result.outcome, result.error_type) == (Outcome.FAILED, "Unauthorized")
    assert rig.memory.workers[ONE].drain is None


def test_a_resume_is_forgotten_only_once_it_was_done() -> None:
    rig = drained(rig_with(1))
    rig.grid.faults.add(CallFault(call=Call.RESUME, times=1))
    resume = Resume(group="small", worker=ONE, reason="needed again")
    [result] = rig.act(resume)
    assert (result.outcome, methods(rig)) == (Outcome.UNSURE, ["resume"])
    assert rig.memory.workers[ONE].drain is not None
    [result] = rig.act(resume)
    assert (result.outcome, methods(rig)) == (Outcome.DONE, ["resume", "save"])
    assert is_serving(rig)


def test_a_worker_whose_deletion_was_asked_for_is_neither_drained_nor_resumed() -> None:
    rig = drained(rig_with(1))
    changed(rig, delete_asked_at=rig.grid.now)
    results = rig.act(Resume(group="small", worker=ONE, reason="needed"), drain(rig))
    assert [r.outcome for r in results] == [Outcome.REFUSED, Outcome.REFUSED]
    assert methods(rig) == []
