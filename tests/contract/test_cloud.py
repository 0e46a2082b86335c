"""What the port `Cloud` promises, in every world."""

from math import inf

import pytest

from elastic.core.memory import WorkerRecord
from elastic.core.observation import GroupSize, ServerStatus
from elastic.ports import NotFound
from tests.contract.rig import Rig, joined, launched, machine_of, record


def listed(rig: Rig) -> list[str]:
    return sorted(server.name for server in rig.cloud.servers().servers)


def gone(rig: Rig, worker: WorkerRecord) -> bool:
    try:
        rig.cloud.lookup(worker.server_id or "")
    except NotFound:
        return True
    return False


def test_a_server_carries_the_workers_name_its_group_and_our_ledger(rig: Rig) -> None:
    worker = launched(rig, "w1")
    (server,) = rig.cloud.servers().servers
    assert (server.id, server.name, server.worker) == (worker.server_id, "w1", "w1")
    assert (server.group, server.ledger) == (rig.group.name, rig.ledger)


def test_a_server_becomes_active_and_its_startd_joins(rig: Rig) -> None:
    worker = joined(rig, "w1")
    assert rig.cloud.lookup(worker.server_id or "").status is ServerStatus.ACTIVE


def test_create_is_idempotent_by_worker_name(rig: Rig) -> None:
    first = launched(rig, "w1")
    second = launched(rig, "w1")
    assert (second.server_id, listed(rig)) == (first.server_id, ["w1"])


def test_each_wanted_server_has_its_answer(rig: Rig) -> None:
    names = ["w1", "w2", "w3"]
    created = rig.cloud.create(rig.group, [record(rig, name) for name in names])
    assert [c.worker for c in created] == names
    assert len({c.server_id for c in created}) == 3
    assert listed(rig) == names


def test_the_list_never_misses_a_server_whatever_its_pages(rig: Rig) -> None:
    names = [f"w{number:02}" for number in range(12)]
    rig.cloud.create(rig.group, [record(rig, name) for name in names])
    assert listed(rig) == names


def test_lookup_and_list_say_the_same(rig: Rig) -> None:
    worker = joined(rig, "w1")
    assert (rig.cloud.lookup(worker.server_id or ""),) == rig.cloud.servers().servers


def test_lookup_of_an_unknown_server_raises_not_found(rig: Rig) -> None:
    with pytest.raises(NotFound):
        rig.cloud.lookup("00000000-0000-0000-0000-000000000000")


def test_lookup_of_a_deleted_server_raises_not_found(rig: Rig) -> None:
    worker = joined(rig, "w1")
    assert rig.cloud.delete(rig.group, [worker]) == {}
    rig.wait(lambda: gone(rig, worker))
    assert listed(rig) == []


def test_delete_takes_exactly_the_servers_named(rig: Rig) -> None:
    doomed, kept = launched(rig, "w1"), launched(rig, "w2")
    rig.cloud.delete(rig.group, [doomed])
    rig.wait(lambda: gone(rig, doomed))
    assert listed(rig) == ["w2"]
    assert rig.cloud.lookup(kept.server_id or "").name == "w2"


def test_delete_of_a_server_that_is_gone_is_no_error(rig: Rig) -> None:
    worker = launched(rig, "w1")
    rig.cloud.delete(rig.group, [worker])
    rig.wait(lambda: gone(rig, worker))
    assert rig.cloud.delete(rig.group, [worker]) == {}


def test_delete_never_goes_by_name(rig: Rig) -> None:
    launched(rig, "w1")
    errors = rig.cloud.delete(rig.group, [record(rig, "w1")])
    assert list(errors) == ["w1"]
    assert listed(rig) == ["w1"]


def test_a_new_server_of_a_deleted_ones_name_is_another_server(rig: Rig) -> None:
    first = launched(rig, "w1")
    rig.cloud.delete(rig.group, [first])
    rig.wait(lambda: gone(rig, first))
    second = launched(rig, "w1")
    assert second.server_id != first.server_id
    assert rig.cloud.delete(rig.group, [first]) == {}
    assert listed(rig) == ["w1"]


def test_the_startd_of_a_deleted_server_is_silent(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.cloud.delete(rig.group, [worker])
    rig.wait(lambda: rig.batch.inspect(worker).silent)
    rig.batch.invalidate(worker)
    rig.wait(lambda: machine_of(rig, "w1") is None)


def test_a_server_that_died_by_itself_is_not_active_any_more(rig: Rig) -> None:
    worker = joined(rig, "w1")
    rig.kill_server(worker)

    def status() -> str | None:
        try:
            seen = rig.cloud.lookup(worker.server_id or "").status
        except NotFound:
            return "gone"
        return None if seen is ServerStatus.ACTIVE else seen.value

    assert rig.wait(status) in {"gone", "stopped", "error"}


def test_the_quota_is_told_for_every_group(rig: Rig) -> None:
    def left() -> float:
        workers = rig.cloud.quotas()[rig.group.name].workers_left
        return inf if workers is None else workers

    before = left()
    launched(rig, "w1")
    # A cloud may count a server only once it has found a host for it.
    rig.wait(lambda: before == inf or left() < before)


def test_the_size_of_a_group_that_the_cloud_itself_keeps_is_told_with_its_members(rig: Rig) -> None:
    worker = launched(rig, "w1")

    def told() -> bool:
        rig.cloud.servers()
        # Most clouds keep none, and say so by leaving the group out.
        size = rig.cloud.sizes().get(rig.group.name, GroupSize(desired=1, members=frozenset({worker.server_id or ""})))
        return (size.changing, size.desired, size.members) == ("", 1, frozenset({worker.server_id or ""}))

    rig.wait(told)


def test_the_console_never_raises(rig: Rig) -> None:
    worker = joined(rig, "w1")
    assert rig.cloud.console(record(rig, "nobody"), 10) == ""
    assert len(rig.cloud.console(worker, 3).splitlines()) <= 3
