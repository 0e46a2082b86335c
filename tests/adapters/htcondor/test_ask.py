"""Askers that hang, die or cannot start; and the rest that a daemon is given."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from elastic.adapters.htcondor.ask import APART, Asker, Askers, Rest, SilentError
from elastic.adapters.htcondor.bindings import DENIED
from elastic.adapters.htcondor.settings import HTCondorSettings
from elastic.adapters.htcondor.uptime import Uptime
from elastic.ports import Transient

# Nobody answers here: the port of the discard service is not used, and the kernel says so at once.
SETTINGS = HTCondorSettings(collector="127.0.0.1:9", token_folder=Path("/nonexistent"), ledger="l")


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process(os.getpid()).children() if "elastic.adapters.htcondor.asked" in p.cmdline()]


def test_a_daemon_that_is_not_there_is_a_passing_fault_and_the_asker_goes_on() -> None:
    asker = Asker("collector", SETTINGS.environment())
    try:
        for _ in range(2):
            with pytest.raises(Transient):
                asker.ask("schedds", seconds=20)
        assert len(children()) == 1
    finally:
        asker.close()
    assert children() == []


def test_an_asker_that_hangs_is_replaced() -> None:
    asker = Asker("collector", SETTINGS.environment())
    try:
        with pytest.raises(Transient):
            asker.ask("schedds", seconds=20)
        (process,) = children()
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(SilentError):
            asker.ask("schedds", seconds=0.5)
        assert time.monotonic() - begun < 15
        with pytest.raises(Transient) as told:
            asker.ask("schedds", seconds=20)
        assert not isinstance(told.value, SilentError)
        assert [p.pid for p in children()] != [process.pid]
    finally:
        asker.close()


def test_an_asker_that_dies_is_replaced() -> None:
    asker = Asker("collector", SETTINGS.environment())
    try:
        with pytest.raises(Transient):
            asker.ask("schedds", seconds=20)
        (process,) = children()
        process.kill()
        process.wait(5)
        with pytest.raises(Transient, match="ended"):
            asker.ask("schedds", seconds=20)
        with pytest.raises(Transient) as told:
            asker.ask("schedds", seconds=20)
        assert "ended" not in str(told.value)
    finally:
        asker.close()


def test_an_asker_that_cannot_start_says_what_may_be_missing() -> None:
    asker = Asker("collector", {**SETTINGS.environment(), "PYTHONPATH": "/nonexistent", "PYTHONHOME": "/nonexistent"})
    with pytest.raises(Transient, match="does not start"):
        asker.ask("schedds", seconds=20)
    assert children() == []


def test_one_question_is_answered_at_a_time_by_each_asker_of_several() -> None:
    askers = Askers("startd", SETTINGS.environment(), 2)
    try:
        with pytest.raises(Transient):
            askers.ask("schedds", seconds=20)
        assert len(children()) == 1
    finally:
        askers.close()
    assert children() == []


def test_a_question_apart_leaves_no_process() -> None:
    asker = Asker("startd", SETTINGS.environment(), APART)
    try:
        with pytest.raises(Transient):
            asker.ask("schedds", seconds=20)
        (process,) = children()
        # The answer comes a moment before the child that gave it has ended.
        psutil.wait_procs(process.children(), timeout=5)
        assert process.children() == []
    finally:
        asker.close()


def test_a_daemon_rests_so_many_times_as_long_as_it_took() -> None:
    rest = Rest(20.0)
    assert rest.left() == 0.0
    rest.begin(0.5)
    assert 9.5 < rest.left() <= 10.0


def test_refusals_are_told_from_other_troubles() -> None:
    texts = {
        'SECMAN:2010:Received "DENIED" from server': True,
        "AUTHENTICATE:1003:Failed to authenticate with any method": True,
        "Failed communication with collector.": False,
        "SECMAN:2007:This service is running, but did not respond": False,
    }
    assert {text: DENIED.search(text) is not None for text in texts} == texts


def test_a_daemon_grows_older_between_the_moments_at_which_it_says_so() -> None:
    first = Uptime(started=1000.0, now=1100.0).since(None, 5.0)
    assert first.age == 100.0
    assert Uptime(started=1000.0, now=1100.0).since(first, 12.0).age == 107.0
    assert Uptime(started=1001.0, now=1110.0).since(first, 12.0).age == 110.0


def test_a_daemon_that_was_started_again_is_young() -> None:
    first = Uptime(started=1000.0, now=1100.0).since(None, 5.0)
    assert Uptime(started=1104.0, now=1105.0).since(first, 12.0).age == 1.0


def test_an_asker_of_another_version_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package was replaced under a running daemon: its answers may have another form."""
    monkeypatch.setattr("elastic.adapters.htcondor.ask.READY", "ready 0.0.0")
    asker = Asker("collector", SETTINGS.environment())
    with pytest.raises(Transient, match="another version"):
        asker.ask("schedds", seconds=20)
    assert children() == []
