"""What every ledger promises its port's callers: the one on SQLite, on a file and in memory, and the simulator's."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.ledger import SqlLedger
from elastic.core.memory import GroupMemory, Memory, MemoryChange, WorkerRecord
from elastic.core.override import Override, OverrideKind
from elastic.core.uses import Excuse
from elastic.ports import Ledger
from elastic_simulations.ledger import MemoryLedger

POOL = "pool-a"
OURS = WorkerRecord(name="small-1", group="small", requested_at=100.0, server_id="id-1", joined_at=160.0)
OTHER = WorkerRecord(name="small-2", group="small", requested_at=110.0)
SMALL = GroupMemory(group="small", boot_allowance=20, join_seconds=(60.0,))


@pytest.fixture(params=["file", "memory", "simulated"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "simulated":
        yield MemoryLedger(pool=POOL)
        return
    made = (
        SqlLedger.open(tmp_path / "ledger.sqlite", pool=POOL)
        if request.param == "file"
        else SqlLedger.in_memory(pool=POOL)
    )
    yield made
    made.close()


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


def test_a_new_ledger_knows_its_pool_and_nothing_else(ledger: Ledger) -> None:
    assert ledger.memory() == Memory(ledger=ledger.memory().ledger, pool=POOL)


def test_saves_records_and_scalars_as_one_change(ledger: Ledger) -> None:
    ledger.save(
        MemoryChange(
            workers=(OURS, OTHER),
            groups=(SMALL,),
            tick=7,
            sequence=2,
            last_cycle=1000,
            blind=(50.0, 60.0),
            last_now=170.0,
            misfits_named=("shape-1",),
        )
    )
    assert ledger.memory() == Memory(
        ledger=ledger.memory().ledger,
        pool=POOL,
        workers={"small-1": OURS, "small-2": OTHER},
        groups={"small": SMALL},
        tick=7,
        sequence=2,
        last_cycle=1000,
        blind_since=50.0,
        blind_until=60.0,
        last_now=170.0,
        misfits_named=("shape-1",),
    )


def test_what_a_change_leaves_out_stays(ledger: Ledger) -> None:
    ledger.save(MemoryChange(workers=(OURS,), groups=(SMALL,), tick=7, sequence=2, blind=(50.0, None)))
    before = ledger.memory()
    ledger.save(MemoryChange())
    assert ledger.memory() == before


def test_blindness_that_ended_is_forgotten(ledger: Ledger) -> None:
    ledger.save(MemoryChange(blind=(50.0, 60.0)))
    ledger.save(MemoryChange(blind=(None, 60.0)))
    assert (ledger.memory().blind_since, ledger.memory().blind_until) == (None, 60.0)


def test_tick_and_worker_numbers_never_go_back(ledger: Ledger) -> None:
    ledger.save(MemoryChange(tick=7, sequence=20))
    ledger.save(MemoryChange(tick=6, sequence=19))
    assert (ledger.memory().tick, ledger.memory().sequence) == (7, 20)


def test_a_memory_once_read_does_not_change(ledger: Ledger) -> None:
    ledger.save(MemoryChange(workers=(OURS,)))
    before = ledger.memory()
    ledger.save(MemoryChange(workers=(OTHER,), forgotten=("small-1",)))
    assert (set(before.workers), set(ledger.memory().workers)) == ({"small-1"}, {"small-2"})


def test_an_override_replaces_the_one_of_its_group_and_kind(ledger: Ledger) -> None:
    old, new = override("a"), override("b")
    floor, elsewhere = override("c", OverrideKind.FLOOR), override("d", group="big")
    for each in (old, floor, elsewhere, new):
        ledger.put_override(each)
    assert set(ledger.memory().overrides) == {floor, elsewhere, new}


def test_an_override_put_twice_is_there_once(ledger: Ledger) -> None:
    ledger.put_override(override("a"))
    ledger.put_override(replace(override("a"), group="big"))
    assert ledger.memory().overrides == (replace(override("a"), group="big"),)


def test_an_override_is_taken_back_by_id_and_unknown_ids_are_no_error(ledger: Ledger) -> None:
    for each in (override("a"), override("b", OverrideKind.FLOOR), override("c", OverrideKind.PAUSE)):
        ledger.put_override(each)
    ledger.end_override("a")
    ledger.end_override("a")
    ledger.save(MemoryChange(overrides_ended=("b",)))
    assert [each.id for each in ledger.memory().overrides] == ["c"]


def test_the_operators_fields_are_not_the_ticks_to_write(ledger: Ledger) -> None:
    protected = replace(OURS, protected_by="ada", excuse=Excuse(author="ada", reason="mine", at=5.0))
    ledger.save(MemoryChange(workers=(protected,)))
    ledger.save(MemoryChange(workers=(replace(OURS, failure="lost"),)))
    assert ledger.memory().workers == {"small-1": replace(protected, failure="lost")}
