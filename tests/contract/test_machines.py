"""What `machines`, `inspect` and `invalidate` promise, in every world."""

from tests.contract.rig import Rig, again, busy, joined, machine_of, shapes, template


def test_a_joined_worker_is_seen_with_its_server_and_what_it_has(rig: Rig) -> None:
    worker = joined(rig, "w1")
    machine = machine_of(rig, "w1")
    assert machine is not None
    assert (machine.server_id, machine.worker) == (worker.server_id, "w1")
    assert (machine.claimed, machine.jobs, machine.drain, machine.accepts_jobs) == (False, 0, None, True)
    assert machine.total.cpus == rig.group.shape.cpus
    assert machine.free == machine.total
    assert machine.started > 0


def test_a_machine_that_is_not_ours_has_no_worker(rig: Rig) -> None:
    name = rig.static_machine()
    machine = rig.wait(lambda: next((m for m in rig.batch.machines().machines if m.name == name), None))
    assert (machine.server_id, machine.worker) == (None, None)


def test_an_idle_time_is_told_only_while_nothing_is_claimed(rig: Rig) -> None:
    joined(rig, "w1")
    idle = rig.wait(lambda: m if (m := machine_of(rig, "w1")) and (m.idle_seconds or 0) >= 5 else None)
    rig.submit(seconds=8)
    taken = rig.wait(lambda: m if (m := machine_of(rig, "w1")) and m.claimed else None)
    left = rig.wait(lambda: m if (m := machine_of(rig, "w1")) and not m.claimed else None)
    assert idle.idle_seconds is not None
    assert (taken.idle_seconds, taken.jobs) == (None, 1)
    assert left.idle_seconds is not None
    assert left.idle_seconds < idle.idle_seconds + 8, "it began when the job ended, not when the worker started"


def test_what_a_job_takes_is_no_longer_free(rig: Rig) -> None:
    busy(rig, "w1")
    machine = rig.wait(lambda: m if (m := machine_of(rig, "w1")) and m.claimed else None)
    assert machine.free.cpus == machine.total.cpus - 1
    assert machine.free.memory_mb < machine.total.memory_mb


def test_each_machines_template_has_its_text_and_the_text_fits_what_runs_there(rig: Rig) -> None:
    joined(rig, "w1")

    def kind_with_text() -> str | None:
        seen = rig.batch.machines()
        return next((m.template for m in seen.machines if m.template in seen.template_ads), None)

    kind = rig.wait(kind_with_text)
    text = rig.batch.machines().template_ads[kind]
    rig.submit()
    rig.wait(lambda: shapes(rig))
    known = template(rig)["group:small"]
    learned = {"group:small": type(known)(ad=text, resources=known.resources, learned=True)}
    (only,) = rig.batch.queue(learned).schedds[0].shapes
    assert only.fits["group:small"].cpus == 1
    assert only.fits[kind] == only.fits["group:small"]


def test_the_startd_itself_says_at_once_that_it_is_claimed(rig: Rig) -> None:
    worker = joined(rig, "w1")
    assert not rig.batch.inspect(worker).claimed
    rig.submit()
    answer = rig.wait(lambda: a if (a := rig.batch.inspect(worker)).claimed else None)
    assert (answer.answered, answer.drain, answer.started) == (True, None, worker.started)


def test_the_startd_of_a_dead_server_is_silent_while_the_collector_still_shows_it(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.kill_server(worker)
    assert rig.batch.inspect(worker).silent
    assert machine_of(rig, "w1") is not None


def test_a_worker_that_was_never_seen_is_silent(rig: Rig) -> None:
    worker = joined(rig, "w1")
    nobody = type(worker)(name="w2", group=worker.group, requested_at=0.0)
    assert rig.batch.inspect(nobody).silent


def test_invalidating_a_dead_worker_takes_its_ad_away_and_no_other(rig: Rig) -> None:
    dead, alive = joined(rig, "w1"), joined(rig, "w2")
    rig.kill_server(dead)
    rig.batch.invalidate(dead)
    rig.wait(lambda: machine_of(rig, "w1") is None)
    assert machine_of(rig, alive.name) is not None
    rig.batch.invalidate(dead)


def test_a_startd_that_was_started_again_has_another_start_time(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.restart_startd(worker)
    assert again(rig, worker).started > worker.started


def test_the_collectors_age_grows(rig: Rig) -> None:
    first = rig.batch.machines().collector_age_seconds
    rig.pause(2)
    second = rig.batch.machines().collector_age_seconds
    assert first is not None
    assert second is not None
    assert second > first
