"""The ledger under arbitrary records and arbitrary interleavings: what comes back is what was saved, whoever wrote."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from elastic.adapters.ledger import SqlLedger
from elastic.adapters.ledger.codec import dumps, loads
from elastic.core.memory import (
    Breaker,
    BreakerState,
    Drain,
    Event,
    Futile,
    GroupMemory,
    Memory,
    MemoryChange,
    SizeSeen,
    Template,
    Wish,
    WishKind,
    WorkerRecord,
)
from elastic.core.override import Override

T = TypeVar("T")


def every_field(kind: type[T]) -> st.SearchStrategy[T]:
    """Values of a record in which no field is left at its default."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type] # every kind here is a dataclass
    return st.builds(kind, **{name: st.from_type(hints[name]) for name in names})


st.register_type_strategy(float, st.floats(allow_nan=False))
RECORDS = (Drain, Wish, Futile, Template, Breaker, WorkerRecord, GroupMemory, Override, Event, SizeSeen)
for record_kind in RECORDS:
    st.register_type_strategy(record_kind, every_field(record_kind))
NAMES = st.sampled_from(["a", "b", "c-1", "Ü\x00'\"", ""])
WORKERS = st.builds(lambda name, record: replace(record, name=name), NAMES, st.from_type(WorkerRecord))
GROUPS = st.builds(lambda name, record: replace(record, group=name), NAMES, st.from_type(GroupMemory))
NUMBERS = st.none() | st.integers(min_value=0)
TIMES = st.none() | st.floats(allow_nan=False)
OVERRIDES = st.builds(
    lambda id_, group, record: replace(record, id=id_, group=group), NAMES, NAMES, st.from_type(Override)
)
CHANGES = st.builds(
    MemoryChange,
    workers=st.lists(WORKERS, max_size=3, unique_by=lambda record: record.name).map(tuple),
    groups=st.lists(GROUPS, max_size=2, unique_by=lambda record: record.group).map(tuple),
    forgotten=st.lists(NAMES, max_size=2).map(tuple),
    overrides=st.lists(OVERRIDES, max_size=2).map(tuple),
    overrides_ended=st.lists(NAMES, max_size=2).map(tuple),
    tick=NUMBERS,
    sequence=NUMBERS,
    last_cycle=NUMBERS,
    blind=st.none() | st.tuples(TIMES, TIMES),
    last_now=TIMES,
    misfits_named=st.none() | st.lists(st.text(), max_size=2).map(tuple),
    events=st.lists(st.from_type(Event), max_size=2).map(tuple),
)


@contextmanager
def on_a_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "ledger.sqlite"


@pytest.mark.parametrize("kind", RECORDS)
def test_every_field_of_a_record_comes_back(kind: type) -> None:
    @given(every_field(kind))
    def comes_back(record: object) -> None:
        assert loads(kind, dumps(record)) == record

    comes_back()


@given(st.from_type(WorkerRecord))
def test_fields_of_another_version_are_passed_over_or_take_their_default(record: WorkerRecord) -> None:
    written = dumps(record)
    newer = written[:-1] + ',"field_to_come":{"a":[1]}}'
    older = written.replace('"busy_seen":true,', "").replace('"busy_seen":false,', "")
    assert older != written
    assert loads(WorkerRecord, newer) == record
    assert loads(WorkerRecord, older) == replace(record, busy_seen=False)


@settings(max_examples=25)
@given(st.lists(CHANGES | OVERRIDES, max_size=5))
def test_after_any_writes_the_file_says_what_the_memory_said(writes: list[MemoryChange | Override]) -> None:
    with on_a_file() as path:
        ledger = SqlLedger.open(path, pool="p")
        happened: list[Event] = []
        for write in writes:
            if isinstance(write, Override):
                ledger.put_override(write)
            else:
                ledger.save(write)
                happened += write.events
        memory, history = ledger.memory(), ledger.history()
        ledger.close()
        again = SqlLedger.open(path, pool="p")
        assert again.memory() == memory
        assert again.history() == history
        assert list(again.events()) == happened
        again.close()


