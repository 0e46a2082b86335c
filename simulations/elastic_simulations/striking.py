"""How each mishap begins in a world, and how it ends."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from elastic.core.observation import ServerStatus
from elastic.core.resources import Resources
from elastic_simulations.datacentre import SimulatedServer
from elastic_simulations.grid import Grid
from elastic_simulations.mishaps import Kind, Mishap
from elastic_simulations.specs import GroupModel, MachineSpec
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, micros

Undo = Callable[[], None]


def schedule(grid: Grid, mishap: Mishap) -> None:
    """Let it happen at its time, or times, and end after its duration."""
    at = mishap.at
    for number in range(mishap.times):
        _once(grid, replace(mishap, at=at))
        if mishap.every is not None:
            at += mishap.every.at(grid.draws.uniform("mishap", f"{mishap.kind.value}/{mishap.at}/{number}"))


def _once(grid: Grid, mishap: Mishap) -> None:
    def begin() -> None:
        undo = BEGIN[mishap.kind](grid, mishap)
        if mishap.seconds > 0:
            grid.timeline.after(micros(mishap.seconds), Rank.CHANGE, undo)

    grid.timeline.at(micros(mishap.at) - grid.timeline.epoch_us, Rank.CHANGE, begin)


def strike(
    grid: Grid, kind: Kind, *, target: str = "*", seconds: float = 0.0, value: float = 0.0, text: str = ""
) -> None:
    """Let it happen now."""
    schedule(grid, Mishap(kind=kind, at=grid.now, seconds=seconds, target=target, value=value, text=text))
    grid.run_for(0)


def _each_startd(act: Callable[[Grid, Startd, Mishap], Undo]) -> Callable[[Grid, Mishap], Undo]:
    def begin(grid: Grid, mishap: Mishap) -> Undo:
        names = {name: startd.worker or name for name, startd in grid.startds.items()}
        undoes = [act(grid, grid.startds[name], mishap) for name in _hit(grid, names, mishap)]
        return lambda: _all(undoes)

    return begin


def _each_server(act: Callable[[Grid, SimulatedServer, Mishap], Undo]) -> Callable[[Grid, Mishap], Undo]:
    def begin(grid: Grid, mishap: Mishap) -> Undo:
        servers = grid.datacentre.servers
        names = {server_id: server.name for server_id, server in servers.items()}
        undoes = [act(grid, servers[server_id], mishap) for server_id in _hit(grid, names, mishap)]
        return lambda: _all(undoes)

    return begin


def _each_group(name: str, change: Callable[[Mishap], GroupModel]) -> Callable[[Grid, Mishap], Undo]:
    """One field of the groups' models becomes what it is in `change`; in the end it is again as it was declared."""

    def begin(grid: Grid, mishap: Mishap) -> Undo:
        groups, declared = grid.datacentre.groups, grid.datacentre.declared
        hit = _hit(grid, {group: group for group in groups}, mishap)
        groups.update({group: _with(groups[group], name, change(mishap)) for group in hit})
        return lambda: groups.update({group: _with(groups[group], name, declared[group]) for group in hit})

    return begin


def _with(model: GroupModel, name: str, source: GroupModel) -> GroupModel:
    return replace(model, **{name: getattr(source, name)})


def _hit(grid: Grid, names: Mapping[str, str], mishap: Mishap) -> list[str]:
    found = sorted((name, key) for key, name in names.items() if fnmatchcase(name, mishap.target))
    if mishap.random:
        draw = f"hit {mishap.kind.value}"
        found.sort(key=lambda one: grid.draws.uniform(draw, f"{mishap.at}/{one[0]}"))
    number = round(len(found) * mishap.share) if mishap.count is None else mishap.count
    return [key for _, key in found[:number]]


def _all(undoes: list[Undo]) -> None:
    for undo in undoes:
        undo()


def _nothing() -> None:
    """What cannot be undone."""


def _restart_startd(grid: Grid, startd: Startd, _: Mishap) -> Undo:
    if startd.running:
        grid.stop_startd(startd)
    return _nothing


def _silence(grid: Grid, startd: Startd, _: Mishap) -> Undo:
    grid.silence(startd)
    return lambda: grid.reconnect(startd)


