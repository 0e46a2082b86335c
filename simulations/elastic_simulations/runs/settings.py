"""What one run is asked to do, as a value that a manifest can hold; what makes no sense is told at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from elastic_simulations.errors import UsageError
from elastic_simulations.fast.orders import DEFAULT, MANY, ORDERS
from elastic_simulations.measures.warmup import MSER5

ENGINES = ("auto", "python", "numba", "full")
AMOUNTS = ("memory_mb", "disk_mb", "gpus")
"""What `--set` may say that a worker has beside its cores; then jobs are asked what they need of it."""

DEPENDENCIES = HONOUR, IGNORE = ("honour", "ignore")
"""Whether a job that the trace names others before waits for their ends and its think time, or comes at its time."""

MICROSECOND = 1e-6
LONGEST = 366 * 86_400.0
"""Seconds; a year: neither a boot nor the time between two decisions is meant to be longer."""

MOST_SLOTS = 10_000
"""Cores of a worker: more than any machine has, and a line for each number of free ones is kept."""


class SettingsError(UsageError):
    """A run cannot be what it was asked to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Everything but the trace that decides a run's result; times in seconds, `static` in cores (None = elastic).

    `warmup` is a time or "mser5". `quanta` are further billing periods, `price` is that of a core-hour in any currency.
    """

    policy: str = "backlog"
    static: int | None = None
    minimum: int = 0
    maximum: int = MANY
    slots: int = 1
    order: str = DEFAULT
    boot: float = 234.0
    tick: float = 60.0
    sets: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    engine: str = "auto"
    warmup: float | str = 0.0
    quanta: tuple[int, ...] = ()
    price: float | None = None
    dependencies: str = HONOUR


def checked(settings: RunSettings) -> RunSettings:
    """The same settings; SettingsError names the first that makes no sense."""
    check(settings.engine in ENGINES, f"no engine '{settings.engine}'; known: {', '.join(ENGINES)}")
    known = ", ".join(DEPENDENCIES)
    check(settings.dependencies in DEPENDENCIES, f"--dependencies {settings.dependencies}: one of {known}")
    check(settings.order in ORDERS, f"no order '{settings.order}'; known: {', '.join(ORDERS)}")
    check(settings.static is None or settings.static > 0, f"--static {settings.static}: at least 1 core")
    if settings.static is not None:
        named = settings.policy if settings.policy != RunSettings().policy else None
        check_static(settings.static, named, settings.sets)
    check(settings.slots > 0, f"--slots {settings.slots}: a worker has at least 1 core")
    check(settings.slots <= MOST_SLOTS, f"--slots {settings.slots}: at most {MOST_SLOTS}")
    check(settings.minimum >= 0, f"--min {settings.minimum}: not below 0")
    check(0 <= settings.maximum <= MANY, f"--max {settings.maximum}: not below 0, at most {MANY}")
    check(settings.minimum <= settings.maximum, f"--min {settings.minimum} is above --max {settings.maximum}")
    check(0 <= settings.boot <= LONGEST, f"--boot {settings.boot:g}: not below 0 s, at most a year")
    check(MICROSECOND <= settings.tick <= LONGEST, f"--tick {settings.tick:g}: above 0 s, at most a year")
    check(
        settings.warmup == MSER5 or (isinstance(settings.warmup, float | int) and 0 <= settings.warmup < float("inf")),
        f"--warmup {settings.warmup}: seconds, not below 0, or {MSER5}",
    )
    for quantum in settings.quanta:
        check(quantum > 0, f"--quantum {quantum}: at least 1 s")
    check(
        settings.price is None or 0 <= settings.price < float("inf"),
        f"--price {settings.price}: not below 0, and finite",
    )
    return settings


OF_WORKERS: Mapping[str, str] = {
    "minimum": "--min",
    "maximum": "--max",
    "slots": "--slots",
    "order": "--order",
    "boot": "--boot",
    "tick": "--tick",
}
"""What is said of workers and decisions, by its option; where cores are always on there are none."""


def lost_options(settings: RunSettings) -> tuple[str, ...]:
    """Options that say something else than their default, and that `--static` has no use for."""
    plain = RunSettings()
    given = {name for name in OF_WORKERS if getattr(settings, name) != getattr(plain, name)}
    lost = tuple(option for name, option in OF_WORKERS.items() if name in given)
    full = ("--engine full",) if settings.engine == "full" else ()
    return () if settings.static is None else lost + full


def check_static(static: int, policy: str | None, sets: Iterable[str]) -> None:
    """Nobody decides about cores that are always on: SettingsError names the policy or setting that would be lost."""
    check(policy is None, f"--static {static} runs no policy: leave out --policy {policy}, or --static")
    lost = ", ".join(sets)
    check(not lost, f"--static {static} has no policy and no group to set {lost} of: leave out --set, or --static")


def check(right: bool, problem: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raise SettingsError unless it is right."""
    if not right:
        raise SettingsError(problem)