class TickAndOperator(RuleBasedStateMachine):
    """A tick that saves whole records made from what it read at its start, and an operator who writes at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = SqlLedger.in_memory(pool="p")
        self.wishes: dict[str, Wish | None] = dict.fromkeys("ab")
        self.protected: dict[str, str] = dict.fromkeys("ab", "")
        self.joined: dict[str, float | None] = dict.fromkeys("ab")
        self.resets = 0
        self.reset_at: int | None = None
        self.read: Memory | None = None
        self.read_resets = 0
        self.number = 0

    @initialize()
    def a_fleet(self) -> None:
        workers = tuple(WorkerRecord(name=name, group="g", requested_at=1.0) for name in "ab")
        self.ledger.save(MemoryChange(workers=workers, groups=(GroupMemory(group="g"),)))

    @rule()
    def tick_reads(self) -> None:
        self.read, self.read_resets = self.ledger.memory(), self.resets
        self.number = self.read.tick + 1

    @precondition(lambda self: self.read is not None)
    @rule(names=st.sets(st.sampled_from("ab")), at=st.floats(1, 100), drained=st.booleans())
    def tick_saves(self, names: set[str], at: float, drained: bool) -> None:  # noqa: FBT001 # Hypothesis passes it by name
        assert self.read is not None
        records = tuple(
            replace(self.read.workers[name], joined_at=at, drain=Drain(nonce="n", asked_at=at) if drained else None)
            for name in sorted(names)
        )
        self.joined |= dict.fromkeys(names, at)
        opened = Breaker(state=BreakerState.OPEN, failures=5, reason=str(self.read_resets))
        group = replace(self.read.groups["g"], breaker=opened, boot_allowance=int(at))
        self.ledger.save(MemoryChange(workers=records, groups=(group,), tick=self.number))
        saved = self.ledger.memory().groups["g"]
        assert saved.boot_allowance == int(at)
        if self.reset_at is None or self.number >= self.reset_at + 2:
            assert saved.breaker == opened

    @rule(name=st.sampled_from("ab"), kind=st.none() | st.sampled_from(WishKind))
    def operator_wishes(self, name: str, kind: WishKind | None) -> None:
        wish = None if kind is None else Wish(kind=kind, author="ada", reason="r", asked_at=1.0)
        self.ledger.wish(name, wish)
        self.wishes[name] = wish

    @rule(name=st.sampled_from("ab"), by=st.sampled_from(["", "ada", "bob"]))
    def operator_protects(self, name: str, by: str) -> None:
        self.ledger.protect(name, by)
        self.protected[name] = by

    @rule()
    def operator_resets(self) -> None:
        self.ledger.reset_breaker("g")
        self.resets += 1
        self.reset_at = self.ledger.memory().tick
        assert self.ledger.memory().groups["g"].breaker == Breaker()

    @invariant()
    def nobody_has_lost_a_write(self) -> None:
        memory = self.ledger.memory()
        if not memory.workers:
            return
        assert {name: record.wish for name, record in memory.workers.items()} == self.wishes
        assert {name: record.protected_by for name, record in memory.workers.items()} == self.protected
        assert {name: record.joined_at for name, record in memory.workers.items()} == self.joined

    @invariant()
    def no_breaker_from_before_a_reset_is_back(self) -> None:
        for group in self.ledger.memory().groups.values():
            assert group.breaker == Breaker() or group.breaker.reason == str(self.resets)

    def teardown(self) -> None:
        self.ledger.close()


TestTickAndOperator = TickAndOperator.TestCase
TestTickAndOperator.settings = settings(max_examples=60, stateful_step_count=30)


def test_a_stop_of_scale_down_is_lifted_for_a_tick_that_knows_nothing_of_it() -> None:
    ledger = SqlLedger.in_memory(pool="p")
    stopped = GroupMemory(group="g", scale_down_stopped="a server vanished that was not asked for")
    ledger.save(MemoryChange(groups=(stopped,), tick=4))
    ledger.allow_scale_down("g")
    ledger.save(MemoryChange(groups=(replace(stopped, batch_joined=1),), tick=5))
    assert ledger.memory().groups["g"] == GroupMemory(group="g", batch_joined=1)
    ledger.save(MemoryChange(groups=(stopped,), tick=6))
    assert ledger.memory().groups["g"] == stopped
    ledger.close()
