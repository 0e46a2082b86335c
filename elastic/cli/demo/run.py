"""The demonstration from the first byte fetched to the last process ended."""

import signal
import sys
import time
from types import FrameType

from rich.console import Console

from elastic.cli.client import Client
from elastic.cli.demo.feed import Feed, Frame
from elastic.cli.demo.simulated import SimulatedStage
from elastic.cli.demo.stages import LocalStage, Stage
from elastic.cli.demo.views import Page, Plain, View
from elastic.cli.errors import Exit
from elastic.local.errors import LocalError
from elastic.local.runtime import STABLE, prepare
from elastic.local.sandbox import require

LOOK_SECONDS = 0.5
SILENT_SECONDS = 30.0


class Stopped(BaseException):
    """Ctrl-C, or SIGTERM: end everything and leave."""


def run_demo(*, seconds: float | None, until_empty: bool, simulated: bool, jobs: int, suite: str | None) -> Exit:
    """Play until told to stop, or as long as asked; the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    console = Console(highlight=False)
    view: View = Page(console) if console.is_terminal else Plain()
    try:
        with view:
            stage = choose(view, jobs=jobs, simulated=simulated, suite=suite)
            return _play(stage, view, jobs=jobs, seconds=seconds, until_empty=until_empty)
    except Stopped:
        return Exit.OK


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: the way out must not be interrupted.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def choose(view: View, *, jobs: int, simulated: bool, suite: str | None) -> Stage:
    """Real daemons, fetched first if need be; the simulated pool if asked for, or where they cannot be had."""
    if simulated:
        return SimulatedStage(jobs)
    try:
        require()
        return LocalStage(prepare(suite or STABLE, progress=view.progress))
    except (LocalError, OSError) as error:
        view.say(f"real HTCondor daemons cannot be had here: {error}")
        view.say("the same daemon runs on a simulated pool and cloud instead")
        return SimulatedStage(jobs)


def _play(stage: Stage, view: View, *, jobs: int, seconds: float | None, until_empty: bool) -> Exit:
    ends_at = time.monotonic() + seconds if seconds else None
    try:
        stage.open(view.say)
        _welcome(stage, view)
        stage.submit(jobs)
        view.say(f"{jobs} jobs are submitted; the pool has no worker")
        return _follow(stage, view, jobs=jobs, ends_at=ends_at, until_empty=until_empty)
    except LocalError as error:
        print(f"elastic: {error}", file=sys.stderr)
        return Exit.FAILED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        view.say("ending every process ...")
        stage.close()
        view.say("nothing is left running")


def _welcome(stage: Stage, view: View) -> None:
    url, config = stage.daemon.url, stage.daemon.settings_file
    view.say(f"interface {url}/v1/status   all of it {url}/docs   metrics {url}/metrics")
    view.say(f"in another terminal: elastic status --watch --config {config}")


def _follow(stage: Stage, view: View, *, jobs: int, ends_at: float | None, until_empty: bool) -> Exit:
    feed = Feed(Client(stage.daemon.url))
    heard = time.monotonic()
    grown = back = False
    seen = 0
    while ends_at is None or time.monotonic() < ends_at:
        frame = feed.look()
        if frame is not None:
            heard = time.monotonic()
            seen = max(seen, _left(frame))
            view.show(frame, jobs - _left(frame) if seen else 0, jobs)
            grown = grown or any(group.existing for group in frame.status.groups)
            if grown and not back and _empty(frame):
                back = True
                view.say("the queue is worked off, and the pool is back at zero workers")
                if until_empty:
                    return Exit.OK
                view.say("it goes on until Ctrl-C")
        elif time.monotonic() - heard > SILENT_SECONDS or stage.daemon.pid is None:
            raise LocalError(f"the daemon has ended or does not answer; the end of its log:\n{stage.daemon.log_tail()}")
        time.sleep(LOOK_SECONDS)
    return Exit.FAILED if until_empty else Exit.OK


def _empty(frame: Frame) -> bool:
    queue = frame.status.queue
    idle = queue is not None and queue.idle_jobs == 0 and queue.running_jobs == 0
    return idle and not any(group.existing for group in frame.status.groups)


def _left(frame: Frame) -> int:
    queue = frame.status.queue
    return queue.idle_jobs + queue.running_jobs if queue else 0
