"""What `drain`, `resume` and `fence` promise, in every world: the ground that "no job is ever lost" stands on."""

import pytest

from elastic.core.memory import WorkerRecord
from elastic.core.observation import DrainSeen, Inspection
from elastic.ports import Refused, Transient
from tests.contract.rig import Rig, again, busy, joined, machine_of, nonce


def drained(rig: Rig, worker: WorkerRecord) -> Inspection:
    """The startd's own answer once it is drained."""

    def answer() -> Inspection | None:
        seen = rig.batch.inspect(worker)
        return seen if seen.drain is not None and seen.drain.drained else None

    return rig.wait(answer)


def test_an_idle_worker_drains_and_its_startd_says_so_with_our_nonce_id_and_start_time(rig: Rig) -> None:
    worker = joined(rig, "w1")
    answer = rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    seen = drained(rig, worker)
    expected = DrainSeen(reason=nonce(rig, "w1"), request_id=answer.request_id, drained=True)
    assert (seen.drain, seen.started, seen.claimed) == (expected, answer.started, False)
    assert answer.started == worker.started


def test_the_collector_shows_a_drain_soon(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    machine = rig.wait(lambda: m if (m := machine_of(rig, "w1")) and m.drain else None)
    assert machine.drain is not None
    assert machine.drain.reason == nonce(rig, "w1")


def test_a_claimed_worker_refuses_to_drain_and_its_job_goes_on(rig: Rig) -> None:
    worker = busy(rig, "w1")
    with pytest.raises(Refused):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    seen = rig.batch.inspect(worker)
    assert (seen.drain, seen.claimed) == (None, True)
    assert set(rig.executes().values()) == {1}


def test_a_second_drain_is_refused_and_leaves_the_first_as_it_was(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1", 1), busy=False)
    before = drained(rig, worker)
    with pytest.raises(Refused):
        rig.batch.drain(worker, nonce(rig, "w1", 2), busy=False)
    assert rig.batch.inspect(worker) == before


def test_no_job_starts_on_a_drained_worker(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.submit(3)
    rig.pause(12)
    assert (rig.batch.inspect(worker).claimed, dict(rig.executes())) == (False, {})


def test_a_resumed_worker_takes_jobs_again(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.batch.resume(worker)
    assert rig.batch.inspect(worker).drain is None
    rig.submit()
    assert rig.wait(lambda: rig.batch.inspect(worker).claimed)


def test_resuming_a_worker_that_does_not_drain_changes_nothing(rig: Rig) -> None:
    worker = busy(rig, "w1")
    rig.batch.resume(worker)
    seen = rig.batch.inspect(worker)
    assert (seen.claimed, seen.started) == (True, worker.started)


def test_resume_leaves_a_foreign_drain_alone(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.foreign_drain(worker, "somebody else's")
    rig.wait(lambda: rig.batch.inspect(worker).drain)
    with pytest.raises(Refused):
        rig.batch.resume(worker)
    drain = rig.batch.inspect(worker).drain
    assert drain is not None
    assert drain.reason == "somebody else's"


def test_resume_leaves_the_drain_of_another_ledger_alone(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.foreign_drain(worker, "elastic:another-ledger:w1:1")
    rig.wait(lambda: rig.batch.inspect(worker).drain)
    with pytest.raises(Refused):
        rig.batch.resume(worker)
    assert rig.batch.inspect(worker).drain is not None


def test_a_foreign_drain_refuses_ours(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.foreign_drain(worker, "somebody else's")
    rig.wait(lambda: rig.batch.inspect(worker).drain)
    with pytest.raises(Refused):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=False)


def test_drain_request_ids_start_again_with_the_startd(rig: Rig) -> None:
    worker = joined(rig, "w1")
    first = rig.batch.drain(worker, nonce(rig, "w1", 1), busy=False)
    rig.restart_startd(worker)
    worker = again(rig, worker)
    second = rig.batch.drain(worker, nonce(rig, "w1", 2), busy=False)
    assert second.request_id == first.request_id, "so the id alone proves nothing"
    assert second.started != first.started


def test_a_drain_dies_with_its_startd(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.restart_startd(worker)
    worker = again(rig, worker)
    assert rig.batch.inspect(worker).drain is None
    rig.submit()
    assert rig.wait(lambda: rig.batch.inspect(worker).claimed)


def test_a_startd_that_does_not_answer_cannot_be_drained(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.kill_server(worker)
    with pytest.raises(Transient):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=False)


def test_a_fenced_startd_is_silent_and_takes_no_job(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.batch.fence(worker)
    assert rig.batch.inspect(worker).silent
    rig.submit(3)
    rig.pause(20)
    assert (rig.batch.inspect(worker).silent, dict(rig.executes())) == (True, {})


def test_a_worker_that_is_not_drained_by_us_is_never_fenced(rig: Rig) -> None:
    worker = joined(rig, "w1")
    with pytest.raises(Refused):
        rig.batch.fence(worker)
    rig.foreign_drain(worker, "somebody else's")
    rig.wait(lambda: rig.batch.inspect(worker).drain)
    with pytest.raises(Refused):
        rig.batch.fence(worker)
    assert rig.batch.inspect(worker).answered


def test_the_ad_of_a_fenced_startd_goes_by_itself(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.batch.fence(worker)
    rig.wait(lambda: machine_of(rig, "w1") is None, 10)


def test_fencing_twice_is_no_error(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.batch.fence(worker)
    rig.batch.fence(worker)
    assert rig.batch.inspect(worker).silent


def test_a_fenced_startd_comes_back_unclaimed_without_a_drain(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.drain(worker, nonce(rig, "w1"), busy=False)
    drained(rig, worker)
    rig.batch.fence(worker)
    rig.batch.resume(worker)
    worker = again(rig, worker)
    seen = rig.batch.inspect(worker)
    assert (seen.answered, seen.claimed, seen.drain) == (True, False, None)
    rig.submit()
    assert rig.wait(lambda: rig.batch.inspect(worker).claimed)


def test_the_master_of_a_dead_server_cannot_fence(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.kill_server(worker)
    with pytest.raises(Transient):
        rig.batch.fence(worker)


def test_a_busy_worker_drains_gracefully_once_its_job_has_ended(rig: Rig) -> None:
    worker = busy(rig, "w1", seconds=15)
    rig.batch.drain(worker, nonce(rig, "w1"), busy=True)
    before = rig.batch.inspect(worker)
    assert before.drain is not None
    assert (before.claimed, before.drain.drained) == (True, False)
    rig.submit()
    drained(rig, worker)
    assert sorted(rig.executes().values()) == [1], "one job, started once; none was let in after it"


def test_a_busy_worker_whose_job_would_be_killed_refuses_a_graceful_drain(rig: Rig) -> None:
    worker = busy(rig, "w1", retirement_seconds=5)
    with pytest.raises(Refused):
        rig.batch.drain(worker, nonce(rig, "w1"), busy=True)
    seen = rig.batch.inspect(worker)
    assert (seen.drain, seen.claimed) == (None, True)
    assert set(rig.executes().values()) == {1}
