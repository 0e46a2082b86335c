"""What the ledger on SQLite does beyond its port, on a file and in memory: events, history, the operator's writes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import Event, GroupMemory, Memory, MemoryChange, WorkerRecord
from elastic.core.override import Override, OverrideKind
from elastic.ports import Ledger, LedgerError, NotFound

POOL = "pool-a"
OURS = WorkerRecord(name="small-1", group="small", requested_at=100.0, server_id="id-1", joined_at=160.0)
OTHER = WorkerRecord(name="small-2", group="small", requested_at=110.0)
SMALL = GroupMemory(group="small", boot_allowance=20, join_seconds=(60.0,))


def override(id_: str, kind: OverrideKind = OverrideKind.PIN, group: str = "small") -> Override:
    return Override(
        id=id_,
        group=group,
        kind=kind,
        workers=3,
        author="ada",
        reason="a course",
        created_at=100.0,
        expires_at=900.0,
    )


@pytest.fixture(params=["file", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    made = (
        SqlLedger.open(tmp_path / "ledger.sqlite", pool=POOL)
        if request.param == "file"
        else SqlLedger.in_memory(pool=POOL)
    )
    yield made
    made.close()


def reopened(ledger: SqlLedger, path: Path) -> Memory:
    """What the file says after the program that wrote it has gone."""
    ledger.close()
    again = SqlLedger.open(path, pool=POOL)
    memory = again.memory()
    again.close()
    return memory


def test_fits_the_port(ledger: SqlLedger) -> None:
    port: Ledger = ledger
    assert port.memory() == Memory(ledger=ledger.identity, pool=POOL)


def test_a_new_ledger_observes_until_told_to_act(ledger: SqlLedger) -> None:
    before = ledger.mode
    ledger.set_mode("act")
    assert (before, ledger.mode) == ("observe", "act")


def test_two_new_ledgers_have_two_identities() -> None:
    one, two = SqlLedger.in_memory(pool=POOL), SqlLedger.in_memory(pool=POOL)
    assert one.identity != two.identity
    one.close()
    two.close()


def test_a_forgotten_worker_stays_as_history(ledger: SqlLedger) -> None:
    ledger.save(MemoryChange(workers=(OURS, OTHER)))
    ledger.save(MemoryChange(forgotten=("small-1", "never-heard-of"), last_now=500.0))
    assert ledger.memory().workers == {"small-2": OTHER}
    assert ledger.history() == ((OURS, 500.0),)


def test_events_are_given_newest_last_and_by_group_worker_and_time(ledger: SqlLedger) -> None:
    happened = (
        Event(at=1.0, kind="launched", text="small-1 asked for", group="small", worker="small-1"),
        Event(at=2.0, kind="joined", text="small-1 joined", group="small", worker="small-1"),
        Event(at=3.0, kind="launched", text="big-1 asked for", group="big", worker="big-1"),
        Event(at=4.0, kind="blind", text="the collector is silent"),
    )
    ledger.save(MemoryChange(events=happened[:3]))
    ledger.save(MemoryChange(events=happened[3:]))
    assert ledger.events() == happened
    assert ledger.events(limit=2) == happened[2:]
    assert ledger.events(since=3.0) == happened[2:]
    assert ledger.events(group="big") == (happened[2],)
    assert ledger.events(worker="small-1", since=2.0) == (happened[1],)


def test_a_foreign_ledgers_servers_are_adopted_once(ledger: SqlLedger) -> None:
    ledger.adopt_from("another")
    ledger.adopt_from("another")
    ledger.adopt_from(ledger.identity)
    with pytest.raises(ValueError, match="not empty"):
        ledger.adopt_from(" ")
    assert ledger.memory().accepted_ledgers == ("another",)


def test_housekeeping_deletes_what_is_older_than_its_days_and_nothing_else(ledger: SqlLedger) -> None:
    day = 86400.0
    old, new = Event(at=1 * day, kind="old", text="old"), Event(at=9 * day, kind="new", text="new")
    ledger.save(MemoryChange(workers=(OURS, OTHER, replace(OTHER, name="small-3")), events=(old, new)))
    ledger.save(MemoryChange(forgotten=("small-1",), last_now=1 * day))
    ledger.save(MemoryChange(forgotten=("small-2",), last_now=9 * day))
    assert ledger.housekeeping(10 * day, keep_days=7) == 2
    assert ledger.events() == (new,)
    assert ledger.history() == ((OTHER, 9 * day),)
    assert set(ledger.memory().workers) == {"small-3"}


def test_a_save_that_fails_changes_nothing(ledger: SqlLedger) -> None:
    ledger.save(MemoryChange(workers=(OURS,)))
    before = ledger.memory()
    unwritable = replace(OTHER, server_id="\ud800")
    with pytest.raises(LedgerError, match="what was to be saved cannot be"):
        ledger.save(MemoryChange(workers=(replace(OURS, failure="lost"), unwritable), tick=9))
    assert ledger.memory() == before
    ledger.save(MemoryChange(tick=10))
    assert ledger.memory() == replace(before, tick=10)


def test_writing_to_a_closed_ledger_is_an_error(ledger: SqlLedger) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.save(MemoryChange(tick=1))


@pytest.mark.parametrize("name", ["", "small-9"])
def test_a_wish_for_an_unknown_worker_is_refused(ledger: SqlLedger, name: str) -> None:
    with pytest.raises(NotFound, match=f"no worker named '{name}'"):
        ledger.wish(name, None)
    with pytest.raises(NotFound, match=f"no worker named '{name}'"):
        ledger.protect(name, "ada")


def test_a_breaker_of_an_unknown_group_is_not_reset(ledger: SqlLedger) -> None:
    with pytest.raises(NotFound, match="nothing is remembered of a group named 'smal'"):
        ledger.reset_breaker("smal")


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = SqlLedger.open(path, pool=POOL)
    ledger.save(MemoryChange(workers=(OURS, OTHER), groups=(SMALL,), tick=3, sequence=2, blind=(1.0, 2.0)))
    ledger.save(MemoryChange(forgotten=("small-2",), last_now=300.0))
    ledger.put_override(override("a"))
    ledger.adopt_from("another")
    ledger.protect("small-1", "ada")
    ledger.set_mode("act")
    before = ledger.memory()
    assert reopened(ledger, path) == before
    again = SqlLedger.open(path, pool=POOL)
    assert (again.mode, again.history()) == ("act", ((OTHER, 300.0),))
    again.close()
