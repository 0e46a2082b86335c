"""Lanes that live side by side through every piece of life, killed once at each named moment."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from tests.lab.lives import Lane
from tests.lab.pieces import GROW, GROWING, RETURNING, SHRINK, SHRINKING, Kind

ATTEMPTS = 3
LaneT = TypeVar("LaneT", bound=Lane)


def side_by_side(made: Sequence[LaneT], live: Callable[[LaneT], None]) -> None:
    """Let each lane live; the first error of any is raised once all have ended."""
    with ThreadPoolExecutor(len(made)) as threads:
        futures = [threads.submit(live, lane) for lane in made]
    errors = [error for future in futures if isinstance(error := future.exception(), Exception)]
    if errors:
        raise ExceptionGroup("lanes", errors)


class Course:
    """Every kind of life once undisturbed, and then once more for each named moment that is new in it."""

    def __init__(self) -> None:
        """Know no moment yet."""
        self.done: dict[str, str] = {}
        self.missed: dict[str, int] = {}
        self.failed = False
        self._known: set[str] = set()
        every: tuple[Sequence[Kind], ...] = (GROWING, RETURNING, SHRINKING)
        self._work = {tuple(kinds): deque((kind, "") for kind in kinds) for kinds in every}
        self._lock = Lock()

    def live(self, lane: Lane) -> None:
        """Grow, return, shrink, and again, until nothing is left to do."""
        while any(self._work.values()) and not self.failed:
            self._one(lane, GROWING, GROW)
            self._one(lane, RETURNING, None)
            self._one(lane, SHRINKING, SHRINK)

    def _one(self, lane: Lane, kinds: tuple[Kind, ...], otherwise: Kind | None) -> None:
        with self._lock:
            kind, moment = self._work[kinds].popleft() if self._work[kinds] else (otherwise, "")
        if kind is None:
            return
        try:
            played = lane.play(kind, moment)
        except BaseException as error:
            self.failed = True
            error.add_note(f"{kind.name}, killed {moment or 'at no moment'}")
            raise
        with self._lock:
            if moment and played.died:
                self.done[moment] = kind.name
            elif moment:
                self.missed[moment] = self.missed.get(moment, 0) + 1
                if self.missed[moment] < ATTEMPTS:
                    self._work[kinds].append((kind, moment))
            for name in dict.fromkeys(played.afterwards if not moment else ()):
                # A drain may be refused by chance; where the test sees to it, that happens each time.
                if name not in self._known and (kind.hold or "the refused drain" not in name):
                    self._known.add(name)
                    self._work[kinds].append((kind, name))
