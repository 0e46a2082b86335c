"""A campaign's TOML file: workloads, policies with what their settings may be, seeds; every mistake at once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from elastic.plugins import PluginError
from elastic_simulations.campaigns.configurations import OF_THE_RUN, Configuration, Value, text_of
from elastic_simulations.campaigns.fields import CampaignError, Range, Section
from elastic_simulations.campaigns.figures import problem_with
from elastic_simulations.campaigns.searching import SEARCHES, Family, family, grid, random_search
from elastic_simulations.campaigns.workloads import KINDS, RECIPE, Recipe, TraceFile, Workload
from elastic_simulations.errors import SimulationError
from elastic_simulations.runs.settings import RunSettings, SettingsError, checked

COST, WAIT = "paid_core_h", "wait.mean"
"""What the Pareto front weighs, unless the campaign says otherwise."""

TABLES = ("jsonl", "parquet")
MOST_RUNS = 1_000_000
SHAPE = {"scale_arrivals": 1.0, "scale_runtime": 1.0, "bootstrap_days": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Every configuration on every workload under every seed. `definition` is the file as it was written."""

    name: str
    search: str
    workloads: tuple[Workload, ...]
    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...]
    cost: str
    wait: str
    parquet: bool
    definition: Mapping[str, object]

    @property
    def runs(self) -> int:
        """How many there are."""
        return len(self.workloads) * len(self.configurations) * len(self.seeds)


