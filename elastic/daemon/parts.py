"""The one place where everything is put together: settings in, a world, a ledger and a controller out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from elastic import plugins
from elastic.adapters.ledger import SqlLedger
from elastic.adapters.recorder import FileRecorder, Keep
from elastic.controller import Controller, Rules
from elastic.core.model import GroupSpec
from elastic.core.policy import Policy
from elastic.daemon.token import read, read_or_make
from elastic.executor import Acts, DryExecutor, Executor
from elastic.observer import Observer, Threads
from elastic.plugins import PluginError
from elastic.ports import LedgerError, Watched, World
from elastic.settings import Settings, SettingsError

ASKS_HTCONDOR = ("machines", "queue", "negotiation", "attempts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What lives as long as the daemon does."""

    ledger: SqlLedger
    world: World
    controller: Controller
    acting: Acts
    recorder: FileRecorder

    def in_mode(self) -> Controller:
        """The controller, which acts or only says what it would do, as the ledger says now."""
        self.controller.executor = self.acting if self.ledger.mode == "act" else DryExecutor()
        return self.controller

    def close(self) -> None:
        """Let go of everything; the ledger's lock last."""
        self.world.close()
        self.recorder.close()
        self.ledger.close()


def open_parts(settings: Settings, stopping: Callable[[], bool]) -> Parts:
    """Everything, the ledger locked; raise LedgerError, or SettingsError for a wrong option or policy."""
    rules = rules_of(settings)
    ledger = _open_ledger(settings)
    try:
        world = make_world(settings, ledger.identity)
        if settings.mode is not None and settings.mode != ledger.mode:
            ledger.set_mode(settings.mode)
        return _assembled(settings, rules, ledger, world, stopping)
    except BaseException:
        ledger.close()
        raise


def make_world(settings: Settings, ledger: str) -> World:
    """The world that the settings name."""
    try:
        return plugins.world(settings.cloud.kind)(settings.world_spec(ledger))
    except PluginError as error:
        raise SettingsError([f"cloud.kind: {problem}" for problem in error.problems]) from error
    except ValueError as error:
        raise SettingsError([f"cloud.options: {error}"]) from error


def rules_of(settings: Settings) -> Rules:
    """What decisions follow; a policy whose parameters differ from one group to another goes by two names."""
    made = settings.policies()
    named: dict[str, Policy] = {}
    specs: dict[str, GroupSpec] = {}
    for group, spec in settings.group_specs().items():
        shared = named.setdefault(spec.policy, made[group])
        name = spec.policy if shared == made[group] else f"{spec.policy} ({group})"
        named[name] = made[group]
        specs[group] = replace(spec, policy=name)
    return Rules(specs=specs, site=settings.site_spec(), policies=named)


def token_of(settings: Settings) -> str:
    """The token for writes: the setting, else the token file's, which is made on first use."""
    if settings.api.token is not None:
        return settings.api.token.get_secret_value()
    return read_or_make(settings.token_path)


def alarm_secret_of(settings: Settings) -> str:
    """What alarms must show: the setting, else the file's text; empty where neither is, and no alarm is taken."""
    if settings.api.alarm_secret is not None:
        return settings.api.alarm_secret.get_secret_value()
    file = settings.api.alarm_secret_file
    return "" if file is None else read(settings.folder / file)


def deadlines(settings: Settings) -> Mapping[str, float]:
    """How long each source may take, in real seconds."""
    return dict.fromkeys(ASKS_HTCONDOR, settings.htcondor.query_seconds)


def make_recorder(settings: Settings) -> FileRecorder:
    """Where tick records go."""
    kept = settings.recorder
    keep = Keep(file_mb=kept.file_mb, total_mb=kept.total_mb, days=kept.keep_days)
    return FileRecorder(settings.record_folder, keep)


def _open_ledger(settings: Settings) -> SqlLedger:
    folder = settings.ledger_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"the ledger's folder {folder} cannot be made ({error.strerror}); set `folder`") from error
    return SqlLedger.open(settings.ledger_path, pool=settings.pool)


def _assembled(
    settings: Settings, rules: Rules, ledger: SqlLedger, world: World, stopping: Callable[[], bool]
) -> Parts:
    calls = Threads()
    recorder = make_recorder(settings)
    acting = Executor(batch=world.batch, cloud=world.cloud, ledger=ledger, calls=calls, stopping=stopping)
    observer = Observer(
        batch=world.batch,
        cloud=world.cloud,
        telemetry=world.telemetry,
        clock=world.clock,
        calls=calls,
        deadlines=deadlines(settings),
        monitoring=world.monitoring if isinstance(world, Watched) else None,
    )
    controller = Controller(
        ledger=ledger,
        observer=observer,
        executor=acting,
        clock=world.clock,
        rules=rules,
        recorders=(recorder,),
    )
    return Parts(ledger=ledger, world=world, controller=controller, acting=acting, recorder=recorder)
