"""What no single value shows: names twice, limits the wrong way round, unknown policies and worlds.

Works on what was read, not on checked settings, so that these problems are said together with all others.
"""

from collections.abc import Iterator, Mapping

from elastic import plugins
from elastic.plugins import PluginError
from elastic.settings.groups import GroupSettings
from elastic.settings.model import CloudSettings, PolicySettings

NOT_BELOW = {
    "maximum": "minimum",
    "join_seconds_cap": "join_seconds",
    "boots_cap": "boots_start",
    "breaker_backoff_cap_seconds": "breaker_backoff_seconds",
    "error_backoff_cap_seconds": "error_backoff_seconds",
}
"""A group's upper limit -> what it must not be below."""


def across(values: Mapping[str, object]) -> Iterator[str]:
    """Every problem between values; values that are wrong in themselves are passed over."""
    groups = listed(values, "groups")
    if values.get("groups") == []:
        yield "groups: must not be empty; give one [[groups]] for each kind of worker"
    yield from _twice(groups)
    for number, group in enumerate(groups):
        yield from _order(where(number, group, ""), group)
        yield from _schedules(number, group)
    kind = table(values, "cloud").get("kind", CloudSettings.model_fields["kind"].default)
    yield from _named("cloud.kind", plugins.WORLDS, kind)
    yield from dict.fromkeys(_policies(values, groups))


def listed(values: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """A list of tables; what is none counts as an empty one."""
    found = values.get(name)
    return [each if isinstance(each, dict) else {} for each in found] if isinstance(found, list) else []


def table(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A table; what is none counts as an empty one."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def where(number: int, group: Mapping[str, object], key: str) -> str:
    """A group's setting as an operator finds it: by its place in the file and by the group's name."""
    path = f"groups[{number}]{f'.{key}' if key else ''}"
    return f"{path} (group '{group['name']}')" if group.get("name") else path


def _twice(groups: list[Mapping[str, object]]) -> Iterator[str]:
    names = [group.get("name") for group in groups]
    for number, name in enumerate(names):
        if name and name in names[:number]:
            yield f"groups[{number}].name: '{name}' is groups[{names.index(name)}] already; give it another name"


def _order(path: str, group: Mapping[str, object]) -> Iterator[str]:
    for upper, lower in NOT_BELOW.items():
        high = group.get(upper, GroupSettings.model_fields[upper].default)
        low = group.get(lower, GroupSettings.model_fields[lower].default)
        if isinstance(high, int | float) and isinstance(low, int | float) and high < low:
            yield f"{path}: {upper} {high} is below {lower} {low}"


def _schedules(number: int, group: Mapping[str, object]) -> Iterator[str]:
    """A schedule narrows the limits of its group."""
    rows = listed(group, "schedules")
    names = [row.get("name") for row in rows]
    for place, row in enumerate(rows):
        path = where(number, group, f"schedules[{place}]")
        if names[place] and names[place] in names[:place]:
            yield f"{path}.name: two schedules are called '{names[place]}'; give one another name"
        low, high = row.get("minimum"), row.get("maximum")
        least = group.get("minimum", GroupSettings.model_fields["minimum"].default)
        most = group.get("maximum")
        if isinstance(low, int) and isinstance(most, int) and low > most:
            yield f"{path}: minimum {low} is above the group's maximum {most}, which always holds"
        if isinstance(high, int) and isinstance(least, int) and high < least:
            yield f"{path}: maximum {high} is below the group's minimum {least}, which always holds"


def _named(path: str, group: str, name: object) -> Iterator[str]:
    known = plugins.names(group)
    if isinstance(name, str) and name not in known:
        noun = plugins.NOUNS[group]
        near = plugins.suggestion(name, known)
        yield f"{path}: no {noun} named '{name}'; known: {', '.join(known)}{near}"


def _policies(values: Mapping[str, object], groups: list[Mapping[str, object]]) -> Iterator[str]:
    policy = table(values, "policy")
    parameters = table(policy, "parameters")
    usual = policy.get("name", PolicySettings.model_fields["name"].default)
    known = plugins.names(plugins.POLICIES)
    yield from _named("policy.name", plugins.POLICIES, usual)
    for name in parameters:
        yield from _named(f"policy.parameters.{name}", plugins.POLICIES, name)
    for number, group in enumerate(groups):
        name = str(group.get("policy") or usual)
        if name not in known:
            yield from _named(where(number, group, "policy"), plugins.POLICIES, group.get("policy") or None)
            continue
        own = table(group, "policy_parameters")
        path = where(number, group, "policy_parameters") if own else f"policy.parameters.{name}"
        try:
            plugins.policy(name, {**table(parameters, name), **own})
        except PluginError as error:
            yield from (f"{path}: {problem}" for problem in error.problems)
