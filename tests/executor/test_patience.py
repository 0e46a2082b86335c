"""The executor in threads: calls that hang, and what may not be begun meanwhile."""

from threading import Event
from time import monotonic

import pytest

from elastic.executor.patience import Patience, Unanswered
from elastic.observer import Inline, Threads
from elastic.ports import Refused


def test_an_answer_and_an_error_come_through() -> None:
    patience = Patience(Threads(), 5.0, lambda: False)
    assert patience.ask(("w1",), "drain", lambda: 7) == 7
    with pytest.raises(Refused):
        patience.ask(("w1",), "drain", refuse)


def refuse() -> None:
    raise Refused("busy")


def test_a_time_out_inside_a_call_is_the_calls_own_error() -> None:
    def call() -> None:
        raise TimeoutError("socket")

    with pytest.raises(TimeoutError, match="socket"):
        Patience(Threads(), 5.0, lambda: False).ask(("w1",), "drain", call)


def test_while_a_call_hangs_nothing_else_is_begun_about_its_workers_and_everything_about_others() -> None:
    patience, hanging = Patience(Threads(), 0.1, lambda: False), Event()
    with pytest.raises(Unanswered, match="create has not answered in time"):
        patience.ask(("w1", "w2"), "create", lambda: hanging.wait(20))
    assert patience.obstacle("w2") == "an earlier create has not returned"
    with pytest.raises(Unanswered, match="an earlier create has not returned"):
        patience.ask(("w1",), "resume", lambda: pytest.fail("begun"))
    assert patience.ask(("w3",), "drain", lambda: 7) == 7
    hanging.set()
    begun = monotonic()
    while patience.obstacle("w1"):
        assert monotonic() - begun < 10
    assert patience.ask(("w1",), "resume", lambda: 7) == 7


def test_after_a_stop_request_calls_have_a_few_seconds_together_not_their_deadline() -> None:
    stop, hanging = Event(), Event()
    patience = Patience(Threads(), 60.0, stop.is_set, stop_seconds=0.3)
    stop.set()
    assert patience.ask(("w1",), "drain", lambda: 7) == 7
    begun = monotonic()
    with pytest.raises(Unanswered):
        patience.ask(("w1",), "fence", lambda: hanging.wait(20))
    with pytest.raises(Unanswered, match="shutting down: delete not begun"):
        patience.ask(("w2",), "delete", lambda: pytest.fail("begun"))
    assert monotonic() - begun < 15
    hanging.set()


def test_inline_calls_are_over_at_once_and_a_kill_goes_straight_through() -> None:
    class Kill(BaseException):
        pass

    def die() -> None:
        raise Kill

    patience = Patience(Inline(), 5.0, lambda: False)
    assert patience.ask(("w1",), "drain", lambda: 7) == 7
    with pytest.raises(Kill):
        patience.ask(("w1",), "drain", die)
