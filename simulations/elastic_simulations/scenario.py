"""A scenario: pool, cloud, worker groups, jobs and what goes wrong, from one TOML file; `simulation` runs it."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from elastic.core.memory import WishKind
from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.override import Override, OverrideKind
from elastic.core.schedules import Schedule
from elastic_simulations.faults import ERRORS, CallFault
from elastic_simulations.full.feeding import feed
from elastic_simulations.grid import EPOCH, Grid
from elastic_simulations.mishaps import Mishap
from elastic_simulations.reading import Reader, ScenarioError
from elastic_simulations.specs import CloudSpec, GroupModel, JobSpec, MachineSpec, PoolSpec
from elastic_simulations.striking import schedule
from elastic_simulations.telemetry import TelemetrySpec
from elastic_simulations.timeline import micros
from elastic_simulations.traces.trace import Trace
from elastic_simulations.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How long the scenario lasts in seconds (0 = until its jobs are done), its seed, its start (since the epoch).

    `on_events`: the controller is woken by the pool, too, not by the clock alone.
    """

    name: str = ""
    seconds: float = 3600.0
    seed: int = 0
    epoch: float = EPOCH
    on_events: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """`count` jobs submitted at `at`, and again `every` so many seconds, `times` in all."""

    at: float = 0.0
    count: int = 1
    every: float = 0.0
    times: int = 1
    schedd: str = ""
    max_idle: int | None = None
    job: JobSpec = JobSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that is not ours, there from the start."""

    name: str
    spec: MachineSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Imposed:
    """An override from `at`, for `seconds`."""

    at: float
    group: str
    kind: OverrideKind
    workers: int | None = None
    seconds: float = 3600.0
    author: str = "operator"
    reason: str = "scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """An operator's wish, from `at`, for the first worker by name that matches a glob."""

    at: float
    worker: str
    kind: WishKind
    author: str = "operator"
    reason: str = "scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """The daemon has ended before `at`; a new one goes on with its ledger and ticks at once, at exactly `at`."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    """The policy of every group that names no other."""

    name: str = "backlog"
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """All times are seconds since the scenario's start."""

    run: Run = Run()
    pool: PoolSpec = PoolSpec()
    cloud: CloudSpec = CloudSpec()
    site: SiteSpec = SiteSpec()
    policy: PolicyChoice = PolicyChoice()
    telemetry: TelemetrySpec = TelemetrySpec()
    workload: Workload | None = None
    groups: Mapping[str, GroupSpec] = field(default_factory=dict)
    models: Mapping[str, GroupModel] = field(default_factory=dict)
    bursts: tuple[Burst, ...] = ()
    machines: tuple[Machine, ...] = ()
    mishaps: tuple[Mishap, ...] = ()
    faults: tuple[CallFault, ...] = ()
    overrides: tuple[Imposed, ...] = ()
    wishes: tuple[Wished, ...] = ()
    restarts: tuple[Restart, ...] = ()

    def build(self, epoch: float | None = None) -> Grid:
        """The world of this scenario at its start, with everything that is going to happen in it."""
        start = self.run.epoch if epoch is None else epoch
        grid = Grid(pool=self.pool, cloud=self.cloud, groups=self.models, seed=self.run.seed, epoch=start)
        for machine in self.machines:
            grid.add_machine(machine.name, machine.spec)
        for burst in self.bursts:
            for number in range(burst.times):
                at = start + burst.at + number * burst.every
                grid.submit_at(at, burst.job, burst.count, schedd=burst.schedd, max_idle=burst.max_idle)
        if self.workload is not None and self.workload_trace is not None:
            trace, begin_us = self.workload_trace, micros(self.workload.at)
            describe = partial(self.workload.job, trace)
            feed(grid, trace, describe, begin_us=begin_us, schedd=self.workload.schedd)
        for mishap in self.mishaps:
            schedule(grid, replace(mishap, at=start + mishap.at))
        for fault in self.faults:
            grid.faults.add(replace(fault, start=start + fault.start, end=start + fault.end))
        return grid

    @cached_property
    def workload_trace(self) -> Trace | None:
        """The jobs of the workload; TraceError says what is wrong with its file."""
        return self.workload.made(self.run.seed) if self.workload is not None else None

    @property
    def expected(self) -> int:
        """How many jobs there will be in all."""
        written = sum(burst.count * burst.times for burst in self.bursts)
        return written + (len(self.workload_trace) if self.workload_trace is not None else 0)

    def imposed(self) -> tuple[Override, ...]:
        """The overrides as the ledger keeps them: put there at the start, in force from their time on."""
        return tuple(self._override(number, one) for number, one in enumerate(self.overrides, 1))

    def _override(self, number: int, imposed: Imposed) -> Override:
        start = self.run.epoch + imposed.at
        return Override(
            id=f"scenario-{number}",
            group=imposed.group,
            kind=imposed.kind,
            workers=imposed.workers,
            author=imposed.author,
            reason=imposed.reason,
            created_at=start,
            expires_at=start + imposed.seconds,
        )


