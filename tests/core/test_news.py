"""What must stay at zero is told when it happens: jobs lost to a removal, servers that vanished in another's place."""

from dataclasses import replace

from elastic.core.memory import Memory
from elastic.core.observation import Answers, Attempt, JobsOnWorkers, Observations
from tests.core.builders import NOW, joined, look, machine, memory, seen, server

LEAVING = joined(delete_asked_at=NOW - 60, fence_asked_at=NOW - 60)
NOT_FOUND = {"s-w1": None}


def told(observations: Observations, known: Memory, kind: str) -> list[tuple[str, str]]:
    events = look(observations, known)[1].events
    return [(event.worker, event.text) for event in events if event.kind == kind]


def named(*jobs: str, complete: bool = True) -> Observations:
    answers = Answers(lookups=NOT_FOUND, jobs=JobsOnWorkers(jobs={"w1.pool": jobs}, complete=complete))
    return seen(answers=answers)


def test_each_job_that_names_a_worker_after_its_deletion_is_lost_and_told_once() -> None:
    gone = named("schedd#1.0", "schedd#1.1")
    assert told(gone, memory([LEAVING]), "job_lost") == [
        ("w1", "named_after_deletion: job schedd#1.0 names it"),
        ("w1", "named_after_deletion: job schedd#1.1 names it"),
    ]
    assert told(gone, memory([replace(LEAVING, missing_since=NOW - 5, cleared_at=NOW - 5)]), "job_lost") == []


def test_lost_jobs_are_counted_once_every_schedd_has_answered() -> None:
    """A schedd that was silent when the server was first gone would have kept its lost jobs to itself."""
    assert told(named("a#1.0", complete=False), memory([LEAVING]), "job_lost") == []
    later = memory([replace(LEAVING, missing_since=NOW - 5)])
    assert told(named("a#1.0"), later, "job_lost") == [("w1", "named_after_deletion: job a#1.0 names it")]


def test_a_deletion_that_no_job_names_has_lost_none() -> None:
    assert told(named(), memory([LEAVING]), "job_lost") == []


def test_a_worker_that_was_not_deleted_by_us_loses_no_job_to_a_removal() -> None:
    assert told(named("schedd#1.0"), memory([joined(vanished_at=NOW - 5)]), "job_lost") == []


def test_each_eviction_on_a_worker_that_is_being_deleted_is_a_lost_job() -> None:
    evicted = Attempt(machine="w1.pool", cluster="1", failed=False, evicted=True)
    ended = replace(evicted, evicted=False)
    here = seen([machine()], [server()], attempts=[evicted, ended, evicted])
    text = "evicted: the history shows an eviction on it after its deletion was asked for"
    assert told(here, memory([LEAVING]), "job_lost") == [("w1", text), ("w1", text)]
    assert told(here, memory([joined()]), "job_lost") == []


def test_a_server_gone_unasked_while_one_asked_for_still_stands_is_a_mismatch() -> None:
    wrong = joined("w1", vanished_at=NOW - 60, missing_since=NOW - 30)
    asked = joined("w2", delete_asked_at=NOW - 60, fence_asked_at=NOW - 60)
    looked_up = seen([], [server("w2")], answers=Answers(lookups=NOT_FOUND))
    text = "its server is gone unasked, while w2, asked for, still stands"
    assert told(looked_up, memory([wrong, asked]), "victim_mismatch") == [("w1", text)]
    assert told(looked_up, memory([wrong, joined("w2")]), "victim_mismatch") == []
    right = replace(wrong, delete_asked_at=NOW - 60)
    assert told(looked_up, memory([right, asked]), "victim_mismatch") == []
