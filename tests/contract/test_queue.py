"""What `queue`, `jobs_on`, `attempts` and `negotiation` promise of the jobs, in every world."""

from dataclasses import replace

import pytest

from elastic.core.observation import Attempt, JobShape, ScheddQueue
from elastic.core.resources import Resources
from tests.contract.rig import SMALL, Rig, busy, joined, machine_of, shapes, template

GROUP = "group:small"


def schedd(rig: Rig) -> ScheddQueue:
    (only,) = rig.batch.queue(template(rig)).schedds
    return only


def shape(rig: Rig) -> JobShape:
    (only,) = shapes(rig)
    return only


def counts(rig: Rig) -> tuple[int, int, int]:
    """Idle, running and hidden jobs in all."""
    seen = shapes(rig)
    return sum(s.idle for s in seen), sum(s.running for s in seen), sum(s.hidden for s in seen)


def test_jobs_that_ask_for_the_same_are_one_shape(rig: Rig) -> None:
    rig.submit(3)
    rig.submit(2)
    rig.submit(1, request=Resources(2, 64, 64, 0))
    rig.wait(lambda: counts(rig) == (6, 0, 0))
    assert sorted((s.idle, s.request.cpus) for s in shapes(rig)) == [(1, 2), (5, 1)]


def test_an_empty_queue_has_no_shapes(rig: Rig) -> None:
    assert schedd(rig) == ScheddQueue(schedd=schedd(rig).schedd, shapes=())


def test_a_scheduler_universe_job_is_counted_apart(rig: Rig) -> None:
    rig.submit(2)
    rig.submit(3, universe="scheduler", seconds=600)
    rig.wait(lambda: schedd(rig).other_universes)
    assert (schedd(rig).other_universes, counts(rig)) == ({"scheduler": 3}, (2, 0, 0))


def test_a_held_job_is_no_demand(rig: Rig) -> None:
    rig.submit(2, held=True)
    rig.wait(lambda: schedd(rig).held == 2)
    assert (counts(rig), schedd(rig).held) == ((0, 0, 0), 2)


def test_jobs_that_a_factory_has_not_made_are_hidden(rig: Rig) -> None:
    rig.submit(20, max_idle=3)
    rig.wait(lambda: counts(rig)[0] == 3)
    assert counts(rig) == (3, 0, 17)


def test_a_factory_makes_more_as_jobs_start_and_none_is_counted_twice(rig: Rig) -> None:
    rig.submit(20, max_idle=3)
    joined(rig, "w1")
    rig.wait(lambda: counts(rig)[:2] == (3, 2))
    assert counts(rig) == (3, 2, 15)


def test_a_small_job_fits_the_groups_template_and_takes_what_it_asks_for(rig: Rig) -> None:
    rig.submit()
    rig.wait(lambda: shapes(rig))
    takes = shape(rig).fits[GROUP]
    assert (takes.cpus, takes.gpus) == (1, 0)
    assert SMALL.memory_mb <= takes.memory_mb <= 2 * SMALL.memory_mb + 128
    assert GROUP not in shape(rig).misfits


def test_a_job_larger_than_the_template_is_a_misfit_with_a_reason(rig: Rig) -> None:
    rig.submit(request=Resources(3, 64, 64, 0))
    rig.wait(lambda: shapes(rig))
    assert GROUP not in shape(rig).fits
    assert shape(rig).misfits[GROUP] != ""


def test_a_job_as_large_as_the_flavor_does_not_fit_for_the_reserve_is_not_its(rig: Rig) -> None:
    rig.submit(request=Resources(1, rig.group.shape.memory_mb, 64, 0))
    rig.wait(lambda: shapes(rig))
    assert GROUP in shape(rig).misfits


def test_requirements_that_nothing_meets_are_a_misfit(rig: Rig) -> None:
    rig.submit(impossible=True)
    rig.wait(lambda: shapes(rig))
    assert (GROUP in shape(rig).fits, GROUP in shape(rig).misfits) == (False, True)


def test_a_shape_is_judged_against_machines_that_are_not_ours_too(rig: Rig) -> None:
    name = rig.static_machine()
    rig.submit(2, impossible=True)
    rig.submit(2)

    def static() -> str | None:
        return next((m.template for m in rig.batch.machines().machines if m.name == name), None)

    kind = rig.wait(static)
    rig.wait(lambda: len(shapes(rig)) == 2)
    assert sorted(kind in s.fits for s in shapes(rig)) == [False, True]


