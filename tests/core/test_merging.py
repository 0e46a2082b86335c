"""What a worker is by HTCondor and its CPU, and what follows: the table row by row, with its timers and its escapes."""

from dataclasses import replace

import pytest

from elastic.core.actions import Delete, DrainWorker, Launch, Refusal
from elastic.core.change import applied
from elastic.core.guardrails import constrain
from elastic.core.lifecycle import Phase
from elastic.core.memory import Event, Memory, MemoryChange, WorkerRecord
from elastic.core.model import OddCounts, SiteSpec, Snapshot, SourceHealth, Trust
from elastic.core.observation import Alarm, Alarms, AlarmState, Load, Machine, Observations, SourceReading
from elastic.core.planner import plan
from elastic.core.policy import Target
from elastic.core.record import Plan
from elastic.core.uses import TABLE, Excuse, Oddity, Use
from tests.core.builders import (
    NOW,
    SITE,
    failed,
    group,
    joined,
    look,
    machine,
    memory,
    queue,
    seen,
    server,
    shape,
    snapshot,
    targets,
    wish,
    worker,
)

SINCE = NOW - 600
LEFTOVER = Oddity(use=Use.LEFTOVER, since=SINCE)
WAITING = Oddity(use=Use.WAITING, since=SINCE)
EXCUSE = Excuse(author="ann", reason="my own test", at=NOW - 60)


def load(cores: float, *names: str, age: float = 20.0) -> Load:
    """Means over a minute that ended `age` seconds ago, of workers of four cores."""
    names = names or ("w1",)
    shares, used = dict.fromkeys(names, cores / 4), dict.fromkeys(names, cores)
    return Load(by_worker=shares, cores=used, age_seconds=age, span_seconds=60.0)


def claimed(name: str = "w1", seconds: float = 2000.0) -> Machine:
    return machine(name, None, claimed_seconds=seconds)


def sighted(ad: Machine, measured: Load | None, *records: WorkerRecord, site: SiteSpec = SITE) -> Snapshot:
    found, _ = look(seen([ad], [server()], load=measured), memory(records or (joined(),)), site=site)
    return found


def use(snapshot: Snapshot) -> Use | None:
    return snapshot.groups["g"].workers[0].use


@pytest.mark.parametrize(
    ("ad", "cores", "expected"),
    [
        (claimed(), 1.0, Use.WORKING),
        (claimed(), 0.0, Use.WAITING),
        (machine(), 1.0, Use.LEFTOVER),
        (machine(), 0.0, Use.FREE),
    ],
)
def test_htcondor_and_cpu_together_say_what_a_worker_is(ad: Machine, cores: float, expected: Use) -> None:
    assert use(sighted(ad, load(cores))) is expected
    assert TABLE[ad.claimed, cores > 0] is expected


@pytest.mark.parametrize(("ad", "expected"), [(claimed(), Use.WORKING), (machine(), Use.FREE)])
def test_without_telemetry_htcondor_alone_says_it(ad: Machine, expected: Use) -> None:
    assert use(sighted(ad, None)) is expected
    assert use(sighted(ad, Load(by_worker={}))) is expected


@pytest.mark.parametrize(
    ("ad", "measured", "expected"),
    [
        (machine(idle=75.0), load(1.0), Use.LEFTOVER),
        (machine(idle=65.0), load(1.0), Use.FREE),
        (machine(idle=2000.0), load(1.0, age=500.0), Use.LEFTOVER),
        (machine(idle=500.0), load(1.0, age=500.0), Use.FREE),
        (claimed(seconds=75.0), load(0.0), Use.WAITING),
        (claimed(seconds=65.0), load(0.0), Use.WORKING),
    ],
)
def test_a_sample_that_began_before_the_worker_changed_tells_of_what_it_did_then(
    ad: Machine, measured: Load, expected: Use
) -> None:
    assert use(sighted(ad, measured)) is expected


