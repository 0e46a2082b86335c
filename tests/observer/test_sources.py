from time import monotonic

from elastic.core.observation import Attempt, Load, Machines, Queue, Servers, SourceReading
from elastic.observer import Threads
from elastic.ports import Throttled, Transient
from tests.observer.ports import Hanging, Stand, look, observer, record, threaded

FIRST = Machines(machines=(), collector_age_seconds=1.0)
SECOND = Machines(machines=(), collector_age_seconds=2.0)


def test_every_source_is_asked_once_and_a_fresh_answer_has_no_age() -> None:
    stand = Stand({"machines": FIRST})
    seen = look(observer(stand))
    assert sorted(stand.asked) == ["attempts", "machines", "negotiation", "queue", "quotas", "servers", "sizes"]
    assert seen.machines == SourceReading(value=FIRST)
    assert seen.load is None


def test_load_is_asked_of_the_workers_that_have_joined() -> None:
    seen = look(observer(Stand(), load=True), record(2, joined_at=1.0), record(1, joined_at=1.0), record(3))
    assert seen.load == SourceReading(value=Load(by_worker={"w1": 0.5, "w2": 0.5}))


def test_a_failed_source_keeps_its_newest_value_with_its_age_the_error_and_the_misses_in_a_row() -> None:
    stand = Stand({"machines": FIRST})
    watcher = observer(stand)
    look(watcher)
    stand.says["machines"] = Transient("no route")
    stand.monotonic_seconds += 30
    look(watcher)
    stand.monotonic_seconds += 30
    assert look(watcher).machines == SourceReading(
        value=FIRST, age_seconds=60.0, error="no route", error_type="Transient", misses=2
    )
    stand.says["machines"] = SECOND
    assert look(watcher).machines == SourceReading(value=SECOND)


def test_a_throttled_source_is_left_alone_for_as_long_as_it_asked() -> None:
    stand = Stand({"servers": Throttled("slower, please", 70.0)})
    watcher = observer(stand)
    errors = []
    for _ in range(3):
        seen = look(watcher).servers
        errors.append((seen.error, seen.error_type, seen.misses))
        stand.monotonic_seconds += 30
    assert errors == [
        ("slower, please", "Throttled", 1),
        ("slower, please; asked again in 40 s", "Throttled", 2),
        ("slower, please; asked again in 10 s", "Throttled", 3),
    ]
    assert stand.asked.count("servers") == 1
    assert stand.asked.count("quotas") == 3
    del stand.says["servers"]
    assert look(watcher).servers == SourceReading(value=Servers(servers=()))


def test_a_source_that_wants_to_be_left_alone_for_hours_is_asked_again_after_ten_minutes() -> None:
    stand = Stand({"queue": Throttled("tomorrow", 86_400.0)})
    watcher = observer(stand)
    look(watcher)
    stand.monotonic_seconds += 599
    look(watcher)
    assert stand.asked.count("queue") == 1
    stand.monotonic_seconds += 1
    look(watcher)
    assert stand.asked.count("queue") == 2


def test_a_source_that_never_answered_has_no_value() -> None:
    seen = look(observer(Stand({"queue": Transient("no answer")})))
    assert seen.queue == SourceReading(value=None, error="no answer", error_type="Transient", misses=1)


def test_a_defect_of_an_adapter_is_a_failed_source_too() -> None:
    seen = look(observer(Stand({"quotas": KeyError("cores")})))
    assert (seen.quotas.error_type, seen.quotas.misses) == ("KeyError", 1)


def test_a_hanging_source_holds_the_tick_no_longer_than_its_deadline() -> None:
    hanging = Hanging(Queue(schedds=()))
    begun = monotonic()
    seen = look(threaded(Stand({"queue": hanging, "machines": FIRST})))
    assert monotonic() - begun < 10
    assert (seen.queue.value, seen.queue.error) == (None, "no answer before the deadline")
    assert seen.machines == SourceReading(value=FIRST)
    hanging.let_go()


def test_a_source_that_still_hangs_is_not_asked_again_and_each_tick_is_a_miss() -> None:
    hanging = Hanging(FIRST)
    stand = Stand({"machines": hanging})
    watcher = threaded(stand)
    look(watcher)
    seen = look(watcher)
    assert stand.asked.count("machines") == 1
    assert (seen.machines.error, seen.machines.misses) == ("a call of an earlier tick has not returned", 2)
    hanging.let_go()


def test_a_late_answer_counts_from_when_it_was_asked_for() -> None:
    hanging = Hanging(FIRST)
    stand = Stand({"machines": hanging})
    watcher = threaded(stand)
    look(watcher)
    hanging.let_go()
    stand.monotonic_seconds += 30
    stand.says["machines"] = Transient("down")
    waited = monotonic()
    while (seen := look(watcher)).machines.value is None:
        assert monotonic() - waited < 10
    assert (seen.machines.value, seen.machines.age_seconds) == (FIRST, 30.0)


def test_all_sources_are_waited_for_at_the_same_time() -> None:
    stand = Stand({name: Hanging(None) for name in ("machines", "servers", "queue", "negotiation", "quotas")})
    begun = monotonic()
    look(observer(stand, Threads(), 1.5))
    # One after the other they would take five times as long.
    assert monotonic() - begun < 5 * 1.5


def test_ended_executions_are_told_until_they_are_taken() -> None:
    first = Attempt(machine="m", cluster="1", failed=True)
    second = Attempt(machine="m", cluster="2", failed=True)
    stand = Stand({"attempts": (first,)})
    watcher = observer(stand)
    look(watcher)
    stand.says["attempts"] = (second,)
    seen = look(watcher)
    assert seen.attempts == (first, second)
    stand.says["attempts"] = ()
    watcher.taken(seen.attempts)
    assert look(watcher).attempts == ()