def _close(_: Grid, startd: Startd, __: Mishap) -> Undo:
    startd.accepts_jobs = False
    startd.touch()

    def undo() -> None:
        startd.accepts_jobs = True
        startd.touch()

    return undo


def _black_hole(_: Grid, startd: Startd, __: Mishap) -> Undo:
    before = startd.spec
    startd.spec = replace(before, black_hole=True)

    def undo() -> None:
        startd.spec = before

    return undo


def _leftover(_: Grid, startd: Startd, mishap: Mishap) -> Undo:
    """A job's process that outlives its job; it keeps this many cpus busy."""
    millicpus = round(1000 * (mishap.value or 1.0))
    startd.use(millicpus)
    return lambda: startd.use(-millicpus)


def _foreign_drain(grid: Grid, startd: Startd, mishap: Mishap) -> Undo:
    if not startd.answers or startd.drain is not None:
        return _nothing
    mine = startd.begin_drain(mishap.text or "defrag", grid.timeline.now_us)

    def undo() -> None:
        if startd.drain is mine:
            startd.cancel_drain()

    return undo


def _expire_token(_: Grid, startd: Startd, __: Mishap) -> Undo:
    startd.token_valid = False

    def undo() -> None:
        startd.token_valid = True

    return undo


def _hide_ad(grid: Grid, startd: Startd, _: Mishap) -> Undo:
    grid.collector.hidden.add(startd.name)
    return lambda: grid.collector.hidden.discard(startd.name)


def _restart_collector(grid: Grid, _: Mishap) -> Undo:
    grid.collector.restart()
    return _nothing


def _stop_collector(grid: Grid, _: Mishap) -> Undo:
    grid.collector.up = False

    def undo() -> None:
        grid.collector.up = True
        grid.collector.restart()
        grid.negotiator.changed()

    return undo


def _stop_negotiator(grid: Grid, _: Mishap) -> Undo:
    grid.negotiator.up = False

    def undo() -> None:
        grid.negotiator.up = True
        grid.negotiator.changed()

    return undo


def _stop_schedd(grid: Grid, mishap: Mishap) -> Undo:
    hit = [grid.schedds[name] for name in _hit(grid, {name: name for name in grid.schedds}, mishap)]
    for schedd in hit:
        schedd.up = False

    def undo() -> None:
        for schedd in hit:
            schedd.up = True
        grid.negotiator.changed()

    return undo


def _server_error(grid: Grid, server: SimulatedServer, mishap: Mishap) -> Undo:
    grid.datacentre.fail(server, mishap.text or "the host has died")
    return _nothing


def _server_stopped(grid: Grid, server: SimulatedServer, mishap: Mishap) -> Undo:
    grid.datacentre.fail(server, mishap.text, ServerStatus.STOPPED)
    return _nothing


def _server_paused(grid: Grid, server: SimulatedServer, _: Mishap) -> Undo:
    """Its startd is silent while it lasts; nothing is lost."""
    before, server.status, server.raw_status = server.status, ServerStatus.OTHER, "PAUSED"
    startd = grid.startd_of(server)
    if startd is not None:
        grid.silence(startd)

    def undo() -> None:
        if server.status is ServerStatus.OTHER:
            server.status, server.raw_status = before, ""
            if startd is not None:
                grid.reconnect(startd)

    return undo


def _server_vanishes(grid: Grid, server: SimulatedServer, _: Mishap) -> Undo:
    grid.datacentre.vanish(server)
    return _nothing


def _unlist(grid: Grid, server: SimulatedServer, _: Mishap) -> Undo:
    grid.datacentre.unlisted.add(server.id)
    return lambda: grid.datacentre.unlisted.discard(server.id)


def _each_stray(act: Callable[[Grid, str, str, Mishap], Undo]) -> Callable[[Grid, Mishap], Undo]:
    """One for each group that is hit, or `count` of them for the first of these."""

    def begin(grid: Grid, mishap: Mishap) -> Undo:
        hit = _hit(grid, {group: group for group in grid.datacentre.groups}, replace(mishap, count=None))
        named = hit if mishap.count is None else hit[:1] * mishap.count
        undoes = [act(grid, group, f"stray-{grid.strays + number}", mishap) for number, group in enumerate(named, 1)]
        grid.strays += len(named)
        return lambda: _all(undoes)

    return begin


