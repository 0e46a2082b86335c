import pytest

from elastic.core.memory import Event, MemoryChange, WishKind
from elastic.core.memory import Wish as OperatorsWish
from elastic.core.override import Override, OverrideKind
from elastic.ports import LedgerError
from elastic_simulations.ledger import MemoryLedger
from tests.simulations.pools import worker


def override(name: str, workers: int) -> Override:
    return Override(
        id=name,
        group="small",
        kind=OverrideKind.FLOOR,
        workers=workers,
        author="a",
        reason="b",
        created_at=0,
        expires_at=9,
    )


def test_what_was_saved_is_remembered_until_it_is_forgotten() -> None:
    ledger = MemoryLedger()
    ledger.save(MemoryChange(workers=(worker("w1"), worker("w2")), tick=4))
    ledger.save(MemoryChange(forgotten=("w1",), events=(Event(at=1, kind="gone", text="w1 is gone"),)))
    memory = ledger.memory()
    assert (sorted(memory.workers), memory.tick, ledger.forgotten) == (["w2"], 4, ["w1"])
    assert [event.text for event in ledger.events] == ["w1 is gone"]


def test_a_save_that_fails_changes_nothing() -> None:
    ledger = MemoryLedger()
    ledger.fail_next = 1
    with pytest.raises(LedgerError):
        ledger.save(MemoryChange(workers=(worker("w1"),)))
    assert ledger.memory().workers == {}
    ledger.save(MemoryChange(workers=(worker("w1"),)))
    assert list(ledger.memory().workers) == ["w1"]


def test_an_override_replaces_one_of_its_kind_and_is_taken_back_by_its_id() -> None:
    ledger = MemoryLedger()
    ledger.put_override(override("a", 1))
    ledger.put_override(override("b", 2))
    assert [o.id for o in ledger.memory().overrides] == ["b"]
    ledger.end_override("unknown")
    ledger.end_override("b")
    assert ledger.memory().overrides == ()


def test_a_wish_survives_what_a_tick_saves() -> None:
    ledger = MemoryLedger()
    ledger.save(MemoryChange(workers=(worker("w1"),)))
    wish = OperatorsWish(kind=WishKind.DRAIN, author="a", reason="b", asked_at=0)
    ledger.wish("w1", wish)
    ledger.save(MemoryChange(workers=(worker("w1", "server"),)))
    kept = ledger.memory().workers["w1"]
    assert (kept.wish, kept.server_id) == (wish, "server")
