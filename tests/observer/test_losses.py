from elastic.core.observation import SourceReading
from tests.observer.ports import Stand, listed, look, observer, record

ALL = tuple(range(1, 11))
WORKERS = [record(number) for number in ALL]


def test_a_list_that_lost_too_many_of_ours_is_a_failed_source() -> None:
    stand = Stand({"servers": listed(*ALL), "cloud": listed(*ALL)})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(1, 2, 3, 4, 5, 6)
    seen = look(watcher, *WORKERS).servers
    assert (seen.value, seen.error_type, seen.misses) == (listed(*ALL), "Implausible", 1)
    assert seen.error.startswith("the list lost 4 of our 10 servers without our asking")


def test_a_list_that_lost_fewer_is_believed() -> None:
    stand = Stand({"servers": listed(*ALL), "cloud": listed(*ALL)})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(1, 2, 3, 4, 5, 6, 7)
    assert look(watcher, *WORKERS).servers == SourceReading(value=listed(1, 2, 3, 4, 5, 6, 7))


def test_servers_whose_deletion_we_asked_for_are_no_loss() -> None:
    stand = Stand({"servers": listed(*ALL), "cloud": listed(*ALL)})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(1)
    deleted = [record(number, delete_asked_at=5.0) for number in ALL[1:]]
    assert look(watcher, WORKERS[0], *deleted).servers.error == ""


def test_servers_of_others_are_no_loss() -> None:
    stand = Stand({"servers": listed(*range(1, 100)), "cloud": listed()})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(*ALL)
    assert look(watcher, *WORKERS).servers.error == ""


def test_a_loss_that_lookups_by_id_confirm_is_believed_at_the_next_tick() -> None:
    stand = Stand({"servers": listed(*ALL), "cloud": listed(1)})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(1)
    failed = look(watcher, *WORKERS)
    assert failed.servers.error != ""
    assert failed.answers.lookups == {f"s{number}": None for number in ALL[1:]}
    assert look(watcher, *WORKERS).servers == SourceReading(value=listed(1))


def test_a_page_that_is_missing_from_the_list_is_never_believed() -> None:
    stand = Stand({"servers": listed(*ALL), "cloud": listed(*ALL)})
    watcher = observer(stand)
    look(watcher, *WORKERS)
    stand.says["servers"] = listed(1)
    assert [look(watcher, *WORKERS).servers.misses for _ in range(4)] == [1, 2, 3, 4]


def test_after_a_restart_the_first_list_is_compared_with_what_the_ledger_has_seen_running() -> None:
    stand = Stand({"servers": listed(1), "cloud": listed(*ALL)})
    seen = look(observer(stand), *WORKERS, record(11, active_at=None))
    assert (seen.servers.value, seen.servers.error_type) == (None, "Implausible")
    assert seen.servers.error.startswith("the list lost 9 of our 10 servers")
