"""Policies with their settings by a short text: `elastiq:idle_seconds=3600,max=10`, or `static:cores=200`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from elastic.core.model import GroupSpec
from elastic.plugins import POLICIES, find, suggestion
from elastic_simulations.runs.elastic_settings import HOURS, NOT_SET, SWITCHES, elastic_spec
from elastic_simulations.runs.settings import RunSettings, SettingsError, checked

STATIC = "static"
"""The name of a fixed number of cores where policies are named."""

OF_THE_RUN: Mapping[str, str] = {
    "min": "minimum",
    "max": "maximum",
    "slots": "slots",
    "order": "order",
    "boot": "boot",
    "tick": "tick",
    "engine": "engine",
    "dependencies": "dependencies",
}
"""Settings of a run that may differ from policy to policy: what they are called, and the field of RunSettings."""

Value = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Settings with a name."""

    label: str
    settings: RunSettings


def configuration(text: str, defaults: RunSettings) -> Configuration:
    """From the text: settings of the run by the names in OF_THE_RUN, all others go to the policy or its group."""
    name, colon, rest = text.partition(":")
    given: dict[str, Value] = {}
    for part in rest.split(",") if colon else ():
        key, equals, value = part.partition("=")
        if not (equals and key.strip()):
            raise SettingsError(f"{text}: must be NAME or NAME:key=value,key=value")
        given[key.strip()] = value.strip()
    if name == STATIC:
        return static(given, defaults, text)
    run = {key: value for key, value in given.items() if key in OF_THE_RUN}
    sets = {key: value for key, value in given.items() if key not in run}
    return replace(configured(name, run, sets, defaults), label=text)


def configured(
    policy: str, run: Mapping[str, Value], sets: Mapping[str, Value], defaults: RunSettings
) -> Configuration:
    """This policy with these settings over the defaults, checked; SettingsError or PluginError."""
    changes = {OF_THE_RUN[key]: _typed(key, value) for key, value in run.items()}
    texts = {key: text_of(value) for key, value in sets.items()}
    settings = replace(defaults, policy=policy, sets={**defaults.sets, **texts}, **changes)  # type: ignore[arg-type]
    elastic_spec(settings)
    return Configuration(label=label(policy, {**run, **sets}), settings=settings)


def static(given: Mapping[str, Value], defaults: RunSettings, text: str = STATIC) -> Configuration:
    """A fixed number of cores; settings that only policies have are left out."""
    if given.keys() != {"cores"}:
        raise SettingsError(f"{text}: must be {STATIC}:cores=N")
    try:
        cores = int(given["cores"])
    except ValueError as error:
        raise SettingsError(f"{text}: cores must be a whole number") from error
    plain = RunSettings(static=cores, engine=defaults.engine, seed=defaults.seed, warmup=defaults.warmup)
    kept = {"quanta": defaults.quanta, "price": defaults.price, "dependencies": defaults.dependencies}
    settings = replace(plain, **kept)  # type: ignore[arg-type] # each as its field
    return Configuration(label=label(STATIC, given), settings=checked(settings))


def label(name: str, given: Mapping[str, Value]) -> str:
    """The text that `configuration` reads."""
    parts = ",".join(f"{key}={text_of(value)}" for key, value in given.items())
    return f"{name}:{parts}" if parts else name


def text_of(value: Value) -> str:
    """A value as `--set` takes it: true and false in small letters, whole numbers without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def parameters(policy: str) -> tuple[str, ...]:
    """Every name that `--set` takes with this policy, sorted."""
    kind = find(POLICIES, policy)
    own = getattr(kind, "__dataclass_fields__", {})
    group = (item.name for item in fields(GroupSpec) if item.name not in NOT_SET)
    return tuple(sorted({*own, *group, *SWITCHES, *HOURS}))


def unknown(policy: str, key: str) -> str | None:
    """What is wrong with this name of a parameter; None if it is right."""
    known = parameters(policy)
    if key in known:
        return None
    return f"policy '{policy}' has no parameter '{key}'; known: {', '.join(known)}{suggestion(key, known)}"


def _typed(key: str, value: Value) -> Value:
    """As the default of its field is typed."""
    kind = type(getattr(RunSettings(), OF_THE_RUN[key]))
    try:
        return value if isinstance(value, kind) else kind(value)  # type: ignore[no-any-return]
    except ValueError as error:
        raise SettingsError(f"{key}={value}: must be a number{' without a fraction' if kind is int else ''}") from error