def test_the_load_of_a_boot_is_no_leftover() -> None:
    young = joined(age=400.0)  # It joined 340 s ago; the sample began 80 s ago.
    assert use(sighted(machine(idle=340.0), load(1.0), young)) is Use.FREE
    at_once = replace(SITE, settling_seconds=200.0)
    assert use(sighted(machine(idle=340.0), load(1.0), young, site=at_once)) is Use.LEFTOVER


def test_a_leftover_at_the_limit_does_not_come_and_go() -> None:
    assert use(sighted(machine(), load(0.19))) is Use.FREE
    assert use(sighted(machine(), load(0.2))) is Use.LEFTOVER
    assert use(sighted(machine(), load(0.11), joined(odd=LEFTOVER))) is Use.LEFTOVER
    assert use(sighted(machine(), load(0.09), joined(odd=LEFTOVER))) is Use.FREE


@pytest.mark.parametrize(
    ("ad", "known", "expected"),
    [(claimed(), LEFTOVER, Use.WORKING), (machine(), WAITING, Use.FREE)],
)
def test_htcondor_alone_decides_what_is_busy(ad: Machine, known: Oddity, expected: Use) -> None:
    """What was odd before is over when HTCondor says otherwise, even without a sample."""
    assert use(sighted(ad, Load(by_worker={}), joined(odd=known))) is expected


def silent(measured: Load) -> Observations:
    """Telemetry that has ceased to answer."""
    now = seen([machine()], [server()], load=measured)
    return replace(now, load=SourceReading(value=measured, error="no route", misses=3))


@pytest.mark.parametrize(
    "now",
    [
        seen([machine()], [server()], load=Load(by_worker={})),
        seen([machine()], [server()], load=load(0.0, age=3000.0)),
        seen([machine()], [server()], load=load(0.0, "another")),
        silent(load(0.0)),
        failed(seen([machine()], [server()], load=load(0.0)), "machines"),
        failed(seen([machine()], [server()], load=load(0.0)), "servers", misses=3),
    ],
    ids=["no sample", "old", "of another", "no answer", "no machines", "blind"],
)
def test_what_is_not_known_now_changes_no_use(now: Observations) -> None:
    marked, _ = look(now, memory([joined(odd=LEFTOVER)]))
    assert use(marked) is Use.LEFTOVER
    plain, _ = look(now, memory([joined()]))
    assert use(plain) is Use.FREE


def test_telemetry_that_is_switched_off_is_forgotten() -> None:
    _, change = look(seen([machine()], [server()]), memory([joined(odd=LEFTOVER)]))
    assert [record.odd for record in change.workers] == [None]


def test_a_leftover_is_neither_free_room_nor_counted_nor_a_victim() -> None:
    now = seen(
        [machine(), machine("w2")],
        [server(), server("w2")],
        queue(shape(idle=4)),
        load=Load(by_worker={"w1": 0.25}, cores={"w1": 1.0}, span_seconds=60.0),
    )
    found, _ = look(now, memory([joined(), joined("w2")]))
    mine = found.groups["g"]
    assert (mine.odd, mine.ready, mine.idle, mine.counted, mine.existing) == (OddCounts(leftover=1), 1, 1, 1, 2)
    assert (mine.demand.placed_jobs, mine.demand.held_workers, mine.demand.unmet_workers) == (4, 1, 0)
    assert [w.keep for w in mine.workers] == ["a leftover process", ""]
    assert found.cores == {"w1": 1.0}
    done = plan(found, targets(g=0), SITE)
    assert [(type(a), a.worker) for a in done.actions] == [(DrainWorker, "w2")]


def test_one_more_is_launched_where_a_leftover_takes_a_place() -> None:
    found, _ = look(seen([machine()], [server()], queue(shape(idle=4)), load=load(1.0)), memory([joined()]))
    assert found.groups["g"].demand.unmet_workers == 1
    done = plan(found, targets(g=1), SITE)
    assert [type(action) for action in done.actions] == [Launch]


def test_who_waits_is_kept_as_busy_and_still_has_room() -> None:
    found, _ = look(seen([claimed()], [server()], queue(shape(idle=1)), load=load(0.0)), memory([joined()]))
    mine = found.groups["g"]
    assert (mine.odd, mine.busy, mine.counted, mine.demand.placed_jobs) == (OddCounts(waiting=1), 1, 1, 1)
    assert plan(found, targets(g=0), SITE).actions == ()


