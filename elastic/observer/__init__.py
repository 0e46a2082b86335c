"""Ask every port side by side, with deadlines; note each source's age and failures. Nothing is judged here."""

from elastic.observer.calls import Inline, Threads
from elastic.observer.observer import SOURCES, Observer

__all__ = ["SOURCES", "Inline", "Observer", "Threads"]
