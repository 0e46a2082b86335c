"""How many calls go to the cloud side by side: more while they succeed, half as many when it complains."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from elastic.ports import PortError, Throttled, Transient

S = TypeVar("S")
T = TypeVar("T")

START = 4


class Pace:
    """Additive increase, multiplicative decrease (Chiu and Jain, 1989): +1 a good wave, half after a bad one."""

    def __init__(self, most: int, pause_seconds: float = 0.2) -> None:
        """At most `most` at once; after a bad wave a pause of `pause_seconds`, give or take a half, drawn anew."""
        self._most, self._pause = most, pause_seconds
        self._now = min(START, most)
        self._lock = threading.Lock()

    @property
    def width(self) -> int:
        """How many would go side by side now."""
        return self._now

    def each(self, call: Callable[[S], T], items: Sequence[S]) -> list[T | PortError]:
        """What `call` gave or raised for each item, in their order, in waves of the present width."""
        answers: list[T | PortError] = []
        while len(answers) < len(items):
            wave = items[len(answers) : len(answers) + self._now]
            with ThreadPoolExecutor(len(wave), thread_name_prefix="openstack") as threads:
                found = list(threads.map(lambda item: _answer(call, item), wave))
            answers += found
            self._learn(any(isinstance(one, Transient | Throttled) for one in found), more=len(answers) < len(items))
        return answers

    def _learn(self, bad: bool, *, more: bool) -> None:  # noqa: FBT001 - private, called once
        with self._lock:
            self._now = max(1, self._now // 2) if bad else min(self._most, self._now + 1)
        if bad and more:
            time.sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret


def _answer(call: Callable[[S], T], item: S) -> T | PortError:
    try:
        return call(item)
    except PortError as error:
        return error
