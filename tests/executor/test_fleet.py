import pytest

from elastic.core.actions import Adopt, Forget, Outcome
from elastic.core.memory import WorkerRecord
from elastic_simulations.faults import ERRORS, Call, CallFault
from tests.executor.hands import ONE, launch, methods, rig_with


def test_a_launch_saves_all_intents_and_the_sequence_then_asks_once_then_saves_the_ids() -> None:
    rig = rig_with(0)
    results = rig.act(*launch(1, 2), sequence=2)
    assert [r.outcome for r in results] == [Outcome.DONE, Outcome.DONE]
    assert rig.tape.calls == [
        ("save", ""),
        ("create", "small-00000000-1,small-00000000-2"),
        ("save", ""),
    ]
    assert rig.memory.sequence == 2
    assert {r.server_id: r.name for r in rig.memory.workers.values()} == rig.servers


@pytest.mark.parametrize("error", ["quota", "no_capacity", "malformed", "unauthorized", "throttled"])
def test_an_error_that_proves_there_is_no_server_takes_the_intent_back_and_leaves_an_event(error: str) -> None:
    rig = rig_with(0)
    rig.grid.faults.add(CallFault(call=Call.CREATE, error=error, target="*-1"))
    first, second = rig.act(*launch(1, 2), sequence=2)
    assert (first.outcome, first.error_type) == (Outcome.FAILED, ERRORS[error].__name__)
    assert second.outcome is Outcome.DONE
    assert set(rig.memory.workers) == {"small-00000000-2"}
    assert [e.kind for e in rig.ledger.events if e.worker == ONE] == ["launch_failed"]


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("error", ["transient", "conflict"])
def test_any_other_error_leaves_the_intent_and_the_next_tick_finds_out(error: str, *, acted: bool) -> None:
    rig = rig_with(0)
    rig.grid.faults.add(CallFault(call=Call.CREATE, error=error, acted=acted, times=1))
    [result] = rig.act(*launch(1), sequence=1)
    assert (result.outcome, result.error_type) == (Outcome.UNSURE, ERRORS[error].__name__)
    assert rig.memory.workers[ONE].server_id is None
    rig.tick()
    assert rig.memory.workers[ONE].server_id == (next(iter(rig.servers)) if acted else None)


def test_an_intent_that_has_its_server_is_not_launched_again() -> None:
    rig = rig_with(1)
    [result] = rig.act(*launch(1))
    assert (result.outcome, methods(rig)) == (Outcome.REFUSED, [])


def test_a_worker_is_forgotten_after_its_ads() -> None:
    rig = rig_with(1)
    server = next(iter(rig.grid.datacentre.servers.values()))
    rig.grid.datacentre.vanish(server)
    [result] = rig.act(Forget(group="small", worker=ONE, reason="gone"))
    assert result.outcome is Outcome.DONE
    assert methods(rig) == ["lookup", "invalidate", "save"]
    assert (rig.memory.workers, rig.grid.collector.machines()) == ({}, ())


def test_a_worker_whose_server_exists_is_not_forgotten() -> None:
    rig = rig_with(1)
    [result] = rig.act(Forget(group="small", worker=ONE, reason="gone"))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "the cloud still has its server, active")
    assert set(rig.memory.workers) == {ONE}


def test_a_worker_whose_server_cannot_be_looked_up_is_not_forgotten() -> None:
    rig = rig_with(1)
    rig.grid.datacentre.vanish(next(iter(rig.grid.datacentre.servers.values())))
    rig.grid.faults.add(CallFault(call=Call.LOOKUP))
    [result] = rig.act(Forget(group="small", worker=ONE, reason="gone"))
    assert (result.outcome, set(rig.memory.workers)) == (Outcome.UNSURE, {ONE})


def test_ads_that_cannot_be_invalidated_keep_nobody_in_the_fleet() -> None:
    rig = rig_with(1)
    rig.grid.datacentre.vanish(next(iter(rig.grid.datacentre.servers.values())))
    rig.grid.faults.add(CallFault(call=Call.INVALIDATE))
    [result] = rig.act(Forget(group="small", worker=ONE, reason="gone"))
    assert result.outcome is Outcome.DONE
    assert result.detail.startswith("its ads stay until they expire")


def test_a_server_handed_over_becomes_a_worker_of_ours() -> None:
    rig = rig_with(0)
    [result] = rig.act(Adopt(group="small", worker="old-1", server_id="s1", reason="handed over"))
    assert result.outcome is Outcome.DONE
    assert rig.memory.workers["old-1"] == WorkerRecord(
        name="old-1", group="small", requested_at=rig.grid.now, server_id="s1"
    )


def test_the_number_of_a_worker_that_is_taken_over_is_not_given_again() -> None:
    rig = rig_with(0)
    [result] = rig.act(Adopt(group="small", worker="small-00000000-7", server_id="s1", reason="from outside"))
    assert (result.outcome, rig.memory.sequence) == (Outcome.DONE, 7)


def test_no_server_belongs_to_two_workers() -> None:
    rig = rig_with(1)
    server_id = next(iter(rig.servers))
    [result] = rig.act(Adopt(group="small", worker="old-1", server_id=server_id, reason="handed over"))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, f"the server belongs to {ONE}")