def read_scenario(path: Path) -> Scenario:
    """The scenario in this file; ScenarioError with every mistake, each with its path in the file."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError([str(error)], str(path)) from error
    try:
        scenario = parse(tables)
    except ScenarioError as error:
        raise ScenarioError(error.problems, str(path)) from error
    if scenario.workload is None:
        return scenario
    return replace(scenario, workload=scenario.workload.below(path.parent))


LISTS: Mapping[str, tuple[str, type]] = {
    "machine": ("machines", Machine),
    "mishap": ("mishaps", Mishap),
    "fault": ("faults", CallFault),
    "override": ("overrides", Imposed),
    "wish": ("wishes", Wished),
    "restart": ("restarts", Restart),
}
"""[[table]] in the file -> the field it fills, the kind of its entries."""

TABLES: Mapping[str, type] = {
    "run": Run,
    "pool": PoolSpec,
    "cloud": CloudSpec,
    "site": SiteSpec,
    "policy": PolicyChoice,
    "telemetry": TelemetrySpec,
}
"""[table] in the file, and the kind of the field of that name."""


def parse(tables: Mapping[str, object]) -> Scenario:
    """The scenario in these tables; raise ScenarioError."""
    reader = Reader()
    known = {*LISTS, *TABLES, "group", "jobs", "workload"}
    reader.problems += [f"{name}: unknown; known: {', '.join(sorted(known))}" for name in tables if name not in known]
    parts: dict[str, object] = {name: reader.read(kind, tables.get(name, {}), name) for name, kind in TABLES.items()}
    for name, (target, kind) in LISTS.items():
        rows = _rows(tables, name)
        parts[target] = tuple(reader.read(kind, row, f"{name}[{number}]") for number, row in enumerate(rows))
    parts["bursts"] = tuple(_burst(reader, row, f"jobs[{n}]") for n, row in enumerate(_rows(tables, "jobs")))
    parts["workload"] = _workload(reader, tables)
    parts["groups"], parts["models"] = _groups(reader, _rows(tables, "group"), parts["policy"])
    for number, mishap in enumerate(parts["mishaps"] if isinstance(parts["mishaps"], tuple) else ()):
        if isinstance(mishap, Mishap) and (problem := mishap.problem):
            reader.problems.append(f"mishap[{number}].value: {problem}")
    for fault in parts["faults"] if isinstance(parts["faults"], tuple) else ():
        if isinstance(fault, CallFault) and fault.error not in ERRORS:
            reader.problems.append(f"fault.error: no {fault.error!r}; known: {', '.join(sorted(ERRORS))}")
    if reader.problems:
        raise ScenarioError(reader.problems)
    scenario = Scenario(**parts)  # type: ignore[arg-type]
    if lost := list(_named_in_vain(scenario)):
        raise ScenarioError(lost)
    return scenario


def _named_in_vain(scenario: Scenario) -> Iterator[str]:
    """Groups and schedds that are named and not there."""
    groups, schedds = scenario.groups, scenario.pool.schedds
    for number, imposed in enumerate(scenario.overrides):
        if imposed.group not in groups:
            known = ", ".join(sorted(groups)) or "none"
            yield f"override[{number}].group: no group {imposed.group!r}; known: {known}"
    submitting = [(f"jobs[{number}]", burst.schedd) for number, burst in enumerate(scenario.bursts)]
    submitting += [("workload", scenario.workload.schedd)] if scenario.workload is not None else []
    for path, schedd in submitting:
        if schedd and schedd not in schedds:
            yield f"{path}.schedd: no schedd {schedd!r}; known: {', '.join(schedds)}"


def _rows(tables: Mapping[str, object], name: str) -> list[object]:
    rows = tables.get(name, [])
    return rows if isinstance(rows, list) else [rows]


def _burst(reader: Reader, row: object, path: str) -> Burst | None:
    """A burst's own fields and its job's are written side by side."""
    if not isinstance(row, Mapping):
        return reader.read(Burst, row, path)
    mine = {"at", "count", "every", "times", "schedd", "max_idle"}
    job = reader.read(JobSpec, {name: value for name, value in row.items() if name not in mine}, path)
    return reader.read(Burst, {name: value for name, value in row.items() if name in mine}, path, job=job or JobSpec())


def _workload(reader: Reader, tables: Mapping[str, object]) -> Workload | None:
    if "workload" not in tables:
        return None
    workload = reader.read(Workload, tables["workload"], "workload")
    if workload is not None and workload.problem:
        reader.problems.append(f"workload: {workload.problem}")
    return workload


def _groups(
    reader: Reader, rows: list[object], policy: object
) -> tuple[Mapping[str, GroupSpec], Mapping[str, GroupModel]]:
    """A group's specification, with its model in the table `model` of it."""
    groups: dict[str, GroupSpec] = {}
    models: dict[str, GroupModel] = {}
    for number, row in enumerate(rows):
        path = f"group[{number}]"
        table = row if isinstance(row, Mapping) else {}
        rest = {name: value for name, value in table.items() if name not in {"model", "schedules"}}
        spec = reader.read(GroupSpec, rest, path, schedules=_schedules(reader, table, path))
        model = reader.read(GroupModel, table.get("model", {}), f"{path}.model")
        if spec is not None and model is not None:
            if spec.name in groups:
                reader.problems.append(f"{path}.name: there is a group {spec.name!r} before it")
            if spec.minimum > spec.maximum:
                reader.problems.append(f"{path}: minimum {spec.minimum} is above maximum {spec.maximum}")
            reader.problems += _beyond(spec, path)
            chosen = policy.name if isinstance(policy, PolicyChoice) else ""
            groups[spec.name] = spec if spec.policy else replace(spec, policy=chosen)
            models[spec.name] = model
    return groups, models


def _beyond(spec: GroupSpec, path: str) -> Iterator[str]:
    """Schedules that ask for what the group's own limits never allow."""
    for number, one in enumerate(spec.schedules):
        if (one.minimum or 0) > spec.maximum:
            yield f"{path}.schedules[{number}]: minimum {one.minimum} is above the group's maximum {spec.maximum}"
        if one.maximum is not None and one.maximum < spec.minimum:
            yield f"{path}.schedules[{number}]: maximum {one.maximum} is below the group's minimum {spec.minimum}"


def _schedules(reader: Reader, table: Mapping[object, object], path: str) -> tuple[Schedule, ...]:
    """As in the daemon's settings."""
    if "schedules" not in table:
        return ()
    from elastic.settings import ScheduleError, read_schedule  # noqa: PLC0415 - imports pydantic

    rows, found = table["schedules"], []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        try:
            found.append(read_schedule(row))
        except ScheduleError as error:
            reader.problems += [f"{path}.schedules[{number}].{problem}" for problem in error.problems]
    return tuple(found)
