"""The daemon as a service: from the settings to the exit status; signals, systemd, the watch over the loop."""

import os
import signal
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

from elastic.daemon.daemon import Daemon
from elastic.daemon.logs import LOGGER, configure
from elastic.daemon.places import read_settings
from elastic.daemon.systemd import Systemd
from elastic.ports import ElasticError
from elastic.settings import SettingsError

OK, FAILED, WRONG_SETTINGS = 0, 1, 2
# systemd and operators expect an end within ten seconds; the rest of them is for the way out.
STOP_SECONDS = 7.0
LOOK_SECONDS = 0.5
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
    systemd.ready(daemon.summary())
    _serve(daemon, systemd, told, path)
    systemd.stopping()
    return _end(daemon)


def _serve(daemon: Daemon, systemd: Systemd, told: SimpleQueue[int], path: Path | None) -> None:
    while True:
        try:
            number = told.get(timeout=LOOK_SECONDS)
        except Empty:
            if daemon.watch():
                systemd.alive()
            continue
        if number != signal.SIGHUP:
            LOGGER.info("stopping", signal=signal.Signals(number).name)
            return
        systemd.reloading()
        _reload(daemon, path)
        systemd.ready(daemon.summary())


def _reload(daemon: Daemon, path: Path | None) -> None:
    try:
        daemon.reload(read_settings(path))
    except ElasticError as error:
        LOGGER.error("settings not reloaded, the old ones stay", problem=str(error))


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
