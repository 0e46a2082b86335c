"""What `elastic check` tries, one finding each, with how to mend what is wrong; nothing is changed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import httpx

from elastic.adapters.ledger import HEAD, Look, look
from elastic.adapters.plain import plainly
from elastic.core.demand import PREFIX
from elastic.core.memory import WorkerRecord
from elastic.core.observation import Machines
from elastic.core.planner import named_by
from elastic.core.schedules import in_force
from elastic.core.templates import configured
from elastic.daemon.parts import make_world, token_of
from elastic.daemon.server import bind
from elastic.ports import ElasticError, Finding, LedgerError, Malformed, PortError, Unauthorized, Unsent, World
from elastic.settings import Settings, SettingsError

Cures = Mapping[type[PortError], str]

CONDOR: Cures = {
    Unauthorized: "check the token folder and what its tokens may do",
    PortError: "check that it runs, its address in the settings, the tokens, and that this machine may reach it",
}
STARTD: Cures = {
    Unsent: "workers must be reached from here at the port of their startd; check firewalls",
    PortError: "its startd must know one of our tokens: see that the token folder has the one made for this worker",
}
CLOUD: Cures = {
    Unauthorized: "check the credentials that [cloud.options] names, and what they may do in the project",
    Malformed: "mend what the text names, in [cloud.options] or in the group's options",
    PortError: "check that the cloud runs, that [cloud.options] says where, and that this machine may reach it",
}


def check_all(settings: Settings) -> Iterator[Finding]:
    """Everything that can be tried, in the order in which a start would need it."""
    yield _tried("token for writes", lambda: f"from {_token_place(settings)}", "mend the file that is named")
    yield _port(settings)
    ledger, identity = _ledger(settings)
    yield ledger
    yield from _schedules(settings)
    try:
        world = make_world(settings, identity)
    except SettingsError as error:
        yield Finding(what="world", ok=False, seen="; ".join(error.problems), mend="mend the section [cloud]")
        return
    with closing(world):
        yield from _sources(world, settings, identity)
        yield from world.check()


def _schedules(settings: Settings) -> Iterator[Finding]:
    """What each group's schedules ask for at this hour: a wrong time zone shows here."""
    for group in settings.groups:
        if group.schedules:
            now = in_force((one.schedule() for one in group.schedules), time.time())
            yield Finding(what=f"schedules of {group.name}", ok=True, seen=now.text or "none is in force now")


def _sources(world: World, settings: Settings, identity: str) -> Iterator[Finding]:
    machines: list[Machines] = []

    def ask_machines() -> str:
        machines.append(world.batch.machines())
        return f"{len(machines[0].machines)} machines in the collector"

    yield asked("collector", CONDOR, ask_machines)
    yield asked("schedds", CONDOR, lambda: _queue(world, settings))
    yield asked("negotiator", CONDOR, lambda: f"{len(world.batch.negotiation().cycles)} cycles known")
    yield asked("servers", CLOUD, lambda: f"{len(world.cloud.servers().servers)} servers carry this pool's tag")
    yield asked("quota", CLOUD, lambda: _quota(world))
    yield startd(world, machines[0] if machines else Machines(machines=()), identity)


def _queue(world: World, settings: Settings) -> str:
    queue = world.batch.queue({f"{PREFIX}{name}": configured(spec) for name, spec in settings.group_specs().items()})
    silent = [f"{s.schedd}: {s.error}" for s in queue.schedds if s.error]
    if silent:
        raise PortError("; ".join(silent))
    if not queue.schedds:
        raise PortError("no schedd is known to the collector; is one running, and may we read?")
    idle = sum(shape.idle + shape.hidden for schedd in queue.schedds for shape in schedd.shapes)
    return f"{len(queue.schedds)} schedds, {idle} idle jobs"


def _quota(world: World) -> str:
    said = {name: quota.workers_left for name, quota in world.cloud.quotas().items()}
    return ", ".join(f"{name}: {'unknown' if left is None else left} left" for name, left in said.items())


