"""The running daemon: its parts, its loop, its interface; started, reloaded, watched and stopped as one."""

import socket
import sys
import threading
import traceback

from elastic import __version__
from elastic.api.app import create_app, create_enrol_app
from elastic.core.record import TickRecord
from elastic.daemon.enrolments import Enrolments
from elastic.daemon.logs import LOGGER, TickLog, configure
from elastic.daemon.loop import Loop, Pace
from elastic.daemon.parts import alarm_secret_of, open_parts, rules_of, token_of
from elastic.daemon.server import Server, bind, check_tls
from elastic.daemon.service import DaemonService, Names, Seen
from elastic.metrics import Metrics
from elastic.ports import ElasticError, Enrols
from elastic.settings import Settings, SettingsError, differences
from elastic.settings.model import ApiSettings

# Every call of a tick has a deadline of its own; a tick that lasts longer than all of them together hangs.
HANGS_SECONDS = 300.0
# Short: signals are waiting meanwhile; who reloads tries again.
RELOAD_WAIT_SECONDS = 0.2


class Daemon:
    """One daemon; making it finds everything that can be wrong at the start, before a tick runs."""

    def __init__(self, settings: Settings) -> None:
        """Bind the port, lock the ledger, build the world; raise ElasticError for what cannot be had."""
        self._settings = settings
        self._stopping = threading.Event()
        self._listeners = _bind(settings.api)
        try:
            self._parts = open_parts(settings, self._stopping.is_set)
            token, alarm_secret = token_of(settings), alarm_secret_of(settings)
        except BaseException:
            for listener in self._listeners:
                listener.close()
            raise
        self._metrics = Metrics(settings.group_specs())
        self._log = TickLog()
        self._seen = Seen()
        self._hanging = ""
        world = self._parts.world
        self._loop = Loop(
            world=world,
            pace=pace_of(settings, world.speed),
            tick=lambda now: self._parts.in_mode().tick(now),
            done=self._done,
            failed=self._failed,
            housekeeping=self._clean,
        )
        enrols = world if isinstance(world, Enrols) else None
        self._enrolments = Enrolments(self._parts.ledger, enrols, world.clock)
        self._servers = self._serving(settings.api, token, alarm_secret)

    def start(self) -> None:
        """Serve, then tick; what is missing is waited for, not died of."""
        for server in self._servers:
            server.start()
        self._enrolments.sweep()
        memory = self._parts.ledger.memory()
        LOGGER.info(
            "started",
            version=__version__,
            pool=memory.pool,
            ledger=memory.ledger,
            world=self._settings.cloud.kind,
            mode=self._parts.ledger.mode,
            groups=list(self._settings.group_specs()),
            api=self.url,
        )
        self._loop.start()

    @property
    def url(self) -> str:
        """Where its interface is."""
        host, port = self._listeners[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def summary(self) -> str:
        """The daemon in one line, for systemd."""
        return f"pool {self._settings.pool}, mode {self._parts.ledger.mode}"

    def reload(self, settings: Settings) -> None:
        """Take changed settings between two ticks; raise NotNow during one, ElasticError where they cannot be taken."""
        found = differences(self._settings, settings)
        if found.restart:
            raise SettingsError([f"{path}: cannot change while the daemon runs; restart it" for path in found.restart])
        rules = rules_of(settings)
        with self._loop.between_ticks(RELOAD_WAIT_SECONDS):
            self._parts.controller.rules = rules
            self._parts.world.reconfigure(rules.specs)
            if settings.mode is not None:
                self._parts.ledger.set_mode(settings.mode)
            self._settings = settings
        self._metrics.know(rules.specs)
        self._loop.repace(pace_of(settings, self._parts.world.speed))
        configure(settings.logging.format, settings.logging.level)
        LOGGER.info("settings reloaded", changed=list(found.at_once))
        self._loop.nudge("settings reloaded")

    def watch(self) -> bool:
        """Look after the loop; return whether it runs. A tick that hangs is said once, with where it hangs."""
        if self._loop.keep_time():
            LOGGER.warning("the scheduler overslept (was the wall clock set back?); ticking now")
        running = self._loop.running_seconds()
        if running is None or running < HANGS_SECONDS:
            self._hanging = ""
        elif not self._hanging:
            self._hanging = f"a tick has been running for more than {HANGS_SECONDS:.0f} s; the log says where it hangs"
            LOGGER.error("a tick hangs", seconds=round(running), stacks=stacks())
        return not self._hanging

    def stop(self, within_seconds: float) -> bool:
        """Begin nothing more, wait for the running tick, let go; return whether that tick ended in time."""
        self._stopping.set()
        ended = self._loop.stop(within_seconds)
        for server in self._servers:
            server.stop()
        if ended:
            self._parts.close()
        return ended

    def _service(self) -> DaemonService:
        return DaemonService(
            ledger=self._parts.ledger,
            world=self._parts.world,
            loop=self._loop,
            seen=self._seen,
            names=lambda: Names(world=self._settings.cloud.kind, groups=tuple(self._settings.group_specs())),
            preview=lambda now: self._parts.in_mode().preview(now),
            unhealthy=lambda: self._hanging,
            enrolments=self._enrolments,
        )

    def _serving(self, api: ApiSettings, token: str, alarm_secret: str) -> list[Server]:
        """The interface; and beside it what workers reach, where it is to be reached by them."""
        service = self._service()
        apps = [
            create_app(service, token=token, metrics=self._metrics, alarm_secret=alarm_secret),
            create_enrol_app(service, self._metrics, alarm_secret),
        ]
        tls = (api.enrol_certificate, api.enrol_key) if api.enrol_certificate and api.enrol_key else None
        return [
            Server(app, listener, only) for app, listener, only in zip(apps, self._listeners, (None, tls), strict=False)
        ]

    def _done(self, record: TickRecord) -> None:
        # In this order: whoever sees a tick in the status finds it counted, whoever reads it in the log finds both.
        self._metrics.observe(record)
        self._enrolments.after(record)
        self._seen.take(record)
        self._log.write(record)

    def _failed(self, error: Exception) -> None:
        self._seen.fail(error)
        self._metrics.tick_failed(type(error).__name__)
        # What we raise on purpose says what to do; anything else is a fault of ours, and the log must say where.
        trace = None if isinstance(error, ElasticError) else error
        LOGGER.error("the tick failed, nothing more was done", problem=str(error), exc_info=trace)

    def _clean(self, now: float) -> None:
        gone = self._parts.ledger.housekeeping(now, keep_days=self._settings.retention.keep_days)
        self._enrolments.sweep()
        LOGGER.info("housekeeping", rows_deleted=gone)


def _bind(api: ApiSettings) -> list[socket.socket]:
    """The socket of the interface, and the one that workers reach, if there is to be one."""
    if api.enrol_certificate and api.enrol_key:
        check_tls(api.enrol_certificate, api.enrol_key)
    listeners = [bind(api.host, api.port)]
    if api.enrol_host:
        try:
            listeners.append(bind(api.enrol_host, api.enrol_port))
        except ElasticError:
            listeners[0].close()
            raise
    return listeners


def pace_of(settings: Settings, speed: float) -> Pace:
    """How often to tick; a scenario's clock knows no jitter."""
    return Pace(
        tick_seconds=settings.tick_seconds,
        min_wake_seconds=settings.site.min_wake_seconds,
        jitter_seconds=settings.tick_jitter_seconds if speed == 1.0 else 0.0,
        housekeeping_seconds=settings.retention.housekeeping_seconds,
    )


def stacks() -> list[str]:
    """Where every thread is now."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return [
        f"{names.get(ident, '?')}: {''.join(traceback.format_stack(frame)[-6:])}"
        for ident, frame in sys._current_frames().items()  # noqa: SLF001  documented for exactly this
    ]