def test_a_running_job_is_counted_running_and_named_on_its_machine(rig: Rig) -> None:
    worker = busy(rig, "w1")
    rig.wait(lambda: counts(rig) == (0, 1, 0))
    answer = rig.batch.jobs_on([worker.machine])
    assert (len(answer.jobs[worker.machine]), answer.complete, schedd(rig).running) == (1, True, 1)


def test_nobody_names_an_idle_machine(rig: Rig) -> None:
    worker = joined(rig, "w1")
    answer = rig.batch.jobs_on([worker.machine])
    assert (answer.jobs.get(worker.machine, ()), answer.complete) == ((), True)


def test_jobs_on_is_incomplete_while_a_schedd_is_silent(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.batch.queue(template(rig))
    rig.stop_schedd()
    assert not rig.wait(lambda: None if rig.batch.jobs_on([worker.machine]).complete else (False,))[0]


def test_a_silent_schedds_queue_is_repeated_with_its_age_and_the_error(rig: Rig) -> None:
    rig.submit(4)
    rig.wait(lambda: counts(rig) == (4, 0, 0))
    before = schedd(rig)
    rig.stop_schedd()
    rig.pause(3)
    # Just after an answer that took long the daemon is left in peace, and that answer repeated.
    after = rig.wait(lambda: silent if (silent := schedd(rig)).error else None)
    assert after.age_seconds >= 2.5
    assert replace(after, error="", age_seconds=0.0) == before
    rig.start_schedd()
    assert rig.wait(lambda: schedd(rig) if not schedd(rig).error else None).age_seconds == 0.0


def test_the_queue_stamp_changes_when_jobs_of_the_shape_are_added_and_only_then(rig: Rig) -> None:
    rig.submit()
    rig.wait(lambda: counts(rig)[0] == 1)
    first = shape(rig).queue_stamp
    rig.pause(2)
    unchanged = shape(rig).queue_stamp
    rig.submit()
    rig.wait(lambda: counts(rig)[0] == 2)
    assert (unchanged == first, shape(rig).queue_stamp == first) == (True, False)


def test_the_oldest_wait_grows(rig: Rig) -> None:
    rig.submit()
    rig.wait(lambda: counts(rig)[0] == 1)
    first = shape(rig).oldest_wait_seconds
    assert first is not None
    rig.wait(lambda: (shape(rig).oldest_wait_seconds or 0.0) >= first + 2)


def test_a_concurrency_limit_is_named_with_what_a_job_takes_of_it(rig: Rig) -> None:
    rig.submit(2, limit="licence")
    rig.wait(lambda: counts(rig)[0] == 2)
    assert shape(rig).concurrency_limits == (("licence", 1.0),)
    assert rig.batch.negotiation().limits["licence"] == 1.0


def test_a_concurrency_limit_keeps_jobs_idle_beside_free_room(rig: Rig) -> None:
    rig.submit(2, limit="licence")
    joined(rig, "w1")
    rig.wait(lambda: counts(rig) == (1, 1, 0))
    rig.pause(12)
    assert counts(rig) == (1, 1, 0)
    machine = machine_of(rig, "w1")
    assert machine is not None
    assert machine.free.cpus == 1


def test_negotiation_cycles_go_on_and_are_told_oldest_first(rig: Rig) -> None:
    first = rig.wait(lambda: rig.batch.negotiation().cycles)
    rig.submit()
    later = rig.wait(lambda: c if (c := rig.batch.negotiation().cycles)[-1] > first[-1] else None)
    assert list(later) == sorted(later)


@pytest.mark.parametrize("fails", [False, True])
def test_an_ended_execution_is_told_once_with_its_outcome(rig: Rig, fails: bool) -> None:  # noqa: FBT001
    worker = joined(rig, "w1")
    assert rig.batch.attempts() == ()
    cluster = rig.submit(seconds=1, fails=fails)
    told = rig.wait(lambda: tuple(rig.batch.attempts()))
    assert told == (Attempt(machine=worker.machine, cluster=cluster, failed=fails),)
    assert tuple(rig.batch.attempts()) == ()


def test_a_daemon_that_has_just_started_is_told_nothing_of_the_past(rig: Rig) -> None:
    joined(rig, "w1")
    rig.batch.attempts()
    rig.submit(seconds=1)
    rig.wait(lambda: tuple(rig.batch.attempts()))
    assert tuple(rig.fresh_batch().attempts()) == ()
