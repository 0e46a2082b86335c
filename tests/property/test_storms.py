"""Whatever goes wrong, in whatever order: a removal kills no job, no server is lost, and calm brings order back."""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_simulations.draws import Constant
from elastic_simulations.faults import Call, CallFault
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.specs import JobSpec
from elastic_simulations.striking import schedule
from tests.tick_rig import GROUP, TickRig

SPEC = replace(GROUP, minimum=1, idle_seconds=10.0, scale_down_window_seconds=10.0, drain_fraction=0.5)
STORM_SECONDS = 900.0
CALM_SECONDS = 3000.0

TROUBLES = (
    Kind.STARTD_SILENT,
    Kind.STARTD_RESTART,
    Kind.STARTD_CLOSED,
    Kind.FOREIGN_DRAIN,
    Kind.ADS_VANISH,
    Kind.COLLECTOR_RESTART,
    Kind.COLLECTOR_OUTAGE,
    Kind.SCHEDD_OUTAGE,
    Kind.SERVER_ERROR,
    Kind.SERVER_STOPPED,
    Kind.SERVER_VANISHES,
    Kind.SERVERS_UNLISTED,
    Kind.BOOTS_FAIL,
    Kind.NEVER_JOIN,
)


class Storm(NamedTuple):
    """What goes wrong: calls, daemons and servers, the process, its disk at n-th saves; what is submitted when."""

    faults: list[tuple[Call, bool, float, float]]
    mishaps: list[tuple[Kind, float, float]]
    kills: list[int]
    full_disk: frozenset[int]
    jobs: list[tuple[float, int, float]]


WHEN = st.floats(0.0, STORM_SECONDS)
SOME_SECONDS = st.floats(1.0, 120.0)
STORMS = st.builds(
    Storm,
    faults=st.lists(st.tuples(st.sampled_from(Call), st.booleans(), WHEN, SOME_SECONDS), max_size=6),
    mishaps=st.lists(
        st.tuples(st.sampled_from(TROUBLES), WHEN, SOME_SECONDS), max_size=4, unique_by=lambda trouble: trouble[0]
    ),
    kills=st.lists(st.integers(0, 150), max_size=4),
    full_disk=st.frozensets(st.integers(0, 300), max_size=5),
    jobs=st.lists(st.tuples(WHEN, st.integers(1, 4), st.floats(5.0, 200.0)), min_size=1, max_size=6),
)


def survived(storm: Storm) -> TickRig:
    rig = TickRig(SPEC)
    start = rig.grid.now
    rig.full_disk = storm.full_disk
    for call, acted, at, seconds in storm.faults:
        rig.grid.faults.add(CallFault(call=call, acted=acted, start=start + at, end=start + at + seconds))
    for kind, at, seconds in storm.mishaps:
        schedule(rig.grid, Mishap(kind=kind, at=start + at, seconds=seconds, count=1, text="maintenance"))
    for at, count, seconds in storm.jobs:
        rig.grid.submit_at(start + at, JobSpec(run=Constant(seconds)), count)
    for moments in storm.kills:
        rig.tape.kill_at = len(rig.tape.moments) + moments
        rig.run_for(STORM_SECONDS / len(storm.kills))
    rig.tape.kill_at = None
    rig.run_for(start + STORM_SECONDS - rig.grid.now)
    rig.run_for(CALM_SECONDS)
    return rig


@pytest.mark.timeout(1800)
@given(STORMS)
def test_after_any_storm_cloud_ledger_and_fleet_are_the_same_and_every_job_is_done(storm: Storm) -> None:
    rig = survived(storm)
    assert rig.servers == {record.server_id: record.name for record in rig.memory.workers.values()}
    assert len(rig.servers) == SPEC.minimum
    ever = [*rig.grid.datacentre.servers.values(), *rig.grid.datacentre.gone]
    assert {name: n for name, n in Counter(server.name for server in ever).items() if n > 1} == {}
    assert rig.most_servers <= SPEC.maximum
    assert [s.name for s in rig.grid.startds.values() if s.off or s.drain is not None] == []