def test_an_operator_may_ignore_a_leftover_but_not_the_next_one() -> None:
    ignored = joined(odd=LEFTOVER, excuse=EXCUSE)
    found = sighted(machine(), load(1.0), ignored)
    assert (found.groups["g"].odd, found.groups["g"].idle) == (OddCounts(), 1)
    assert plan(found, targets(g=0), SITE).actions != ()
    again = joined(odd=replace(LEFTOVER, since=EXCUSE.at + 1), excuse=EXCUSE)
    found = sighted(machine(), load(1.0), again)
    assert (found.groups["g"].odd.leftover, plan(found, targets(g=0), SITE).actions) == (1, ())


def test_an_operators_drain_takes_a_leftover_too() -> None:
    found = sighted(machine(), load(1.0), joined(odd=LEFTOVER, wish=wish()))
    assert [type(action) for action in plan(found, targets(g=0), SITE).actions] == [DrainWorker]


def test_a_black_hole_with_a_leftover_waits() -> None:
    found = sighted(machine(), load(1.0), joined(odd=LEFTOVER, quarantine="bad disk"))
    text = "black hole: bad disk; waits until its leftover process ends"
    refusal = Refusal(group="g", guardrail="leftover", direction="down", workers=1, reason=text, worker="w1")
    done = plan(found, targets(g=0), SITE)
    assert (done.actions, refusal in done.refusals) == ((), True)
    assert found.groups["g"].odd == OddCounts()


def _drained(**changes: object) -> Plan:
    return plan(snapshot(group(worker(Phase.DRAINED, **changes))), targets(g=0), SITE)  # type: ignore[arg-type]


def test_who_is_drained_is_not_deleted_while_something_computes_there() -> None:
    kept = _drained(odd=LEFTOVER)
    assert (kept.actions, [r.guardrail for r in kept.refusals]) == ((), ["leftover"])
    assert [type(a) for a in _drained(odd=LEFTOVER, excuse=EXCUSE).actions] == [Delete]
    assert [type(a) for a in _drained(odd=WAITING).actions] == [Delete]


def told(measured: Load, *, known: Oddity | None, last: float = NOW - 30, ad: Machine | None = None) -> list[Event]:
    remembered = memory([joined(odd=known)], last_now=last)
    _, change = look(seen([ad or machine()], [server()], load=measured), remembered)
    return list(change.events)


def kinds(events: list[Event]) -> list[str]:
    assert all(e.worker == "w1" and e.group == "g" and e.text for e in events)
    return [event.kind for event in events]


def test_a_leftover_is_told_when_it_begins_when_it_lasts_too_long_and_when_it_ends() -> None:
    begun = told(load(0.97), known=None)
    assert kinds(begun) == ["leftover"]
    assert "97% of a core" in begun[0].text
    since = Oddity(use=Use.LEFTOVER, since=NOW - SITE.leftover_seconds)
    assert kinds(told(load(1.0), known=since)) == ["leftover_overdue"]
    assert kinds(told(load(1.0), known=since, last=NOW)) == []
    assert kinds(told(load(0.0), known=since)) == ["leftover_over"]


def test_who_waits_is_told_only_when_that_lasts_too_long() -> None:
    ad = claimed(seconds=9000.0)
    assert kinds(told(load(0.0), known=None, ad=ad)) == []
    since = Oddity(use=Use.WAITING, since=NOW - SITE.stalled_seconds)
    assert kinds(told(load(0.0), known=since, ad=ad)) == ["stalled"]
    long_ago = Oddity(use=Use.WAITING, since=NOW - SITE.stalled_seconds - 60)
    assert kinds(told(load(1.0), known=long_ago, ad=ad)) == ["stalled_over"]
    assert kinds(told(load(1.0), known=WAITING, ad=ad)) == []


