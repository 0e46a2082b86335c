"""A removal that cannot be carried out rests, longer each time, and another worker goes in its place."""

from dataclasses import replace

from elastic.core.actions import Outcome, Proof
from elastic_policies.fixed import Fixed
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import ONE, SPEC, changed, delete, drained, is_serving, methods, rig_with
from tests.tick_rig import TickRig

FENCE = "its startd could not be switched off: Transient: simulated: fence failed (transient)"


def fail(rig: TickRig) -> tuple[float, str]:
    """For how long the worker is passed over after one more failed fence, and why."""
    rig.grid.run_for(5)
    [result] = rig.act(delete(Proof.DRAINED))
    assert result.outcome is Outcome.REFUSED
    record = rig.memory.workers[ONE]
    return record.passed_over_until - rig.grid.now, record.passed_over_reason


def test_a_removal_that_cannot_fence_rests_twice_as_long_each_time_up_to_a_cap() -> None:
    rig = drained(rig_with(1))
    rig.grid.faults.add(CallFault(call=Call.FENCE))
    seen = []
    for _ in range(4):
        seen.append(fail(rig))
        assert is_serving(rig)
        drained(changed_now(rig))
    assert seen == [(300.0, FENCE), (600.0, FENCE), (1200.0, FENCE), (1800.0, FENCE)]


def test_after_a_long_peace_it_rests_shortly_again() -> None:
    rig = drained(rig_with(1))
    changed(rig, passed_over_until=rig.grid.now - 1801.0, passed_over_seconds=1200.0)
    rig.grid.faults.add(CallFault(call=Call.FENCE))
    assert fail(rig)[0] == 300.0


def test_what_cannot_be_put_back_now_rests_too() -> None:
    rig = drained(rig_with(1))
    rig.grid.faults.add(CallFault(call=Call.FENCE))
    rig.grid.faults.add(CallFault(call=Call.RESUME, times=1))
    assert fail(rig)[0] == 300.0


def test_in_a_live_pool_another_worker_goes_and_the_stubborn_one_is_tried_once() -> None:
    rig = TickRig(replace(SPEC, drain_fraction=0.1), policies={"fixed": Fixed(workers=3)})
    rig.run_for(80)
    assert len(rig.servers) == 3
    rig.grid.faults.add(CallFault(call=Call.FENCE, target=ONE))
    rig.controller.rules = replace(rig.rules, policies={"fixed": Fixed(workers=1)})
    before = len(rig.records)
    rig.run_for(250)
    assert sorted(rig.servers.values()) == [ONE]
    assert [worker for method, worker in rig.tape.calls if method == "fence"].count(ONE) == 1
    named = {(r.worker, r.reason) for record in rig.records[before:] for r in record.plan.refusals if r.worker}
    assert (ONE, f"its removal failed: {FENCE}") in named


def changed_now(rig: TickRig) -> TickRig:
    """The rest is over."""
    changed(rig, passed_over_until=rig.grid.now)
    assert "delete" not in methods(rig)
    return rig
