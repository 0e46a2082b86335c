"""A deletion that the cloud does not finish: asked for again all the time, told once, counted until it is over."""

from dataclasses import replace

from elastic.core.lifecycle import Phase
from elastic.core.memory import Event, WorkerRecord
from elastic.core.observation import ServerStatus
from elastic.metrics import Metrics
from elastic_simulations.draws import Constant
from elastic_simulations.specs import JobSpec
from tests.core.builders import NOW, joined, look, memory, seen, server
from tests.tick_rig import GROUP, MODEL, TickRig

STANDING = seen([], [server("w1", ServerStatus.DELETING)])
TOLD = "the cloud has not finished its deletion in 600 s; it goes on being asked"
JOB = JobSpec(run=Constant(20.0))


def leaving(begun: float, asked: float) -> WorkerRecord:
    """Its deletion was asked for first and last so many seconds ago."""
    return joined("w1", delete_begun_at=NOW - begun, delete_asked_at=NOW - asked, fence_asked_at=NOW - begun)


def told(record: WorkerRecord, last_now: float = NOW - 30) -> list[Event]:
    events = look(STANDING, memory([record], last_now=last_now))[1].events
    return [event for event in events if event.kind == "deletion_overdue"]


def test_it_is_told_at_the_tick_that_passes_ten_minutes_also_when_it_was_asked_for_a_moment_ago() -> None:
    assert told(leaving(begun=599, asked=5)) == []
    assert told(leaving(begun=610, asked=5)) == [
        Event(at=NOW, kind="deletion_overdue", text=TOLD, group="g", worker="w1")
    ]
    assert told(leaving(begun=640, asked=5)) == []
    # The daemon was down when it passed.
    assert len(told(leaving(begun=9000, asked=8900), last_now=NOW - 8950)) == 1


def test_a_record_of_before_counts_from_when_it_was_last_asked_for() -> None:
    of_before = replace(leaving(begun=610, asked=610), delete_begun_at=None)
    assert len(told(of_before)) == 1


def overdue_in(metrics: Metrics) -> str:
    text = metrics.text().decode()
    return next(line for line in text.splitlines() if line.startswith("elastic_overdue_deletions{"))


def test_a_hanging_deletion_is_repeated_counts_against_the_maximum_and_ends_when_the_cloud_ends_it() -> None:
    hangs = replace(MODEL, teardown=Constant(1000.0))
    rig = TickRig(replace(GROUP, maximum=1), model=hangs)
    metrics = Metrics()
    rig.grid.submit(JOB, 1)
    rig.run_until(lambda: bool(rig.tape.of("delete")))
    begun = rig.grid.now
    rig.grid.submit(JOB, 1)
    rig.run_for(550)
    assert [event for event in rig.ledger.events if event.kind == "deletion_overdue"] == []
    rig.run_for(100)
    metrics.observe(rig.records[-1])
    assert overdue_in(metrics) == 'elastic_overdue_deletions{group="small"} 1.0'
    assert rig.records[-1].snapshot.groups["small"].count(Phase.DELETING) == 1
    assert len(rig.tape.of("create")) == 1  # The maximum of one is taken by the server that is being deleted.
    assert len(rig.tape.of("delete")) >= 650 / GROUP.delete_repeat_seconds - 10
    rig.run_until(lambda: len(rig.tape.of("create")) == 2)
    assert rig.grid.now - begun > 1000
    metrics.observe(rig.records[-1])
    assert overdue_in(metrics) == 'elastic_overdue_deletions{group="small"} 0.0'
    assert len([event for event in rig.ledger.events if event.kind == "deletion_overdue"]) == 1
