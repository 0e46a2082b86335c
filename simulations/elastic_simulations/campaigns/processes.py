"""A function over many values on the cores of this machine; a process that dies takes only its own value with it."""

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Generic, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


COLLECTED_AFTER = 100_000
"""New objects before a process looks for garbage: at every 700, as usual, it did so for a fifth of its start."""


def own_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    function: Callable[[T], R], values: Sequence[T], cores: int, died: Callable[[T, str], R]
) -> Iterator[tuple[int, R]]:
    """(place, answer) as they come; begun in order. Function, values and answers must be picklable.

    `died` stands in for the answer where the process died over a value: it is given the value and how it ended.
    """
    if cores == 1 or len(values) <= 1:
        yield from ((place, function(value)) for place, value in enumerate(values))
        return
    todo = iter(enumerate(values))
    busy: dict[Connection, _Worker[T, R]] = {}
    try:
        for task in _first(todo, cores):
            worker = _Worker(function, task)
            busy[worker.pipe] = worker
        while busy:
            for pipe in cast("list[Connection]", wait(list(busy))):
                worker = busy.pop(pipe)
                place, answer = worker.answer(died)
                if (task_or_none := next(todo, None)) is not None:
                    worker = worker.next(function, task_or_none)
                    busy[worker.pipe] = worker
                else:
                    worker.kill()
                yield place, answer
    finally:
        for worker in busy.values():
            worker.kill()


def _first(todo: Iterator[T], count: int) -> list[T]:
    return [task for _, task in zip(range(count), todo, strict=False)]


class _Worker(Generic[T, R]):
    """A process and the value it is at."""

    def __init__(self, function: Callable[[T], R], task: tuple[int, T]) -> None:
        """Start it, working on this."""
        # Not forked: progress bars and libraries have threads, of which a fork keeps nothing but the locks.
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self._process.start()
        theirs.close()
        self._give(task)

    def answer(self, died: Callable[[T, str], R]) -> tuple[int, R]:
        """Of the value it was at, with its place."""
        place, value = self._task
        try:
            return place, cast("R", self.pipe.recv())
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            return place, died(value, f"its process {how}")

    def next(self, function: Callable[[T], R], task: tuple[int, T]) -> "_Worker[T, R]":
        """Who works on this: the same process, or a new one where it died."""
        if not self._process.is_alive():
            self.kill()
            return _Worker(function, task)
        self._give(task)
        return self

    def kill(self) -> None:
        """End it now: what it is at is not wanted any more."""
        self._process.kill()
        self._process.join()
        self.pipe.close()

    def _give(self, task: tuple[int, T]) -> None:
        self._task = task
        with suppress(OSError):  # It died: reading will tell.
            self.pipe.send(task[1])


def _serve(pipe: Connection, function: Callable[[T], R]) -> None:
    """What a process does until its parent is done with it, or dead."""
    # Ctrl-C reaches everybody at the terminal; the parent ends its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(COLLECTED_AFTER)
    while True:
        pipe.send(function(pipe.recv()))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
