"""When ticks happen: on the real scheduler, with a world whose clock runs a hundred times as fast."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from elastic.api.service import NotNow
from elastic.core.model import Snapshot
from elastic.core.record import Plan, TickRecord
from elastic.daemon.loop import Loop, Pace
from elastic.ports import LedgerError, WorldSpec
from elastic_simulations.world import SimulatedWorld
from tests.daemon_rig import eventually

SPEED = 100.0
PACE = Pace(tick_seconds=60, min_wake_seconds=10)


class Ticks:
    """A loop that only counts: each tick does what `then` says and asks for the next `after` seconds later."""

    def __init__(
        self, folder: Path, *, after: float = 60.0, pace: Pace = PACE, then: Callable[[], None] = lambda: None
    ) -> None:
        self.at: list[float] = []
        self.errors: list[Exception] = []
        self.after, self.then = after, then
        self.world = SimulatedWorld(WorldSpec(pool="p", ledger="l", folder=folder, groups={}, options={"speed": SPEED}))
        self.loop = Loop(
            world=self.world,
            pace=pace,
            tick=self._tick,
            done=lambda _: None,
            failed=self.errors.append,
            housekeeping=lambda _: None,
        )

    def count(self, number: int) -> None:
        """Wait for so many ticks."""
        eventually(lambda: len(self.at) >= number or None, f"{number} ticks; seen: {self.at}", 10)

    def _tick(self, now: float) -> TickRecord:
        self.at.append(now)
        self.then()
        plan = Plan(next_wake=now + self.after, wake_reason="asked")
        return TickRecord(
            tick=len(self.at),
            now=now,
            snapshot=Snapshot(now=now, tick=1, groups={}),
            proposal={},
            targets={},
            plan=plan,
        )


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as ended:
        yield ended


def started(stack: ExitStack, ticks: Ticks) -> Ticks:
    ticks.loop.start()
    stack.callback(ticks.loop.stop, 5)
    return ticks


def distances(ticks: Ticks) -> list[float]:
    return [after - before for before, after in zip(ticks.at, ticks.at[1:], strict=False)]


def test_the_next_tick_is_when_the_plan_asks(tmp_path: Path, stack: ExitStack) -> None:
    ticks = started(stack, Ticks(tmp_path, after=25, pace=Pace(tick_seconds=900, min_wake_seconds=10)))
    ticks.count(4)
    # A real second late on a busy machine is 100 s in that world: one of them at least is before the regular tick.
    assert all(seconds >= 25 for seconds in distances(ticks))
    assert min(distances(ticks)) < 900


def test_regular_ticks_are_spread_by_the_jitter_and_no_others(tmp_path: Path, stack: ExitStack) -> None:
    pace = Pace(tick_seconds=20, min_wake_seconds=10, jitter_seconds=0.5)
    ticks = started(stack, Ticks(tmp_path, after=20, pace=pace))
    ticks.count(5)
    # Jitter is in real seconds: 50 of that world's at most.
    assert all(seconds >= 20 for seconds in distances(ticks))
    assert max(distances(ticks)) - min(distances(ticks)) > 2
    ticks.after = 10
    ticks.count(len(ticks.at) + 8)
    # On a busy machine a tick may come late, by some hundredths of a second: of that world's, some seconds.
    assert min(distances(ticks)[-7:]) < 20


def test_a_plan_that_asks_too_soon_waits_the_least_distance(tmp_path: Path, stack: ExitStack) -> None:
    ticks = started(stack, Ticks(tmp_path, after=0))
    ticks.count(4)
    assert all(seconds >= 10 for seconds in distances(ticks))


def test_a_nudge_brings_the_tick_forward_but_not_closer_than_allowed(tmp_path: Path, stack: ExitStack) -> None:
    ticks = started(stack, Ticks(tmp_path, after=100_000))
    ticks.count(1)
    due = ticks.loop.nudge("an operator")
    assert ticks.loop.wake_reason == "an operator"
    ticks.count(2)
    assert due >= ticks.at[0] + 10
    assert 10 <= distances(ticks)[0] < 50_000


def test_a_nudge_during_a_tick_leads_to_another_soon_after(tmp_path: Path, stack: ExitStack) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(30)

    ticks = started(stack, Ticks(tmp_path, after=100_000, then=hold))
    assert begun.wait(30)
    ticks.loop.nudge("an operator")
    go_on.set()
    ticks.count(2)


def test_a_tick_that_fails_is_told_and_followed_by_the_next_regular_one(tmp_path: Path, stack: ExitStack) -> None:
    def fail() -> None:
        raise LedgerError("no space left")

    ticks = started(stack, Ticks(tmp_path, then=fail))
    ticks.count(3)
    assert {type(error) for error in ticks.errors} == {LedgerError}
    assert all(seconds >= 60 for seconds in distances(ticks))


def test_what_runs_between_ticks_keeps_them_waiting_but_not_for_ever(tmp_path: Path, stack: ExitStack) -> None:
    ticks = started(stack, Ticks(tmp_path, after=10))
    ticks.count(1)
    with ticks.loop.between_ticks(5):
        seen = len(ticks.at)
        time.sleep(0.5)
        assert len(ticks.at) == seen
        with pytest.raises(NotNow, match="ask again"), ticks.loop.between_ticks(0.1):
            pass
    ticks.count(seen + 1)


def test_a_scheduler_that_oversleeps_is_woken(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elastic.daemon.loop.LATE_SECONDS", 0.0)
    ticks = started(stack, Ticks(tmp_path, after=10))
    ticks.count(1)

    def overslept() -> bool | None:
        # As after a wall clock set back: the scheduler believes that there is a lot of time.
        ticks.loop._scheduler.pause_job("tick")  # noqa: SLF001
        time.sleep(0.3)
        return ticks.loop.keep_time() or None

    eventually(overslept, "it never noticed")
    ticks.count(len(ticks.at) + 1)


def test_a_stopped_loop_waits_for_its_tick_and_begins_no_other(tmp_path: Path) -> None:
    ticks = Ticks(tmp_path, after=10, then=lambda: time.sleep(0.5))
    ticks.loop.start()
    ticks.count(1)
    assert ticks.loop.stop(5)
    seen = len(ticks.at)
    time.sleep(0.3)
    assert len(ticks.at) == seen


def forever(until: threading.Event) -> None:
    until.wait(20)


def test_stopping_gives_up_on_a_tick_that_hangs(tmp_path: Path) -> None:
    go_on = threading.Event()
    ticks = Ticks(tmp_path, then=lambda: forever(go_on))
    ticks.loop.start()
    ticks.count(1)
    assert not ticks.loop.stop(0.2)
    go_on.set()
