"""Policies and worlds by the names that installed distributions give them; all faults are said at once."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import cast, get_type_hints

from elastic.core.errors import WrongUsage
from elastic.core.policy import Policy
from elastic.ports import World, WorldSpec

POLICIES = "elastic.policies"
WORLDS = "elastic.worlds"

NOUNS = {POLICIES: "policy", WORLDS: "world"}
"""What a member of each entry point group is called."""


class PluginError(WrongUsage):
    """A policy or world cannot be had; `problems` are all reasons, each with what would be right."""

    def __init__(self, problems: Iterable[str]) -> None:
        """Keep the problems; the text joins them."""
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def names(group: str) -> tuple[str, ...]:
    """Every name in an entry point group, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def find(group: str, name: str) -> object:
    """What the one entry point of that name stands for; PluginError: unknown, ambiguous or broken."""
    noun = NOUNS[group]
    found = sorted(entry_points(group=group, name=name), key=_origin)
    match found:
        case []:
            known = names(group)
            raise PluginError([f"no {noun} named '{name}'; known: {', '.join(known)}{suggestion(name, known)}"])
        case [entry]:
            return _loaded(noun, entry)
        case _:
            origins = " and ".join(_origin(entry) for entry in found)
            raise PluginError([f"{noun} '{name}' comes from {origins}; uninstall all of them but one"])


def world(name: str) -> Callable[[WorldSpec], World]:
    """What makes the world of that name; raise PluginError when there is none, or several."""
    made = find(WORLDS, name)
    if not callable(made):
        raise PluginError([f"world '{name}' cannot be called; its entry point must name a class"])
    return cast("Callable[[WorldSpec], World]", made)


def policy(name: str, parameters: Mapping[str, object] | None = None) -> Policy:
    """The policy of that name with these parameters; raise PluginError with every parameter that is wrong."""
    return made(find(POLICIES, name), name, parameters)


def made(kind: object, name: str, parameters: Mapping[str, object] | None = None) -> Policy:
    """One of this kind of policy, which `find` has found under this name; PluginError as `policy`."""
    if not isinstance(kind, type) or not callable(getattr(kind, "decide", None)):
        raise PluginError([f"policy '{name}' has no method decide; its entry point must name a policy class"])
    given = dict(parameters or {})
    values: dict[str, object] = {}
    problems = [f"policy '{name}': {problem}" for problem in _check(kind, given, values)]
    if problems:
        raise PluginError(problems)
    try:
        return cast("Policy", kind(**values))
    except (TypeError, ValueError) as error:
        raise PluginError([f"policy '{name}': {error}"]) from error


def suggestion(word: str, known: Iterable[str]) -> str:
    """How to end a message about an unknown word: "; did you mean backlog?", or "" when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def _loaded(noun: str, entry: EntryPoint) -> object:
    try:
        return entry.load()
    # A stranger's module may raise anything while it is imported.
    except Exception as error:
        what = f"{noun} '{entry.name}' of {_origin(entry)} cannot be loaded from {entry.value}"
        why = f"{type(error).__name__}: {error}"
        raise PluginError([f"{what} ({why}); mend or uninstall that distribution"]) from error


def _check(kind: type, given: Mapping[str, object], values: dict[str, object]) -> Iterator[str]:
    """Say what is wrong with the parameters given, and put those that are right into `values`."""
    known = {field.name: field for field in fields(kind) if field.init} if is_dataclass(kind) else {}
    if not given:
        yield from (f"parameter '{name}' must be given" for name, field in known.items() if _required(field))
        return
    for name in sorted(given.keys() - known.keys()):
        have = f"known: {', '.join(sorted(known))}" if known else "it has no parameters"
        yield f"no parameter '{name}'; {have}{suggestion(name, known)}"
    # Half of a small simulation's time, and needed only where somebody gives a parameter.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    hints = get_type_hints(kind) if known else {}
    for name, field in known.items():
        if name in given:
            try:
                values[name] = TypeAdapter(hints[name]).validate_python(given[name])
            except ValidationError as error:
                for fault in error.errors():
                    yield f"{_path(name, fault['loc'])}: {fault['msg']}, not {fault['input']!r}"
        elif _required(field):
            yield f"parameter '{name}' must be given"


def _path(name: str, inside: Iterable[int | str]) -> str:
    return ".".join((name, *map(str, inside)))


def _required(field: "Field[object]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING
