"""When ticks happen: at the next wake that the last plan named, or sooner when asked; never two at once."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from elastic.api.service import NotNow
from elastic.core.record import TickRecord
from elastic.ports import World

TICK = "tick"
HOUSEKEEPING = "housekeeping"
# A wall clock set back would let the scheduler sleep on; the main thread then wakes it this late at most.
LATE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often; seconds of the world's clock. `jitter` keeps daemons of one site from asking all at once."""

    tick_seconds: float
    min_wake_seconds: float
    jitter_seconds: float = 0.0
    housekeeping_seconds: float = 3600.0


class Loop:
    """Drives `tick(now)` on a scheduler; `now` is read once per tick, here and nowhere else.

    `done` gets every record, `failed` every error that came instead of one; both on the scheduler's thread.
    """

    def __init__(
        self,
        *,
        world: World,
        pace: Pace,
        tick: Callable[[float], TickRecord],
        done: Callable[[TickRecord], None],
        failed: Callable[[Exception], None],
        housekeeping: Callable[[float], None],
    ) -> None:
        self.pace = pace
        self.next_wake = world.clock.now()
        self.wake_reason = "the daemon started"
        self.running_since: float | None = None
        self._world = world
        self._tick = tick
        self._done = done
        self._failed = failed
        self._housekeeping = housekeeping
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._last_now = float("-inf")
        self._started = monotonic()
        self._due = monotonic()
        self._nudged = False
        self._stopped = False
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1), HOUSEKEEPING: ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin with a tick at once."""
        usual = IntervalTrigger(seconds=self._real(self.pace.tick_seconds))
        self._scheduler.add_job(self._run, usual, id=TICK, next_run_time=datetime.now(UTC))
        clean = IntervalTrigger(seconds=self._real(self.pace.housekeeping_seconds), jitter=60)
        self._scheduler.add_job(self._clean, clean, id=HOUSEKEEPING, executor=HOUSEKEEPING)
        self._scheduler.start()

    def stop(self, within_seconds: float) -> bool:
        """Begin no further tick; return whether the running one (if any) ended in time."""
        self._stopped = True
        self._scheduler.shutdown(wait=False)
        ended = self._lock.acquire(timeout=within_seconds)
        if ended:
            self._lock.release()
        return ended

    def nudge(self, reason: str) -> float:
        """Bring the next tick forward, to the least distance from the last; return when it is due."""
        with self._moving:
            soon = max(self._world.clock.now(), self._last_now + self.pace.min_wake_seconds)
            if self.running_since is not None:
                self._nudged = True
                self.wake_reason = reason
            elif soon < self.next_wake:
                self._move(soon, reason)
            return min(soon, self.next_wake)

    @contextmanager
    def between_ticks(self, timeout_seconds: float) -> Iterator[float]:
        """Run the body while no tick runs, with the clock's time; raise NotNow when none ends in time."""
        if not self._lock.acquire(timeout=timeout_seconds):
            raise NotNow("a tick has been running for long; ask again in a few seconds")
        try:
            yield self._world.clock.now()
        finally:
            self._lock.release()

    def running_seconds(self) -> float | None:
        """How long the running tick has been running, in real seconds; None between ticks."""
        since = self.running_since
        return None if since is None else monotonic() - since

    def keep_time(self) -> bool:
        """Begin a tick that should have begun by now (the wall clock was set back); return whether."""
        late = self.running_since is None and monotonic() > self._due + LATE_SECONDS
        if late and not self._stopped:
            self._scheduler.modify_job(TICK, next_run_time=datetime.now(UTC))
            self._due = monotonic()
        return late

    def repace(self, pace: Pace) -> None:
        """Take a changed pace from the next tick on."""
        self.pace = pace
        usual = IntervalTrigger(seconds=self._real(pace.tick_seconds))
        self._scheduler.modify_job(TICK, trigger=usual)

    def _run(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._started = self.running_since = monotonic()
            self._nudged = False
            self._world.arrive(self.next_wake)
            now = self._last_now = self._world.clock.now()
            wake, reason = now + self.pace.tick_seconds, "the last tick failed"
            try:
                record = self._tick(now)
                wake, reason = record.plan.next_wake, record.plan.wake_reason
                self._done(record)
            except Exception as error:  # noqa: BLE001  whatever happens, there is a next tick
                self._failed(error)
            finally:
                self._after(now, wake, reason)

    def _after(self, now: float, wake: float, reason: str) -> None:
        with self._moving:
            self.running_since = None
            soonest = now + self.pace.min_wake_seconds
            if self._nudged:
                wake, reason = soonest, self.wake_reason
            wake = max(wake, soonest)
            # A regular tick may as well be a little later; what somebody waits for (validation, an operator) may not.
            regular = wake - now >= self.pace.tick_seconds
            self._move(wake, reason, random.uniform(0.0, self.pace.jitter_seconds) if regular else 0.0)  # noqa: S311

    def _move(self, when: float, reason: str, jitter_seconds: float = 0.0) -> None:
        """Let the next tick be at `when` on the world's clock, counted from the last tick's now, or a little later."""
        waiting = self._real(when - self._last_now) if self._last_now > float("-inf") else 0.0
        self._due = self._started + waiting + jitter_seconds
        self.next_wake, self.wake_reason = when, reason
        left = max(0.0, self._due - monotonic())
        with suppress(JobLookupError):  # the scheduler was shut down meanwhile
            self._scheduler.modify_job(TICK, next_run_time=datetime.now(UTC) + timedelta(seconds=left))

    def _clean(self) -> None:
        try:
            self._housekeeping(self._world.clock.now())
        except Exception as error:  # noqa: BLE001  the next time may go better
            self._failed(error)

    def _real(self, seconds: float) -> float:
        return max(0.001, seconds / self._world.speed)