def read(path: Path) -> Campaign:
    """The campaign in this file; CampaignError with all that is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CampaignError(path, [f"no TOML: {error}"]) from error
    return understood(table, path)


def understood(table: Mapping[str, object], path: Path) -> Campaign:
    """The campaign of this definition; `path` is where it comes from, for messages."""
    problems: list[str] = []
    root = Section(table, "", problems)
    head = root.table("campaign")
    name, seeds = head.text("name", path.stem), _seeds(head)
    search, samples = head.one_of("search", SEARCHES), head.whole("samples", 0)
    draw, parquet = head.whole("seed", 0), head.one_of("table", TABLES) == "parquet"
    cost, wait = _figure(head, "cost", COST), _figure(head, "wait", WAIT)
    head.rest()
    if (search == "random") != (samples > 0):
        head.wrong("samples", "a random search needs how many configurations to draw; a grid has none")
    workloads = [made for section in root.tables("workload") for made in _workloads(section)]
    defaults = _defaults(root.table("run"))
    families = [family(section, ranges=search == "random") for section in root.tables("policy")]
    root.rest()
    for key, found in (("workload", workloads), ("policy", families)):
        if not found and not any(problem.startswith(key) for problem in problems):
            root.wrong(key, f"none given: write [[{key}]]")
    _twice(workloads, problems)
    configurations = [] if problems else _configurations(families, defaults, samples, draw, problems)
    if problems:
        raise CampaignError(path, problems)
    return Campaign(
        name=name,
        search=search,
        workloads=tuple(workloads),
        configurations=tuple(configurations),
        seeds=seeds,
        cost=cost,
        wait=wait,
        parquet=parquet,
        definition=table,
    )


def _seeds(head: Section) -> tuple[int, ...]:
    """`seeds = 5` are the seeds 0 to 4; a list is itself."""
    found = head.choices("seeds", 1)
    seeds = tuple(int(value) for value in found) if isinstance(found, tuple) else ()
    if len(set(seeds)) < len(seeds) or not seeds:
        head.wrong("seeds", "must be a number of seeds, or a list of different ones")
    if not head.is_list("seeds"):
        if seeds and not 0 < seeds[0] <= MOST_RUNS:
            head.wrong("seeds", f"at least one, at most {MOST_RUNS}")
            return ()
        return tuple(range(seeds[0] if seeds else 1))
    return seeds


def _figure(head: Section, key: str, default: str) -> str:
    path = head.text(key, default)
    if problem := problem_with(path):
        head.wrong(key, problem)
    return path


def _defaults(section: Section) -> RunSettings:
    """What holds for every policy unless it says otherwise."""
    values = {field: section.value(key, getattr(RunSettings(), field)) for key, field in OF_THE_RUN.items()}
    warmup = section.any_choices("warmup") if "warmup" in section else (0.0,)
    quanta = section.choices("quanta", 3600) if "quanta" in section else ()
    price = float(section.value("price", 0.0)) if "price" in section else None
    for key in ("warmup", "quanta", "price"):
        section.know(key)
    if isinstance(quanta, Range):
        section.wrong("quanta", "must be a list of seconds")
        quanta = ()
    own = section.table("set")
    sets = {key: own.text_or_number(key) for key in own.keys()}  # noqa: SIM118 - a section is no mapping
    section.rest()
    plain = RunSettings(warmup=_one_warmup(section, warmup), quanta=tuple(map(int, quanta)), price=price, sets=sets)
    settings = replace(plain, **values)  # type: ignore[arg-type]  # each as its default is typed
    try:
        return checked(settings)
    except SettingsError as error:
        section.wrong("", str(error))
        return RunSettings()


def _one_warmup(section: Section, found: object) -> float | str:
    if isinstance(found, tuple) and len(found) == 1:
        return found[0] if isinstance(found[0], str) else float(found[0])
    section.wrong("warmup", "must be seconds or mser5")
    return 0.0


def _workloads(section: Section) -> list[Workload]:
    """Every combination of what is given as a list."""
    before = len(section.problems)
    is_file = "trace" in section
    if is_file == ("generate" in section):
        section.wrong("", "needs either trace = FILE or generate = KIND")
    path, fmt = (section.text("trace"), section.text("format")) if is_file else ("", "")
    kind = "" if is_file else section.one_of("generate", KINDS)
    name = section.text("name", Path(path).name if is_file else kind)
    fields = SHAPE if is_file else {**RECIPE, **SHAPE}
    choices = {key: section.choices(key, default) for key, default in fields.items()}
    section.rest()
    lists = {key: found for key, found in choices.items() if not isinstance(found, Range)}
    for key in choices.keys() - lists.keys():
        section.wrong(key, "must be a value or a list: ranges are for policies")
    if len(section.problems) > before:
        return []
    source = TraceFile(path=path, format=fmt) if is_file else Recipe(kind=kind)
    return [
        _workload(name, source, dict(zip(lists, values, strict=True)), lists) for values in product(*lists.values())
    ]


def _workload(
    name: str, source: TraceFile | Recipe, values: dict[str, Value], lists: Mapping[str, tuple[Value, ...]]
) -> Workload:
    """One of them, named after what there is more than one of."""
    suffix = ",".join(f"{key}={text_of(values[key])}" for key, found in lists.items() if len(found) > 1)
    arrivals, runtime, days = (values.pop(key) for key in SHAPE)
    if isinstance(source, Recipe):
        source = Recipe(kind=source.kind, **values)  # type: ignore[arg-type]  # each as its default is typed
    return Workload(
        name=f"{name}:{suffix}" if suffix else name,
        source=source,
        scale_arrivals=float(arrivals),
        scale_runtime=float(runtime),
        bootstrap_days=int(days) or None,
    )


def _configurations(
    families: list[Family], defaults: RunSettings, samples: int, draw: int, problems: list[str]
) -> list[Configuration]:
    """As the search says, checked; the same one twice is once."""
    if not samples and sum(of.size for of in families) > MOST_RUNS:
        problems.append(f'policy: more than {MOST_RUNS:,} configurations; search = "random" draws some of them')
        return []
    made: dict[str, Configuration] = {}
    for of, point in random_search(families, samples, draw) if samples else grid(families):
        try:
            found = of.configuration(point, defaults)
        except (SettingsError, PluginError) as error:
            problem = f"{of.path}: {error}"
            if problem not in problems:
                problems.append(problem)
            continue
        if found.label in made and not samples:
            problems.append(f"{of.path}: {found.label} is there twice")
        made[found.label] = found
    return list(made.values())


def _twice(workloads: list[Workload], problems: list[str]) -> None:
    names = [workload.name for workload in workloads]
    twice = sorted(name for name in {*names} if names.count(name) > 1)
    problems.extend(f"workload: two are called '{name}'; give each a name of its own" for name in twice)
