"""The named moments of a daemon: before and after each save and each call about a worker; one may be its last."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from elastic.core.memory import Memory, MemoryChange, WorkerRecord

CHANGING = frozenset({"create", "drain", "resume", "fence", "delete", "invalidate"})
LOOKING = frozenset({"inspect", "jobs_on", "lookup"})


@dataclass
class Tape:
    """Writes each moment to `file` as it comes; at the one named `kill_at` the process ends itself by SIGKILL.

    At the first moment named `hold_at` it waits until somebody lets go, so that the world can change under what is done
    next.
    """

    file: Path
    kill_at: str = ""
    hold_at: str = ""
    _lock: Lock = field(default_factory=Lock)

    def clear(self) -> None:
        """Begin it anew, for another process."""
        self.file.write_text("", encoding="utf-8")
        self._go.unlink(missing_ok=True)

    def moment(self, name: str) -> None:
        with self._lock:
            with self.file.open("a", encoding="utf-8") as tape:
                tape.write(f"{name}\n")
            if name == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            held, self.hold_at = name == self.hold_at, "" if name == self.hold_at else self.hold_at
        deadline = time.monotonic() + HOLD_SECONDS
        while held and not self._go.exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def let_go(self) -> None:
        """Let the process that waits at `hold_at` go on."""
        self._go.touch()

    @property
    def _go(self) -> Path:
        return self.file.with_name(f"{self.file.name}.go")


HOLD_SECONDS = 90.0


class Taped:
    """A port whose calls about workers are moments."""

    def __init__(self, port: object, tape: Tape) -> None:
        """Put the calls of this port on this tape."""
        self._port = port
        self._tape = tape

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)
        if name not in CHANGING | LOOKING:
            return method

        def call(*args: object, **named: object) -> object:
            self._tape.moment(f"before {name}")
            answer = method(*args, **named)
            self._tape.moment(f"after {name}")
            return answer

        return call


def taped_save(
    save: Callable[[MemoryChange], None], memory: Callable[[], Memory], tape: Tape
) -> Callable[[MemoryChange], None]:
    """Let `save` of a ledger be two moments for each thing that it writes down."""

    def taped(change: MemoryChange) -> None:
        names = list(dict.fromkeys(saved(change, memory())))
        for name in names:
            tape.moment(f"before the save of {name}")
        save(change)
        for name in names:
            tape.moment(f"after the save of {name}")

    return taped


def saved(change: MemoryChange, before: Memory) -> Iterator[str]:
    """What a save writes down: a tick's sightings, what groups remember, or a step of an action."""
    told = {event.kind for event in change.events if event.worker}
    if change.tick is not None:
        yield "what was seen"
        yield from (f"what was seen ({kind})" for kind in sorted(told))
    elif change.groups:
        yield "what groups remember"
    if change.tick is None:
        yield from (_step(before.workers.get(record.name), record, told) for record in change.workers)
        yield from ("the end of a worker" for _ in change.forgotten)


def _step(before: WorkerRecord | None, after: WorkerRecord, told: set[str]) -> str:
    if before is None:
        return "the intent to launch"
    if before.server_id is None and after.server_id is not None:
        return "the server id"
    if after.delete_asked_at not in (None, before.delete_asked_at):
        return "the intent to delete" if before.delete_asked_at is None else "the intent to delete again"
    if after.fence_asked_at not in (None, before.fence_asked_at):
        return "the intent to fence" if before.fence_asked_at is None else "the intent to fence again"
    if after.drain is not None and after.drain.request_id is None:
        return "the intent to drain"
    if after.drain is not None:
        return "the drain's answer"
    return "the worker put back" if "resumed" in told else "the refused drain"
