"""The three places that settings come from, as one tree: the TOML file, over it secrets, over them the environment."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elastic.plugins import suggestion
from elastic.settings import tree

PREFIX = "ELASTIC_"
SEPARATOR = "__"

NOT_SETTINGS = frozenset(
    {
        "ELASTIC_LOCAL_ROOT",
        "ELASTIC_LOCAL_SUITE",
        "ELASTIC_SETTINGS",
        "ELASTIC_TOKEN",
        "ELASTIC_TOKEN_FILE",
        "ELASTIC_URL",
    }
)
"""Variables of the command line and of the one-machine pool: where settings, a daemon, its folder are."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What was read, not checked yet. `origins` says for a path which variable or secret gave it, if any.

    `base` is where relative folders start: the file's own folder, not where the daemon happens to be started.
    """

    base: Path
    values: dict[str, object] = field(default_factory=dict)
    origins: dict[tree.Path, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read(path: Path | None, env: Mapping[str, str]) -> Layers:
    """Read all layers; what cannot be read is among the problems."""
    layers = Layers(base=Path.cwd() if path is None else path.absolute().parent)
    if path is not None:
        _read_file(path, layers)
    variables = {name: text for name, text in env.items() if name.startswith(PREFIX) and name not in NOT_SETTINGS}
    named = variables.get("ELASTIC_SECRETS_FOLDER") or layers.values.get("secrets_folder")
    folder = named or env.get("CREDENTIALS_DIRECTORY")
    if folder:
        _add(dict(_secrets(layers.base / str(folder), layers, missing_is_wrong=bool(named))), "secret {}", layers)
    _add(variables, "{}", layers)
    return layers


def _read_file(path: Path, layers: Layers) -> None:
    try:
        layers.values.update(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        layers.problems.append(f"{path}: not TOML: {error}")
    except UnicodeDecodeError as error:
        layers.problems.append(f"{path}: not UTF-8: {error}")
    except OSError as error:
        layers.problems.append(f"{path}: cannot be read: {error.strerror or error}")


def _secrets(folder: Path, layers: Layers, *, missing_is_wrong: bool) -> Iterator[tuple[str, str]]:
    """Every file named as a variable; others in the folder belong to somebody else."""
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        if missing_is_wrong:
            layers.problems.append(f"secrets_folder: {folder} cannot be read: {error.strerror or error}")
        return
    for file in files:
        if file.name.upper().startswith(PREFIX):
            try:
                yield file.name, file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                layers.problems.append(f"secret {file.name}: cannot be read: {error}")


def _add(variables: Mapping[str, str], origin: str, layers: Layers) -> None:
    for name, text in sorted(variables.items()):
        path, unknown = _path(name[len(PREFIX) :].split(SEPARATOR), layers.values)
        shown = origin.format(name)
        if unknown:
            layers.problems.append(f"{shown}: {unknown}")
            continue
        _put(layers.values, path, _value(path, text))
        layers.origins[path] = shown


def _path(steps: list[str], values: Mapping[str, object]) -> tuple[tree.Path, str]:
    """The path that a variable's name means, and what is wrong with it ("" = nothing)."""
    path: tree.Path = ()
    for step in steps:
        if path == ("groups",):
            names = _group_names(values)
            if _folded(step) not in names:
                return path, f"no group named '{step}'; known: {', '.join(names)}{suggestion(_folded(step), names)}"
            path = (*path, names.index(_folded(step)))
            continue
        keys = tree.keys_at(path)
        word = step.lower() if step.isupper() or keys else step
        if keys and word not in keys:
            return path, f"no such setting{suggestion(word, keys)}"
        if not keys and not tree.is_open(path):
            return path, f"{tree.dotted(path)} is no table"
        path = (*path, word)
    return path, ""


def _group_names(values: Mapping[str, object]) -> list[str]:
    groups = values.get("groups")
    listed = groups if isinstance(groups, list) else []
    return [_folded(str(each.get("name", ""))) if isinstance(each, dict) else "" for each in listed]


def _folded(name: str) -> str:
    """Names as far as a shell's variables can tell them apart."""
    return name.casefold().replace("-", "_")


def _value(path: tree.Path, text: str) -> object:
    if not tree.is_literal(path):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(values: dict[str, object], path: tree.Path, value: object) -> None:
    """Set what is at the path, making the tables on the way; what is in the way is left for the check to find."""
    here: object = values
    for step in path[:-1]:
        if isinstance(here, dict):
            here = here.setdefault(step, {})
        elif isinstance(here, list) and isinstance(step, int):
            here = here[step]
    if isinstance(here, dict):
        here[path[-1]] = value
