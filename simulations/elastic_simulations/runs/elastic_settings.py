"""From the settings of a run to what the elastic engine is given: group, policy and switches, each by its name."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields, replace

from elastic.core.model import GroupSpec, SiteSpec
from elastic.core.policy import Policy
from elastic.plugins import PluginError
from elastic.plugins import policy as policy_named
from elastic_simulations.draws import Constant
from elastic_simulations.fast.spec import ElasticSpec, reference_group
from elastic_simulations.runs.settings import RunSettings, SettingsError, check, checked

SWITCHES = ("cancels", "at_once", "learns", "skips_quiet", "on_events")
"""Fields of ElasticSpec that `--set` may turn on (true) and off (false)."""

NOT_SET = frozenset(
    {"name", "policy", "minimum", "maximum", "shape", "reserve", "options", "priority", "cost_per_hour"}
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
    return ElasticSpec(
        group=group,
        policy=_policy(settings.policy, for_policy),
        slots=settings.slots,
        site=SiteSpec(tick_seconds=settings.tick),
        boot_seconds=Constant(settings.boot),
        order=settings.order,
        seed=settings.seed,
        **{name: _switch(name, mine[name]) for name in SWITCHES if name in mine},
    )


def _split(settings: RunSettings) -> tuple[dict[str, str], dict[str, str]]:
    """Settings of the group and the engine, and those of the policy: all names that are no field of a group."""
    mine = {name: value for name, value in settings.sets.items() if name in SWITCHES or name in _group_fields()}
    return mine, {name: value for name, value in settings.sets.items() if name not in mine}


def _group_fields() -> dict[str, "Field[object]"]:
    return {item.name: item for item in fields(GroupSpec) if item.name not in NOT_SET}


def _with_group(group: GroupSpec, mine: Mapping[str, str]) -> GroupSpec:
    make: Callable[..., GroupSpec] = replace
    for name, text in mine.items():
        if name in SWITCHES:
            continue
        known = getattr(group, name)
        try:
            value = int(text) if isinstance(known, int) else float(text)
        except ValueError as error:
            raise SettingsError(f"--set {name}={text}: not a number") from error
        check(0 <= value < float("inf"), f"--set {name}={text}: not below 0, and finite")
        group = make(group, **{name: value})
    return group


def _policy(name: str, given: Mapping[str, str]) -> Policy:
    try:
        return policy_named(name, given)
    except PluginError as error:
        if not given:
            raise
        others = ", ".join(sorted({*_group_fields(), *SWITCHES}))
        raise SettingsError(f"{error}; settings of the group: {others}") from error


def _switch(name: str, text: str) -> bool:
    check(text in {"true", "false"}, f"--set {name}={text}: true or false")
    return text == "true"
