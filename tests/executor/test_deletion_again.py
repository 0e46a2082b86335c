from dataclasses import replace

from elastic.core.actions import Outcome, Proof
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import ONE, changed, delete, drained, is_serving, methods, rig_with, startd_of
from tests.tick_rig import TickRig


def asked_before(rig: TickRig) -> TickRig:
    """Fenced, its deletion on disk, and killed before the cloud was asked."""
    rig.grid.switch_off(startd_of(rig))
    changed(rig, fence_asked_at=rig.grid.now, delete_asked_at=rig.grid.now, delete_reason="not needed")
    return rig


def test_a_deletion_that_never_reached_the_cloud_is_repeated_while_the_startd_is_silent() -> None:
    rig = asked_before(drained(rig_with(1)))
    rig.grid.run_for(30)
    [result] = rig.act(replace(delete(Proof.DRAINED), reason="again: not needed"))
    assert result.outcome is Outcome.DONE
    assert methods(rig) == ["lookup", "inspect", "jobs_on", "inspect", "save", "delete"]
    repeated = rig.memory.workers[ONE]
    assert (repeated.delete_asked_at, repeated.delete_reason) == (rig.grid.now, "not needed")


def test_a_deletion_is_not_repeated_for_a_server_that_is_gone() -> None:
    rig = asked_before(drained(rig_with(1)))
    rig.grid.datacentre.vanish(next(iter(rig.grid.datacentre.servers.values())))
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail, methods(rig)) == (Outcome.DONE, "gone already", ["lookup"])


def test_a_deletion_is_not_repeated_for_a_worker_whose_startd_is_back() -> None:
    rig = asked_before(drained(rig_with(1)))
    rig.grid.switch_on(startd_of(rig))
    rig.grid.run_for(5)
    changed(rig, address=startd_of(rig).address)
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "its startd has restarted since the drain")
    assert is_serving(rig)


def test_a_deletion_is_not_repeated_while_a_schedd_is_silent_and_nothing_is_put_back() -> None:
    rig = asked_before(drained(rig_with(1)))
    rig.grid.schedds["schedd"].up = False
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, methods(rig)) == (Outcome.REFUSED, ["lookup", "inspect", "jobs_on"])
    assert rig.memory.workers[ONE].delete_asked_at is not None


def test_a_cancelled_launch_that_came_up_all_the_same_is_a_worker_again() -> None:
    rig = rig_with(1, ticks_seconds=25)
    changed(rig, delete_asked_at=rig.grid.now)
    assert rig.memory.workers[ONE].joined_at is None
    [result] = rig.act(delete(Proof.GONE))
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "its startd may still join")
    assert rig.memory.workers[ONE].delete_asked_at is None


def test_an_error_of_the_cloud_leaves_the_deletion_to_be_repeated() -> None:
    rig = drained(rig_with(1))
    rig.grid.faults.add(CallFault(call=Call.DELETE, error="unauthorized"))
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.error_type) == (Outcome.FAILED, "Unauthorized")
    assert rig.memory.workers[ONE].delete_asked_at is not None
