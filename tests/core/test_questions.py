"""What is asked about single workers before anything is concluded about them."""

from dataclasses import replace

from elastic.core.observation import DrainSeen, Questions, ServerStatus
from elastic.core.questions import MOST_INSPECTIONS, index_machines, machine_of, questions
from tests.core.builders import NOW, drain, failed, joined, machine, memory, nonce, record, seen, server


def test_asks_nothing_about_a_worker_that_is_listed_and_serving() -> None:
    now = seen([machine()], [server()])
    assert questions(memory([joined()]), now.machines, now.servers) == Questions()


def test_looks_up_a_server_that_the_list_lacks() -> None:
    now = seen([machine()], [])
    assert questions(memory([joined()]), now.machines, now.servers) == Questions(lookups=("s-w1",))


def test_looks_up_nobody_when_the_list_itself_failed() -> None:
    now = failed(seen([machine()], []), "servers")
    assert questions(memory([joined()]), now.machines, now.servers) == Questions()


def test_asks_the_startd_and_the_schedds_about_a_worker_whose_ad_is_missing() -> None:
    now = seen([], [server()])
    expected = Questions(inspections=("w1",), machines=("w1.pool",))
    assert questions(memory([joined()]), now.machines, now.servers) == expected


def test_asks_the_startd_of_every_drain_and_every_fence_of_ours() -> None:
    now = seen([machine("w1"), machine("w2")], [server("w1"), server("w2")])
    known = memory([joined("w1", drain=drain("w1")), joined("w2", fence_asked_at=NOW)])
    assert questions(known, now.machines, now.servers) == Questions(inspections=("w1", "w2"))


def test_asks_about_a_drain_of_ours_that_was_not_written_down_but_not_about_others() -> None:
    ours = replace(machine("w1"), drain=DrainSeen(reason=nonce("w1"), request_id="1", drained=False))
    foreign = replace(machine("w2"), drain=DrainSeen(reason="defrag", request_id="1", drained=False))
    now = seen([ours, foreign], [server("w1"), server("w2")])
    asked = questions(memory([joined("w1"), joined("w2")]), now.machines, now.servers)
    assert asked == Questions(inspections=("w1",))


def test_asks_the_schedds_by_name_about_a_failed_worker_that_never_had_a_startd() -> None:
    now = seen([], [server(status=ServerStatus.ERROR)])
    known = memory([record(failed_at=NOW - 30)])
    assert questions(known, now.machines, now.servers) == Questions(machines=("w1",))


def test_asks_a_bounded_number_of_startds_those_with_drains_first() -> None:
    records = [joined(f"a{i:04}") for i in range(MOST_INSPECTIONS)] + [joined("z", drain=drain("z"))]
    now = seen([], [server(r.name) for r in records])
    asked = questions(memory(records), now.machines, now.servers)
    assert len(asked.inspections) == MOST_INSPECTIONS
    assert asked.inspections[:2] == ("z", "a0000")


def test_of_two_ads_with_one_server_id_the_busy_one_counts_whatever_their_order() -> None:
    old = replace(machine(idle=5000.0), name="old.pool", ad_age_seconds=600.0)
    new = replace(machine(idle=None), name="new.pool", ad_age_seconds=700.0)
    assert machine_of(joined(), index_machines([old, new])) is new
    assert machine_of(joined(), index_machines([new, old])) is new


def test_of_two_idle_ads_with_one_server_id_the_newest_counts() -> None:
    old = replace(machine(), name="old.pool", ad_age_seconds=600.0)
    new = replace(machine(), name="new.pool", ad_age_seconds=5.0)
    assert machine_of(joined(), index_machines([new, old])) is new


def test_a_machine_that_claims_another_server_is_not_the_workers() -> None:
    ads = index_machines([machine(server_id="s-other")])
    assert machine_of(joined(), ads) is None
    assert machine_of(record(server_id=None), ads) is not None
