"""The daemon as a process that may be told when to die: `elastic run`, its ledger and its ports on a tape."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast
from unittest.mock import patch

from elastic.adapters.ledger import SqlLedger
from elastic.daemon import main as service
from elastic.daemon import parts
from elastic.daemon.places import read_settings
from elastic.ports import World
from elastic.settings import Settings
from tests.lab.moments import Tape, Taped, taped_save
from tests.lab.support import PATIENCE

QUICK: Mapping[str, float] = {"tick_seconds": 0.5, "min_wake_seconds": 0.4}
"""Shorter than settings may be; what a tick takes here is a tenth of it."""
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
# Importing the daemon takes a second of processor time; processes forked from one that has, a hundredth.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.lab.doomed"])


Within = Callable[[Tape], AbstractContextManager[object]]


def nothing_within(_tape: Tape) -> AbstractContextManager[object]:
    """Nothing more than the ports and the ledger is on the tape."""
    return nullcontext()


@dataclass(slots=True)
class Mortal:
    """One life of a daemon with `settings`, a file; its log is added to `log`.

    `within` puts more on the tape, such as the calls inside an adapter; it stands at the top of a module.
    """

    settings: Path
    log: Path
    tape: Tape
    environment: Mapping[str, str]
    within: Within = nothing_within
    _process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        """Begin it."""
        self.tape.clear()
        told = (self.settings, self.log, dict(self.environment))
        tape = (self.tape.file, self.tape.kill_at, self.tape.hold_at, self.within)
        self._process = CONTEXT.Process(target=_live, args=(*told, *tape), daemon=True)
        self._process.start()

    @property
    def moments(self) -> list[str]:
        """The moments so far."""
        return self.tape.file.read_text(encoding="utf-8").splitlines()

    @property
    def ticks(self) -> int:
        """How many ticks it has begun."""
        return self.moments.count("after the save of what was seen")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    def dies(self, seconds: float, or_else: Callable[[], bool] = lambda: False) -> bool:
        """Wait for its end by its own SIGKILL; False if it lives after so many seconds, or when `or_else` says so."""
        deadline = time.monotonic() + PATIENCE * seconds
        while self.alive and time.monotonic() < deadline and not or_else():
            self._process.join(LOOK_SECONDS)
        return self._process.exitcode == -signal.SIGKILL

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.join()

    def stop(self) -> int | None:
        """End it as systemd would; its exit status."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        self._process.kill()
        self._process.join()
        return self._process.exitcode


def _live(
    settings: Path, log: Path, environment: dict[str, str], file: Path, kill_at: str, hold_at: str, within: Within
) -> None:
    """Be the daemon, in a process that was forked for it."""
    for name in [name for name in os.environ if name.startswith("ELASTIC_")]:
        del os.environ[name]  # Meant for the tests, and no setting of a daemon's.
    os.environ.update(environment)
    with log.open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    # The process that it was forked from ends with the tests, also when these are killed.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    tape = Tape(file, kill_at, hold_at)
    make_world, open_ledger = parts.make_world, SqlLedger.open

    def world(settings: Settings, ledger: str) -> World:
        made = make_world(settings, ledger)
        return _TapedWorld(made, tape)  # type: ignore[return-value]  # it is whatever it wraps

    def ledger(path: Path, *, pool: str) -> SqlLedger:
        opened = open_ledger(path, pool=pool)
        setattr(opened, "save", taped_save(opened.save, opened.memory, tape))  # noqa: B010  a method, for mypy
        return opened

    with (
        patch.object(parts, "make_world", world),
        patch.object(SqlLedger, "open", ledger),
        patch.object(service, "read_settings", lambda path: _quick(read_settings(path))),
        within(tape),
    ):
        sys.exit(service.main(settings))


class _TapedWorld:
    """A world whose batch system and cloud are on a tape."""

    def __init__(self, world: World, tape: Tape) -> None:
        self._world = world
        self.batch = Taped(world.batch, tape)
        self.cloud = Taped(world.cloud, tape)

    def __getattr__(self, name: str) -> object:
        return cast("object", getattr(self._world, name))


def _quick(settings: Settings) -> Settings:
    site = settings.site.model_copy(update={"min_wake_seconds": QUICK["min_wake_seconds"]})
    return settings.model_copy(update={"tick_seconds": QUICK["tick_seconds"], "site": site})


def wait_for(mortal: Mortal, moment: str, seconds: float) -> bool:
    """Whether it comes to this moment within so many seconds."""
    deadline = time.monotonic() + PATIENCE * seconds
    while moment not in mortal.moments:
        if time.monotonic() > deadline or not mortal.alive:
            return False
        time.sleep(0.05)
    return True
