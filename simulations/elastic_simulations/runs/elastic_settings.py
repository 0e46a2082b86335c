"""From the settings of a run to what the elastic engine is given: group, policy and switches, each by its name."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields, replace
from functools import cache

from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.policy import Policy
from elastic.core.resources import ENDLESS, Resources
from elastic.plugins import POLICIES, PluginError, find, made
from elastic_simulations.draws import Constant
from elastic_simulations.estimates import KINDS, NOISE, NOISY
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.runs.settings import AMOUNTS, RunSettings, SettingsError, check, checked

SWITCHES = ("cancels", "at_once", "learns", "metered", "skips_quiet", "on_events")
"""Fields of ElasticSpec that `--set` may turn on (true) and off (false)."""

ESTIMATES = ("estimates", "estimate_noise")
"""Of the run times of jobs: their kind, and how far noisy ones are off (sigma of the logarithm)."""

HOURS = ("schedules", "epoch")
"""Limits at certain hours, and the second of the wall clock at which the trace begins."""

LATEST_EPOCH = 2e10
"""The year 2603: days and weeks can still be told, whatever follows."""

METERED = frozenset({"hybrid", "thesis"})
"""Policies that read the mean CPU load, as it was measured: others may do without, which is faster."""

NOT_SET = frozenset(
    {
        "name",
        "policy",
        "minimum",
        "maximum",
        "shape",
        "reserve",
        "plain_attributes",
        "options",
        "schedules",
        "priority",
        "cost_per_hour",
    }
)
"""Fields of GroupSpec that have options of their own, or no meaning with one group."""


def elastic_spec(settings: RunSettings) -> ElasticSpec:
    """What the elastic engine is given; PluginError for an unknown policy, SettingsError for the rest."""
    checked(settings)
    mine, for_policy = _split(settings)
    group = reference_group(
        policy=settings.policy, minimum=settings.minimum, maximum=settings.maximum, slots=settings.slots
    )
    group = _with_group(group, mine)
    spec = ElasticSpec(
        group=group,
        policy=_policy(settings.policy, for_policy),
        slots=settings.slots,
        site=SiteSpec(tick_seconds=settings.tick),
        boot_seconds=Constant(settings.boot),
        order=settings.order,
        seed=settings.seed,
        metered=settings.policy in METERED,
        shaped=any(name in mine for name in AMOUNTS),
    )
    if "schedules" in mine:
        from elastic_simulations.runs.hours import schedules  # noqa: PLC0415 - imports pydantic

        hours = schedules(mine["schedules"], settings.minimum, settings.maximum)
        spec = replace(spec, group=replace(spec.group, schedules=hours), epoch=_epoch(mine))
    else:
        check("epoch" not in mine, "--set epoch: only schedules go by it")
    spec = replace(spec, estimates=_estimates(mine.get("estimates", "")), estimate_noise=_noise(mine))
    make: Callable[..., ElasticSpec] = replace
    return make(spec, **{name: _switch(name, mine[name]) for name in SWITCHES if name in mine})


def _split(settings: RunSettings) -> tuple[dict[str, str], dict[str, str]]:
    """Settings of the group and the engine, and those of the policy: all names that are no field of a group."""
    known = {*SWITCHES, *AMOUNTS, *ESTIMATES, *HOURS, *_group_fields()}
    mine = {name: value for name, value in settings.sets.items() if name in known}
    return mine, {name: value for name, value in settings.sets.items() if name not in mine}


def _group_fields() -> dict[str, "Field[object]"]:
    return {item.name: item for item in fields(GroupSpec) if item.name not in NOT_SET}


def _with_group(group: GroupSpec, mine: Mapping[str, str]) -> GroupSpec:
    make: Callable[..., GroupSpec] = replace
    for name, text in mine.items():
        if name in SWITCHES or name in ESTIMATES or name in HOURS:
            continue
        if name in AMOUNTS:
            check(text.isdecimal(), f"--set {name}={text}: a whole number, of one worker")
            continue
        known = getattr(group, name)
        try:
            value = int(text) if isinstance(known, int) else float(text)
        except ValueError as error:
            raise SettingsError(f"--set {name}={text}: not a number") from error
        check(0 <= value < float("inf"), f"--set {name}={text}: not below 0, and finite")
        group = make(group, **{name: value})
    return replace(group, shape=_shape(group.shape, mine)) if any(name in mine for name in AMOUNTS) else group


def _shape(cores: Resources, mine: Mapping[str, str]) -> Resources:
    """What is not said of a worker is enough for every job."""
    return cores._replace(**{name: int(mine.get(name, ENDLESS)) for name in AMOUNTS})


def _policy(name: str, given: Mapping[str, str]) -> Policy:
    try:
        return made(_kind(name), name, given)
    except PluginError as error:
        if not given:
            raise
        others = ", ".join(sorted({*_group_fields(), *SWITCHES, *AMOUNTS, *ESTIMATES, *HOURS}))
        raise SettingsError(f"{error}; settings of the group: {others}") from error


@cache
def _kind(policy: str) -> object:
    """Looked up once for all runs of a process: reading what is installed takes as long as a thousand ticks."""
    return find(POLICIES, policy)


def _estimates(text: str) -> str:
    check(text in {"", *KINDS}, f"--set estimates={text}: one of {', '.join(KINDS)}")
    return text


def _noise(mine: Mapping[str, str]) -> float:
    text = mine.get("estimate_noise", str(NOISE))
    try:
        noise = float(text)
    except ValueError as error:
        raise SettingsError(f"--set estimate_noise={text}: not a number") from error
    check(0 <= noise < float("inf"), f"--set estimate_noise={text}: not below 0, and finite")
    check("estimate_noise" not in mine or mine.get("estimates") == NOISY, "--set estimate_noise: for estimates=noisy")
    return noise


def _epoch(mine: Mapping[str, str]) -> float:
    text = mine.get("epoch", "0")
    try:
        epoch = float(text)
    except ValueError as error:
        raise SettingsError(f"--set epoch={text}: not a number") from error
    check(
        0 <= epoch <= LATEST_EPOCH, f"--set epoch={text}: seconds since 1970, not below 0, at most {LATEST_EPOCH:.0f}"
    )
    return epoch


def _switch(name: str, text: str) -> bool:
    check(text in {"true", "false"}, f"--set {name}={text}: true or false")
    return text == "true"