def _machine_of(grid: Grid, group: str) -> MachineSpec:
    """As the group's servers are, where there is one."""
    mine = (server.machine for server in grid.datacentre.servers.values() if server.group == group)
    return next(mine, None) or grid.datacentre.groups[group].machine or MachineSpec(total=Resources(1, 1024, 10240, 0))


def _unknown_server(grid: Grid, group: str, name: str, mishap: Mishap) -> Undo:
    """It carries the daemon's own identity, and no record knows it."""
    return _stray_server(grid, group, name, mishap.text or grid.ledger)


def _others_server(grid: Grid, group: str, name: str, mishap: Mishap) -> Undo:
    return _stray_server(grid, group, name, mishap.text or "another-ledger")


def _stray_server(grid: Grid, group: str, name: str, ledger: str) -> Undo:
    machine = _machine_of(grid, group)
    server = grid.datacentre.create(name, group, machine.total, machine, ledger=ledger, worker=name)
    return lambda: grid.datacentre.vanish(server)


def _unknown_machine(grid: Grid, group: str, name: str, _: Mishap) -> Undo:
    """Its startd calls itself a worker; no server of the cloud is known for it."""
    startd = grid.add_machine(f"{name}.{grid.spec.name}", _machine_of(grid, group))
    startd.worker = name
    startd.touch()
    return lambda: grid.switch_off(startd)


def _jump(grid: Grid, mishap: Mishap) -> Undo:
    grid.clock_ahead += mishap.value

    def undo() -> None:
        grid.clock_ahead -= mishap.value

    return undo


def _slow(grid: Grid, mishap: Mishap) -> Undo:
    grid.datacentre.boot_factor = mishap.value

    def undo() -> None:
        grid.datacentre.boot_factor = 1.0

    return undo


def _quota(grid: Grid, mishap: Mishap) -> Undo:
    grid.datacentre.quota = int(mishap.value)

    def undo() -> None:
        grid.datacentre.quota = grid.datacentre.spec.servers

    return undo


BEGIN: Mapping[Kind, Callable[[Grid, Mishap], Undo]] = {
    Kind.STARTD_RESTART: _each_startd(_restart_startd),
    Kind.STARTD_SILENT: _each_startd(_silence),
    Kind.STARTD_CLOSED: _each_startd(_close),
    Kind.BLACK_HOLE: _each_startd(_black_hole),
    Kind.LEFTOVER_PROCESS: _each_startd(_leftover),
    Kind.FOREIGN_DRAIN: _each_startd(_foreign_drain),
    Kind.TOKENS_EXPIRE: _each_startd(_expire_token),
    Kind.ADS_VANISH: _each_startd(_hide_ad),
    Kind.COLLECTOR_RESTART: _restart_collector,
    Kind.COLLECTOR_OUTAGE: _stop_collector,
    Kind.NEGOTIATOR_OUTAGE: _stop_negotiator,
    Kind.SCHEDD_OUTAGE: _stop_schedd,
    Kind.SERVER_ERROR: _each_server(_server_error),
    Kind.SERVER_STOPPED: _each_server(_server_stopped),
    Kind.SERVER_PAUSED: _each_server(_server_paused),
    Kind.SERVER_VANISHES: _each_server(_server_vanishes),
    Kind.SERVERS_UNLISTED: _each_server(_unlist),
    Kind.SERVER_UNKNOWN: _each_stray(_unknown_server),
    Kind.SERVER_OF_OTHERS: _each_stray(_others_server),
    Kind.MACHINE_UNKNOWN: _each_stray(_unknown_machine),
    Kind.CLOCK_JUMP: _jump,
    Kind.BOOTS_FAIL: _each_group("boot_failure", lambda mishap: GroupModel(boot_failure=mishap.value or 1.0)),
    Kind.BOOTS_SLOW: _slow,
    Kind.NEVER_JOIN: _each_group("never_joins", lambda mishap: GroupModel(never_joins=mishap.value or 1.0)),
    Kind.NO_CAPACITY: _each_group("capacity", lambda mishap: GroupModel(capacity=int(mishap.value))),
    Kind.QUOTA: _quota,
}
"""How each mishap begins; what it gives back ends it."""
