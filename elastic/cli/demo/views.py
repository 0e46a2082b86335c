"""How a demonstration looks: live in a terminal, plain lines elsewhere."""

from collections import deque
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from elastic.api import schemas
from elastic.cli.demo.feed import Frame
from elastic.core.lifecycle import Phase

PHASE_STYLES = {
    Phase.REQUESTED: "yellow",
    Phase.BOOTING: "yellow",
    Phase.JOINING: "bright_yellow",
    Phase.READY: "green",
    Phase.DRAINING: "magenta",
    Phase.DRAINED: "magenta",
    Phase.FOREIGN_DRAIN: "magenta",
    Phase.LOST: "red",
    Phase.FAILED: "red",
    Phase.DELETING: "dim",
    Phase.GONE: "dim",
}
LINES_SHOWN = 16


class View(Protocol):
    """Where a demonstration is shown; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        """One line that stays."""

    def progress(self, step: str, done: int, total: int) -> None:
        """How far a step is; 0 of 0 where that is not known."""

    def show(self, frame: Frame, done: int, jobs: int) -> None:
        """The newest look; `done` of `jobs` are worked off."""


class Plain:
    """Lines, for logs and pipes: decisions as they come, the counts when they change."""

    def __init__(self) -> None:
        self._counts = ""
        self._step = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def say(self, text: str) -> None:
        print(text, flush=True)

    def progress(self, step: str, done: int, total: int) -> None:
        if step != self._step or (total and done == total):
            self._step = step
            self.say(f"{step} {done}/{total}" if total else f"{step} ...")

    def show(self, frame: Frame, done: int, jobs: int) -> None:
        for line in frame.lines:
            self.say(line)
        queue = frame.status.queue
        waiting = f"{queue.idle_jobs} idle, {queue.running_jobs} running" if queue else "not seen yet"
        counts = f"queue: {waiting}, {done}/{jobs} done; workers: {'; '.join(map(_phases, frame.status.groups))}"
        if counts != self._counts:
            self._counts = counts
            self.say(f"          {counts}")


class Page:
    """One page that changes in place, with the last decisions under it."""

    def __init__(self, console: Console) -> None:
        """Show nothing yet."""
        self._lines: deque[str] = deque(maxlen=LINES_SHOWN)
        self._live = Live(console=console, refresh_per_second=4, vertical_overflow="crop")
        self._bar: tuple[Progress, TaskID, str] | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, step: str, done: int, total: int) -> None:
        if self._bar is None or self._bar[2] != step:
            bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = (bar, bar.add_task(step, total=total or None), step)
        self._bar[0].update(self._bar[1], completed=done, total=total or None)
        self._live.update(self._bar[0], refresh=True)

    def show(self, frame: Frame, done: int, jobs: int) -> None:
        self._lines.extend(frame.lines)
        self._live.update(self._page(frame.status, done, jobs), refresh=True)

    def _page(self, status: schemas.StatusOut, done: int, jobs: int) -> RenderableType:
        groups = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("group", "target", "workers by phase", "busy"):
            groups.add_column(name)
        for group in status.groups:
            target = str(group.target.workers) if group.target else "-"
            groups.add_row(group.name, target, _bars(group), str(group.busy))
        reasons = [
            Text(f"{g.name}: {g.note or (g.target.reason if g.target else '')}", style="dim") for g in status.groups
        ]
        decisions = Text("\n".join(self._lines), no_wrap=True, overflow="ellipsis")
        return Panel(
            Group(_queue(status, done, jobs), Text(), groups, *reasons, Text(), decisions),
            title=f"elastic · pool {status.pool} · tick {status.tick}",
            border_style="green" if status.state == "ok" else "yellow",
        )


def _queue(status: schemas.StatusOut, done: int, jobs: int) -> RenderableType:
    queue = status.queue
    if queue is None:
        return Text("queue: not seen yet")
    line = Text(f"queue  {queue.idle_jobs:>3} idle  {queue.running_jobs:>3} running  {done:>3} of {jobs} done  ")
    line.append("█" * done, style="green")
    line.append("█" * queue.running_jobs, style="yellow")
    line.append("░" * queue.idle_jobs, style="dim")
    return line


def _reason(group: schemas.GroupOut) -> str:
    return group.note or (group.target.reason if group.target else "")


def _bars(group: schemas.GroupOut) -> Text:
    text = Text()
    for phase, number in group.phases.items():
        text.append("■" * number + f" {phase} ", style=PHASE_STYLES[phase])
    return text if group.phases else Text("none", style="dim")


def _phases(group: schemas.GroupOut) -> str:
    return f"{group.name} " + (" ".join(f"{number} {phase}" for phase, number in group.phases.items()) or "none")
