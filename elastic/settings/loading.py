"""From files and variables to settings, or to every problem at once, each with its path and what would be right."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from elastic.plugins import suggestion
from elastic.ports import ElasticError
from elastic.settings import layers, tree
from elastic.settings.checks import across, listed, where
from elastic.settings.model import Settings


class SettingsError(ElasticError):
    """The settings are wrong; `problems` are all of them, one sentence each."""

    def __init__(self, problems: Iterable[str], where: str = "the settings") -> None:
        """Keep the problems; the text is one line for each."""
        self.problems = tuple(problems)
        head = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''} in {where}:"
        super().__init__("\n  ".join((head, *self.problems)))


SHOWN_CHARACTERS = 60
"""How much of a wrong value is repeated."""
MOST_KEYS = 6
"""A table with no more settings than this is named in full where one is unknown."""

MEANT = {
    "string_pattern_mismatch": "must be 1 to 40 lower case letters, digits and inner hyphens, a letter first",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list; a list of tables is written with double brackets, as [[groups]]",
    "model_type": "must be a table",
    "mapping_type": "must be a table",
}
"""Kinds of errors that are said more plainly here."""


def load(path: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings from this file (None: no file) and these variables; raise SettingsError with every problem."""
    read = layers.read(path, env)
    problems = list(read.problems)
    settings: Settings | None = None
    try:
        settings = Settings(**_absolute(read))  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as error:
        # Without the file every setting is missing: that says nothing.
        if read.values or not problems:
            problems += [_said(detail, read) for detail in error.errors()]
    problems += across(read.values)
    if problems or settings is None:
        raise SettingsError(problems, str(path) if path else "the environment")
    return settings


def _absolute(read: layers.Layers) -> dict[str, object]:
    """What was read, with relative folders taken from their base."""
    texts = {name: read.values.get(name) for name in ("folder", "secrets_folder")}
    return {**read.values, **{name: read.base / text for name, text in texts.items() if isinstance(text, str)}}


def _said(detail: ErrorDetails, read: layers.Layers) -> str:
    path = detail["loc"]
    name = _named(path, read.values)
    table = path[:-1]
    match detail["type"]:
        case "extra_forbidden":
            keys = tree.keys_at(table)
            known = f"; known: {', '.join(keys)}" if len(keys) <= MOST_KEYS else ""
            return f"{name}: no such setting{suggestion(str(path[-1]), keys) or known}"
        case "missing":
            return f"{name}: must be given{_reason(path)}"
        case _:
            said = MEANT.get(detail["type"], detail["msg"])
            what = said.removeprefix("Value error, ").removeprefix("Input ")
            shown = "" if tree.is_secret(path) else f", not {_short(detail['input'])}"
            return f"{name}: {what}{shown}{_origin(path, read)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def _origin(path: tree.Path, read: layers.Layers) -> str:
    above = (path[:length] for length in range(len(path), 0, -1))
    return next((f" (from {read.origins[each]})" for each in above if each in read.origins), "")


def _reason(path: tree.Path) -> str:
    description = tree.description_at(path)
    return f" ({description.partition('. ')[0].rstrip('.').lower()})" if description else ""


def _named(path: tree.Path, values: Mapping[str, object]) -> str:
    """The path, and the name of the group that it is in."""
    if len(path) > 1 and path[0] == "groups" and isinstance(path[1], int):
        group = listed(values, "groups")[path[1]]
        return where(path[1], {} if path[2:] == ("name",) else group, tree.dotted(path[2:]))
    return tree.dotted(path)