@pytest.mark.parametrize(
    ("odd", "since", "expected"),
    [
        (Use.LEFTOVER, 1799.0, OddCounts(leftover=1)),
        (Use.LEFTOVER, 1800.0, OddCounts(leftover=1, overdue=1)),
        (Use.WAITING, 3599.0, OddCounts(waiting=1)),
        (Use.WAITING, 3600.0, OddCounts(waiting=1, stalled=1)),
    ],
)
def test_what_lasts_is_counted_apart(odd: Use, since: float, expected: OddCounts) -> None:
    ad = machine(idle=9000.0) if odd is Use.LEFTOVER else claimed(seconds=9000.0)
    known = joined(age=9000.0, odd=Oddity(use=odd, since=NOW - since))
    assert sighted(ad, load(1.0 if odd is Use.LEFTOVER else 0.0), known).groups["g"].odd == expected


def test_the_ledger_keeps_since_when_and_the_operators_word() -> None:
    """A tick's record does not know of an excuse that came meanwhile."""
    before: Memory = memory([joined(odd=LEFTOVER, excuse=EXCUSE)])
    after = applied(before, MemoryChange(workers=(joined(odd=WAITING),)), {})
    assert after.workers["w1"] == joined(odd=WAITING, excuse=EXCUSE)
    _, change = look(seen([machine()], [server()], load=load(1.0)), before)
    assert change.workers == ()


@pytest.mark.parametrize(
    ("age", "ok", "share"),
    [(20.0, True, 0.25), (600.0, True, 0.25), (601.0, False, None)],
)
def test_load_is_a_source_as_old_as_its_newest_sample(age: float, ok: bool, share: float | None) -> None:  # noqa: FBT001
    found = sighted(machine(), load(1.0, age=age))
    health = found.sources["load"]
    assert (health.ok, health.age_seconds, bool(health.error)) == (ok, age, not ok)
    assert found.groups["g"].load == share


RAISED = Target(3, "hot", on_load=True)
SOURCES = {name: SourceHealth(source=name, ok=True) for name in ("servers", "load")}


@pytest.mark.parametrize(
    ("target", "sources", "left"),
    [
        (RAISED, SOURCES, 2),
        (replace(RAISED, on_load=False), SOURCES, 1),
        (RAISED, {**SOURCES, "servers": SourceHealth(source="servers", ok=False)}, 1),
        (RAISED, {**SOURCES, "load": SourceHealth(source="load", ok=False)}, 1),
        (Target(0, "cold", on_load=True), SOURCES, 1),
    ],
)
def test_while_htcondor_is_blind_load_may_hold_or_raise_and_never_lower(
    target: Target, sources: dict[str, SourceHealth], left: int
) -> None:
    blind = Trust(grow="blind: machines", shrink="blind: machines")
    found = snapshot(group(worker(), load=0.9), trust=blind, sources=sources)
    assert constrain({"g": target}, found, SITE)["g"].workers == left


def test_while_htcondor_is_blind_load_raises_by_one_boot_at_a_time() -> None:
    blind = Trust(grow="blind: machines", shrink="blind: machines")
    found = snapshot(group(worker(), worker(Phase.BOOTING, "w2"), load=0.9), trust=blind, sources=SOURCES)
    assert constrain({"g": RAISED}, found, SITE)["g"].workers == 2


ALARMS = {"g": (Alarm(name="g-high", state=AlarmState.ALARM),), "of no group here": ()}


@pytest.mark.parametrize(
    ("reading", "alarms", "ok"),
    [
        (None, (), None),
        (SourceReading(value=ALARMS), ALARMS["g"], True),
        (SourceReading(value=ALARMS, error="no route", age_seconds=30.0, misses=1), (), False),
    ],
)
def test_a_groups_alarms_are_those_of_now(
    reading: SourceReading[Alarms] | None,
    alarms: tuple[Alarm, ...],
    ok: bool | None,  # noqa: FBT001 - drawn from a table
) -> None:
    found, _ = look(replace(seen(), alarms=reading), memory())
    health = found.sources.get("alarms")
    assert (found.groups["g"].alarms, health.ok if health else None) == (alarms, ok)
