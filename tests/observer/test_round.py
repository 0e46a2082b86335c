from elastic.core.observation import Inspection, JobsOnWorkers, Machines
from elastic.ports import Transient
from tests.observer.ports import Hanging, Stand, listed, look, observer, record, threaded

SILENT = Inspection(answered=False)


def test_servers_missing_from_the_list_are_looked_up_by_id() -> None:
    stand = Stand({"servers": listed(1, 2, 3, 4), "cloud": listed(1, 2, 3, 4, 5), "lookup s7": Transient("500")})
    seen = look(observer(stand), *(record(n, active_at=None) for n in range(1, 8)))
    assert seen.answers.lookups == {"s5": listed(5).servers[0], "s6": None}


def test_silent_workers_are_asked_at_their_last_address_and_the_schedds_about_their_machines() -> None:
    stand = Stand({"servers": listed(1, 2), "inspect w2": Transient("no route")})
    joined = {"joined_at": 1.0, "address": "<a>", "machine": "m"}
    seen = look(observer(stand), record(1, **joined), record(2, **joined))
    assert seen.answers.inspections == {"w1": SILENT}
    assert seen.answers.jobs == JobsOnWorkers(jobs={}, complete=True)


def test_schedds_that_cannot_be_asked_have_not_answered() -> None:
    stand = Stand({"servers": listed(1), "jobs_on": Transient("down")})
    seen = look(observer(stand), record(1, joined_at=1.0))
    assert seen.answers.jobs == JobsOnWorkers(jobs={}, complete=False)


def test_nobody_is_asked_about_workers_that_serve() -> None:
    stand = Stand({"servers": listed(1), "machines": Machines(machines=())})
    seen = look(observer(stand), record(1))
    assert (seen.answers.lookups, seen.answers.inspections, seen.answers.jobs) == ({}, {}, None)


def test_a_startd_that_hangs_costs_one_deadline_and_is_not_asked_again_until_it_has_answered() -> None:
    hanging = Hanging(SILENT)
    joined = {"joined_at": 1.0, "address": "<a>"}
    workers = [record(n, **joined) for n in range(1, 40)]
    stand = Stand({"servers": listed(*range(1, 40)), "inspect w1": hanging})
    watcher = threaded(stand, 0.5)
    first = look(watcher, *workers)
    assert set(first.answers.inspections) == {f"w{n}" for n in range(2, 40)}
    look(watcher, *workers)
    assert (stand.asked.count("inspect w1"), stand.asked.count("inspect w2")) == (1, 2)
    hanging.let_go()
