"""A SIGKILL before and after every save and every call that acts or checks, and what is left in the end."""

from collections import Counter
from dataclasses import replace

import pytest

from elastic_simulations.draws import Constant
from elastic_simulations.jobs import JobEvent
from elastic_simulations.specs import JobSpec
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


def assert_nothing_lost(rig: TickRig) -> None:
    """Cloud list == ledger == fleet; one server an intent; every job ran once; nothing is drained or switched off."""
    in_ledger = {record.server_id: record.name for record in rig.memory.workers.values()}
    assert rig.servers == in_ledger
    assert len(in_ledger) == SPEC.minimum
    ever = [*rig.grid.datacentre.servers.values(), *rig.grid.datacentre.gone]
    assert {name: n for name, n in Counter(server.name for server in ever).items() if n > 1} == {}
    assert rig.most_servers <= SPEC.maximum
    log = rig.grid.log
    assert [log.by_job(event).total() for event in (JobEvent.SUBMIT, JobEvent.EXECUTE, JobEvent.TERMINATE)] == [6, 6, 6]
    assert rig.grid.lost_jobs() == ()
    assert {event.text.split(":")[0] for event in rig.ledger.events if event.kind == "deleting"} <= {"drained"}
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
        assert_nothing_lost(rig)