def startd(world: World, seen: Machines, identity: str) -> Finding:
    """Ask one worker's startd itself, at the address that its ad gives; those of another daemon need not answer us."""
    what = "a worker's startd"
    ours = [machine for machine in seen.machines if named_by(identity, machine.worker or "")]
    if not ours:
        return Finding(what=what, ok=True, seen="no worker of ours is in the pool now, so none was asked")
    machine = min(ours, key=lambda m: m.name)
    record = WorkerRecord(
        name=machine.worker or machine.name,
        group="",
        requested_at=0.0,
        server_id=machine.server_id,
        machine=machine.name,
        address=machine.address,
        started=machine.started,
    )
    return asked(what, STARTD, lambda: _answer(world, record, machine.name))


def _answer(world: World, record: WorkerRecord, machine: str) -> str:
    answer = world.batch.inspect(record)
    if not answer.answered:
        raise Unsent(f"{machine} is silent: {answer.error}")
    return f"{machine} answers"


def _ledger(settings: Settings) -> tuple[Finding, str]:
    path = settings.ledger_path
    if not path.parent.is_dir():
        mend = "make it, writable for the daemon's user, or set `folder`"
        return Finding(what="ledger", ok=False, seen=f"there is no folder {path.parent}", mend=mend), ""
    if not path.exists():
        return Finding(what="ledger", ok=True, seen=f"none yet; the daemon will make {path}, and only observe"), ""
    try:
        found = look(path, pool=settings.pool)
    except LedgerError as error:
        mend = "see the text; without a ledger the daemon does not start"
        return Finding(what="ledger", ok=False, seen=str(error), mend=mend), ""
    return Finding(what="ledger", ok=True, seen=f"{path}: {_said(found, settings.mode)}"), found.identity


def _said(found: Look, mode: str | None) -> str:
    """What there is to say of a ledger that a daemon would start with."""
    if not found.revision:
        return "empty yet; the daemon will only observe"
    parts = [f"{found.workers} workers known, mode {mode or found.mode}"]
    if found.migrates:
        parts.append(f"schema {found.revision}, which `elastic run` brings to {HEAD} after a backup beside it")
    if found.in_use:
        parts.append(f"in use by {found.in_use}")
    return "; ".join(parts)


def _port(settings: Settings) -> Finding:
    host, port = settings.api.host, settings.api.port
    what = "port of the API"
    try:
        bind(host, port).close()
    except ElasticError as error:
        if _is_elastic(host, port):
            return Finding(what=what, ok=True, seen=f"{host}:{port}: a daemon of elastic answers there")
        return Finding(what=what, ok=False, seen=str(error), mend="stop what listens there, or set api.port")
    return Finding(what=what, ok=True, seen=f"{host}:{port} is free")


def _is_elastic(host: str, port: int) -> bool:
    try:
        answer = httpx.get(f"http://{host}:{port}/openapi.json", timeout=2, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(answer.get("info", {}).get("title") == "elastic")


def _token_place(settings: Settings) -> str:
    if settings.api.token is None and not settings.token_path.exists():
        return f"{settings.token_path}, which the daemon will make"
    token_of(settings)
    return str(settings.token_path) if settings.api.token is None else "the settings"


def asked(what: str, cures: Cures, ask: Callable[[], str]) -> Finding:
    """What a port answered, or in plain words why it did not, with the cure for that kind of error."""
    try:
        return Finding(what=what, ok=True, seen=ask())
    except PortError as error:
        mend = next(text for kind, text in cures.items() if isinstance(error, kind))
        return Finding(what=what, ok=False, seen=plainly(error), mend=mend)
    except Exception as error:  # noqa: BLE001  a fault of an adapter must not hide the findings after it
        return Finding(
            what=what, ok=False, seen=f"{type(error).__name__}: {error}", mend="a fault of elastic: report it"
        )


def _tried(what: str, attempt: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(what=what, ok=True, seen=attempt())
    except (ElasticError, OSError) as error:
        return Finding(what=what, ok=False, seen=str(error), mend=mend)
