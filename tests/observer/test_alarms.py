"""Alarms are one source among the others: read once a tick, kept with their age when they fail, absent where unread."""

from typing import cast

from elastic.core.observation import Alarm, Alarms, AlarmState, SourceReading
from elastic.observer import Inline, Observer
from elastic.ports import BatchView, Cloud, Transient
from tests.observer.ports import Stand, look, observer

RAISED: Alarms = {"g": (Alarm(name="g-high", state=AlarmState.ALARM),)}


class Watching(Stand):
    """Ports of a world that is watched."""

    def alarms(self) -> Alarms:
        return self.answer("alarms", RAISED)


def watched(stand: Watching) -> Observer:
    return Observer(
        batch=cast("BatchView", stand),
        cloud=cast("Cloud", stand),
        telemetry=None,
        clock=stand,
        calls=Inline(),
        deadlines={},
        monitoring=stand,
    )


def test_alarms_are_read_once_a_tick() -> None:
    stand = Watching()
    eye = watched(stand)
    assert look(eye).alarms == SourceReading(value=RAISED)
    assert stand.asked.count("alarms") == 1


def test_alarms_that_cannot_be_read_keep_their_last_states_and_their_age() -> None:
    stand = Watching()
    eye = watched(stand)
    look(eye)
    stand.says["alarms"] = Transient("no answer")
    stand.monotonic_seconds += 30
    reading = look(eye).alarms
    assert reading is not None
    assert (reading.value, reading.age_seconds, reading.misses, reading.error) == (RAISED, 30.0, 1, "no answer")


def test_where_nobody_watches_there_are_no_alarms() -> None:
    assert look(observer(Stand())).alarms is None
