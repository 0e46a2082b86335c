"""Second tries that are worth something: what failed, or was shared with a test that failed, is made anew for them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

import pytest

T = TypeVar("T")
FAILED = pytest.StashKey[bool]()
"""Whether this try of a test has failed so far; conftest.py notes it."""


class Shared(Generic[T]):
    """Something costly that tests share until one of them fails: who comes next, its second try too, gets another."""

    def __init__(self, make: Callable[[], AbstractContextManager[T]]) -> None:
        """Make nothing yet."""
        self._make = make
        self._exits = ExitStack()
        self._made: list[T] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    @contextmanager
    def lent(self, test: pytest.Item) -> Iterator[T]:
        """Lend it to one try of a test; it is dropped if that fails, and if the body raises."""
        if not self._made:
            self._made.append(self._exits.enter_context(self._make()))
        try:
            yield self._made[0]
        except BaseException:
            self._drop()
            raise
        if test.stash.get(FAILED, False):
            self._drop()

    def _drop(self) -> None:
        self._made.clear()
        self._exits.close()


@dataclass(slots=True)
class _Story:
    told: Future[object]
    anew: Callable[[], object]
    asked: bool = False


@dataclass(slots=True)
class Beside:
    """Stories told in threads beside the tests; a context manager that waits for all of them.

    Each is for one test. Who asks for it again, which is the second try of that test, is told it anew.
    """

    threads: int
    _stories: dict[str, _Story] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(init=False)

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="beside")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.join()
        self._pool.shutdown()

    def join(self) -> None:
        """Return when all that was begun has ended."""
        wait([story.told for story in self._stories.values()])

    def begin(self, name: str, tell: Callable[[], object], anew: Callable[[], object] | None = None) -> None:
        """Let it be told from now on; `anew` tells it in a world that nothing has happened to."""
        self._stories[name] = _Story(self._pool.submit(tell), anew or tell)

    def result(self, name: str) -> object:
        """What came of it; raise what it raised."""
        story = self._stories[name]
        again, story.asked = story.asked, True
        return story.anew() if again else story.told.result()
