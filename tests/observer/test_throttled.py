"""The whole daemon on a world that asks for less: it keeps away, says so, and goes on by itself."""

from elastic_policies.fixed import Fixed
from elastic_simulations.faults import Call, CallFault
from tests.executor.hands import SPEC
from tests.tick_rig import TickRig


def test_a_throttled_cloud_is_not_asked_for_as_long_as_it_asked_and_then_serves_again() -> None:
    rig = TickRig(SPEC, policies={"fixed": Fixed(workers=1)})
    rig.run_for(60)
    rig.grid.faults.add(CallFault(call=Call.SERVERS, error="throttled", times=1))
    rig.tape.calls.clear()
    begun, before = rig.grid.now, len(rig.records)
    rig.run_until(lambda: not rig.records[-1].snapshot.sources["servers"].ok, 20)
    rig.run_for(55)
    assert rig.tape.calls.count(("servers", "")) == 1
    assert rig.records[-1].snapshot.sources["servers"].error_type == "Throttled"
    rig.run_until(lambda: rig.records[-1].snapshot.sources["servers"].ok, 60)
    assert rig.grid.now - begun < 100
    assert len(rig.records) - before > 5
    assert len(rig.servers) == 1


def test_a_cloud_that_throttles_launches_is_left_alone_for_longer_than_the_first_backoff() -> None:
    rig = TickRig(SPEC, policies={"fixed": Fixed(workers=1)})
    rig.grid.faults.add(CallFault(call=Call.CREATE, error="throttled", times=1))
    begun = rig.grid.now
    rig.run_until(lambda: bool(rig.tape.of("create")), 30)
    (result,) = rig.records[-1].results
    assert (result.error_type, result.retry_after) == ("Throttled", 60.0)
    rig.run_for(55)
    assert len(rig.tape.of("create")) == 1
    rig.run_until(lambda: len(rig.servers) == 1, 60)
    assert rig.grid.now - begun < 130
