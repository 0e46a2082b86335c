"""A SIGKILL before and after every save and every call that acts or checks, and what is left in the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from elastic.core.actions import Proof
from elastic.core.memory import Wish, WishKind
from elastic_policies.fixed import Fixed
from elastic_simulations.draws import Constant
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.jobs import JobEvent
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.specs import JobSpec
from elastic_simulations.striking import schedule
from tests.tick_rig import GROUP, TickRig

JOB = JobSpec(run=Constant(20.0))
SPEC = replace(GROUP, maximum=3, minimum=1, idle_seconds=15.0, scale_down_window_seconds=10.0)


def lived(rig: TickRig) -> None:
    """Grow from the minimum to the maximum, work six jobs off, shrink to the minimum, and stay there a while."""
    rig.run_for(60)
    rig.grid.submit(JOB, 6)
    rig.run_for(400)


def undisturbed() -> list[str]:
    rig = TickRig(SPEC)
    lived(rig)
    return rig.tape.moments


def assert_nothing_lost(rig: TickRig, workers: int) -> None:
    """Cloud list == ledger == fleet; one server an intent; every job ran once; nothing is drained or switched off."""
    in_ledger = {record.server_id: record.name for record in rig.memory.workers.values()}
    assert rig.servers == in_ledger
    assert len(in_ledger) == workers
    ever = [*rig.grid.datacentre.servers.values(), *rig.grid.datacentre.gone]
    assert {name: n for name, n in Counter(server.name for server in ever).items() if n > 1} == {}
    assert rig.most_servers <= rig.spec.maximum
    log = rig.grid.log
    assert [log.by_job(event).total() for event in (JobEvent.SUBMIT, JobEvent.EXECUTE, JobEvent.TERMINATE)] == [6, 6, 6]
    assert rig.grid.lost_jobs() == ()
    assert [startd.name for startd in rig.grid.startds.values() if startd.off or startd.drain is not None] == []
    assert [r.name for r in rig.memory.workers.values() if r.drain or r.fence_asked_at or r.delete_asked_at] == []


MOMENTS = undisturbed()


@pytest.mark.parametrize("chunk", range(8))
def test_killed_at_any_moment_the_next_ticks_lose_no_server_no_drain_and_no_job(chunk: int) -> None:
    for moment in range(chunk, len(MOMENTS), 8):
        rig = TickRig(SPEC)
        rig.tape.kill_at = moment
        lived(rig)
        assert rig.kills == [MOMENTS[moment]]
        assert_nothing_lost(rig, workers=1)
        assert rig.proofs <= {"drained"}


TROUBLED_SPEC = replace(SPEC, policy="fixed", maximum=4)


def troubled(rig: TickRig) -> None:
    """A launch that is cancelled, a worker put back, one that dies, one that is forced; two are left in the end."""
    rig.grid.faults.add(CallFault(call=Call.FENCE, acted=True, times=1))
    schedule(rig.grid, Mishap(kind=Kind.SERVER_ERROR, at=rig.grid.now + 300, target="*-1"))
    wanted(rig, 3)
    rig.grid.submit(JOB, 6)
    rig.run_for(100)
    wanted(rig, 4)
    rig.run_for(15)
    wanted(rig, 2)
    rig.run_for(500)
    for name in sorted(rig.memory.workers)[-1:]:
        rig.ledger.wish(name, Wish(kind=WishKind.FORCE, author="alice", reason="hangs", asked_at=rig.grid.now))
    rig.run_for(600)


def wanted(rig: TickRig, workers: int) -> None:
    rig.rules = replace(rig.rules, policies={"fixed": Fixed(workers=workers)})
    rig.controller.rules = rig.rules


def eventful(moments: Sequence[str]) -> list[int]:
    """Where something other than the saves of a quiet tick is close."""
    acts = [index for index, name in enumerate(moments) if not name.endswith("save")]
    return sorted({i for act in acts for i in range(act - 2, act + 3) if 0 <= i < len(moments)})


REHEARSED = TickRig(TROUBLED_SPEC)
troubled(REHEARSED)
EVENTFUL = eventful(REHEARSED.tape.moments)


def test_troubled_times_hold_a_deletion_on_every_proof() -> None:
    assert REHEARSED.proofs == set(Proof)
    assert_nothing_lost(REHEARSED, workers=2)


@pytest.mark.parametrize("chunk", range(8))
def test_killed_at_any_moment_of_troubled_times_the_next_ticks_lose_nothing_either(chunk: int) -> None:
    for moment in EVENTFUL[chunk::8]:
        rig = TickRig(TROUBLED_SPEC)
        rig.tape.kill_at = moment
        troubled(rig)
        assert_nothing_lost(rig, workers=2)
