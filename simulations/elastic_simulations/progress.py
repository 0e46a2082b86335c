"""Bars for what takes longer than a second: on standard error, only where that is a terminal, and gone when it ends."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TextIO

AFTER_SECONDS = 1.0
"""What is done before then needs no bar; rich is not imported for it."""

EVERY_SECONDS = 0.1

_one = Lock()
"""Held by the bar on the terminal: what is done within it shows none of its own."""

Share = Callable[[], float]
"""How much is done, 0..1; asked from another thread, ten times a second, so that no loop has to tell."""


@contextmanager
def shown(
    what: str, share: Share | None = None, *, stream: TextIO | None = None, after: float | None = None
) -> Iterator[None]:
    """Show a bar while the block runs, if no other one is shown; without `share` it only moves."""
    out = sys.stderr if stream is None else stream
    if not out.isatty() or _is_helper() or not _one.acquire(blocking=False):
        yield
        return
    ended = Event()
    watcher = Thread(
        target=_watch, args=(what, share, out, AFTER_SECONDS if after is None else after, ended), daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        _one.release()


def _is_helper() -> bool:
    """Whether this process works for another one, which shows how far all of them are; nothing is imported to know."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


def _watch(what: str, share: Share | None, out: TextIO, after: float, ended: Event) -> None:
    if ended.wait(after):
        return
    # A tenth of a second, for those who wait longer.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=out), transient=True, refresh_per_second=10) as progress:
        task = progress.add_task(what, total=None if share is None else 1.0)
        while not ended.wait(EVERY_SECONDS):
            if share is not None:
                progress.update(task, completed=min(1.0, max(0.0, share())))
