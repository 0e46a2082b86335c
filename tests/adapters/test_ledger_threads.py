"""The tick's thread and the interface's threads on one ledger: nobody's write is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import Event, GroupMemory, MemoryChange, Wish, WishKind, WorkerRecord
from elastic.core.override import Override, OverrideKind

NAMES = tuple(f"small-{number}" for number in range(20))
ROUNDS = 150


def tick(ledger: SqlLedger) -> None:
    """Whole records, made from a memory that is old by the time they are saved."""
    for number in range(1, ROUNDS + 1):
        read = ledger.memory()
        records = [replace(record, joined_at=float(number)) for record in read.workers.values()]
        group = replace(read.groups["small"], batch_joined=number)
        ledger.save(MemoryChange(tick=number, workers=tuple(records[:10]), groups=(group,)))
        ledger.save(MemoryChange(workers=tuple(records[10:]), events=(Event(at=1.0, kind="tick", text=str(number)),)))


def wish(ledger: SqlLedger) -> None:
    for number in range(ROUNDS):
        asked = Wish(kind=WishKind.DRAIN, author="ada", reason="r", asked_at=float(number))
        ledger.wish(NAMES[number % 20], asked)


def protect(ledger: SqlLedger) -> None:
    for number in range(ROUNDS):
        ledger.protect(NAMES[number % 20], f"bob {number}")


def override(ledger: SqlLedger) -> None:
    for number in range(ROUNDS):
        kind = tuple(OverrideKind)[number % 4]
        ledger.put_override(
            Override(
                id=str(number),
                group="small",
                kind=kind,
                workers=None,
                author="ada",
                reason="r",
                created_at=float(number),
                expires_at=1e9,
            )
        )


def read(ledger: SqlLedger) -> None:
    for _ in range(ROUNDS):
        memory = ledger.memory()
        assert len(memory.workers) == 20
        assert len(ledger.events(limit=3)) <= 3


def at_once(ledger: SqlLedger, *work: Callable[[SqlLedger], None]) -> list[BaseException]:
    """Run all of it in threads of their own; return what they raised."""
    raised: list[BaseException] = []

    def run(part: Callable[[SqlLedger], None]) -> None:
        try:
            part(ledger)
        except BaseException as error:  # noqa: BLE001 # handed to the test
            raised.append(error)

    threads = [Thread(target=run, args=(part,)) for part in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_no_write_is_lost_between_the_tick_and_the_interface(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = SqlLedger.open(path, pool="p")
    workers = tuple(WorkerRecord(name=name, group="small", requested_at=1.0) for name in NAMES)
    ledger.save(MemoryChange(workers=workers, groups=(GroupMemory(group="small"),)))
    assert at_once(ledger, tick, wish, protect, override, read) == []
    memory = ledger.memory()
    last = {NAMES[number % 20]: number for number in range(ROUNDS)}
    for name, record in memory.workers.items():
        assert record == WorkerRecord(
            name=name,
            group="small",
            requested_at=1.0,
            joined_at=float(ROUNDS),
            wish=Wish(kind=WishKind.DRAIN, author="ada", reason="r", asked_at=float(last[name])),
            protected_by=f"bob {last[name]}",
        )
    assert memory.groups["small"].batch_joined == ROUNDS
    assert sorted(int(each.id) for each in memory.overrides) == list(range(ROUNDS - 4, ROUNDS))
    assert len(ledger.events(limit=1000)) == ROUNDS
    ledger.close()
    again = SqlLedger.open(path, pool="p")
    assert again.memory() == memory
    again.close()
