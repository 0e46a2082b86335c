"""The daemon as a service: from the settings to the exit status; signals, systemd, the watch over the loop."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from elastic.api.service import NotNow
from elastic.daemon.daemon import Daemon
from elastic.daemon.logs import LOGGER, configure
from elastic.daemon.places import read_settings
from elastic.daemon.systemd import Systemd
from elastic.ports import ElasticError
from elastic.settings import Settings, SettingsError

OK, FAILED, WRONG_SETTINGS = 0, 1, 2
# systemd and operators expect an end within ten seconds; the rest of them is for the way out.
STOP_SECONDS = 7.0
LOOK_SECONDS = 0.5
NOT_RELOADED = "settings not reloaded, the old ones stay"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(path: Path | None) -> int:
    """Run until SIGTERM or SIGINT; 0 ended as asked, 1 could not run, 2 wrong settings."""
    # SimpleQueue.put may be called inside a signal handler; Event.set may not.
    told: SimpleQueue[int] = SimpleQueue()
    for number in SIGNALS:
        signal.signal(number, lambda received, _frame: told.put(received))
    try:
        settings = read_settings(path)
        configure(settings.logging.format, settings.logging.level)
        daemon = Daemon(settings)
        daemon.start()
    except (ElasticError, OSError) as error:
        print(f"elastic: {error}", file=sys.stderr)  # noqa: T201  for whoever started it by hand
        return WRONG_SETTINGS if isinstance(error, SettingsError) else FAILED
    systemd = Systemd()
    _serve(daemon, systemd, told, path)
    systemd.stopping()
    return _end(daemon)


def _serve(daemon: Daemon, systemd: Systemd, told: SimpleQueue[int], path: Path | None) -> None:
    changed: Settings | None = None
    while True:
        with suppress(Empty):
            number = told.get(timeout=LOOK_SECONDS)
            if number != signal.SIGHUP:
                LOGGER.info("stopping", signal=signal.Signals(number).name)
                return
            systemd.reloading()
            changed = _reread(path)
        if changed is not None:
            changed = _reload(daemon, changed)
        if changed is None:
            systemd.ready(daemon.summary())
        if daemon.watch():
            systemd.alive()


def _reread(path: Path | None) -> Settings | None:
    """The settings as they are now; None, and said why, when they are wrong."""
    try:
        return read_settings(path)
    except SettingsError as error:
        LOGGER.error(NOT_RELOADED, problem=str(error))
        return None


def _reload(daemon: Daemon, changed: Settings) -> Settings | None:
    """None once they are taken or refused; the settings again while a tick runs, which no reload interrupts."""
    try:
        daemon.reload(changed)
    except NotNow:
        return changed
    except ElasticError as error:
        LOGGER.error(NOT_RELOADED, problem=str(error))
    return None


def _end(daemon: Daemon) -> int:
    finished = daemon.stop(STOP_SECONDS)
    if not finished:
        LOGGER.warning("a call has not answered; its intent is in the ledger, the next start finds out")
    LOGGER.info("stopped")
    sys.stdout.flush()
    sys.stderr.flush()
    others = [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
    if others or not finished:
        # A thread that waits for a hanging daemon would keep the process; everything durable is in the ledger.
        os._exit(OK)
    return OK
