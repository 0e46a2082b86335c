"""Which configurations a campaign tries: every combination of what is given, or so many drawn from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from random import Random

from elastic.plugins import POLICIES, PluginError, find
from elastic_simulations.campaigns.configurations import (
    OF_THE_RUN,
    STATIC,
    Configuration,
    Value,
    configured,
    static,
    unknown,
)
from elastic_simulations.campaigns.fields import Choice, Range, Section
from elastic_simulations.runs.settings import RunSettings

SEARCHES = ("grid", "random")

Point = Mapping[str, Value]
"""A value for each key of a family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One [[policy]] of a campaign: its name and what each of its settings may be. `path` is where it stands."""

    path: str
    policy: str
    run: Mapping[str, Choice]
    sets: Mapping[str, Choice]

    @property
    def choices(self) -> Mapping[str, Choice]:
        """All of them, those of the run by their keys, those of the policy after `set.`."""
        return {**self.run, **{f"set.{key}": choice for key, choice in self.sets.items()}}

    @property
    def size(self) -> int:
        """How many combinations there are, ranges not counted."""
        return prod(len(choice) for choice in self.choices.values() if not isinstance(choice, Range))

    def configuration(self, point: Point, defaults: RunSettings) -> Configuration:
        """The settings at this point; SettingsError or PluginError when they make no sense together."""
        run = {key: point[key] for key in self.run}
        if self.policy == STATIC:
            return static(run, defaults)
        return configured(self.policy, run, {key: point[f"set.{key}"] for key in self.sets}, defaults)


def family(section: Section, *, ranges: bool) -> Family:
    """From its table; what is wrong is noted there."""
    if "static" in section:
        found = Family(path=section.path, policy=STATIC, run={"cores": section.choices("static", 1)}, sets={})
        section.rest()
    else:
        found = _named(section)
    for key, choice in found.choices.items():
        if isinstance(choice, Range) and not ranges:
            section.wrong(key, 'a grid has no ranges; give a list, or search = "random"')
    return found


def grid(families: Sequence[Family]) -> Iterator[tuple[Family, Point]]:
    """Every combination, in the order in which it is written."""
    for of in families:
        lists = {key: choice for key, choice in of.choices.items() if not isinstance(choice, Range)}
        for values in product(*lists.values()):
            yield of, dict(zip(lists, values, strict=True))


def random_search(families: Sequence[Family], samples: int, seed: int) -> Iterator[tuple[Family, Point]]:
    """So many draws: a family, then a value for each of its keys, all equally likely."""
    random = Random(f"{seed}/search")  # noqa: S311 - no secret
    for _ in range(samples):
        of = families[random.randrange(len(families))]
        yield of, {key: _drawn(choice, random) for key, choice in of.choices.items()}


def _drawn(choice: Choice, random: Random) -> Value:
    return choice.drawn(random) if isinstance(choice, Range) else choice[random.randrange(len(choice))]


def _named(section: Section) -> Family:
    policy = section.text("name")
    if "name" not in section:
        section.wrong("name", "missing: the policy's name, or static = cores")
    plain = RunSettings()
    defaults: Mapping[str, Value] = {key: getattr(plain, field) for key, field in OF_THE_RUN.items()}
    run = {key: section.choices(key, default) for key, default in defaults.items() if key in section}
    for key in defaults.keys() - run.keys():
        section.know(key)
    own = section.table("set")
    sets = {key: own.any_choices(key) for key in own.keys()}  # noqa: SIM118 - a section is no mapping
    section.know("static")
    section.rest()
    if "name" in section and _is_known(policy, section):
        for key in sets:
            if problem := unknown(policy, key):
                own.wrong(key, problem)
    return Family(path=section.path, policy=policy, run=run, sets=sets)


def _is_known(policy: str, section: Section) -> bool:
    try:
        find(POLICIES, policy)
    except PluginError as error:
        section.wrong("name", str(error))
        return False
    return True
