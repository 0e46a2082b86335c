"""Finding one's way in the settings by their types: which keys a table has, and what a value at a path is."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from elastic.settings.model import Settings

Path = tuple[str | int, ...]


def kind_at(path: Path) -> object:
    """The type of the value at this path; `object` where the settings leave it open, None where there is nothing."""
    kind: object = Settings
    for step in path:
        kind = _step(_bare(kind), step)
    return _bare(kind)


def keys_at(path: Path) -> tuple[str, ...]:
    """The keys of the table at this path; none where any key may be."""
    kind = kind_at(path)
    return tuple(kind.model_fields) if _is_table(kind) else ()


def description_at(path: Path) -> str:
    """What is said of the setting at this path, whose table must exist."""
    table = kind_at(path[:-1])
    return (table.model_fields[str(path[-1])].description or "") if _is_table(table) else ""


def is_open(path: Path) -> bool:
    """Whether what is here may have any form, or is a list or table."""
    kind = kind_at(path)
    return kind is object or _is_table(kind) or get_origin(kind) in {tuple, Mapping}


def is_literal(path: Path) -> bool:
    """Whether a variable's text stands for a value as TOML writes it, and not for itself."""
    return is_open(path) or kind_at(path) in {int, float, bool}


def is_secret(path: Path) -> bool:
    """Whether the value must not be shown."""
    return any(kind_at(path[:length]) is SecretStr for length in range(1, len(path) + 1))


def dotted(path: Path) -> str:
    """The path as an operator would write it: groups[0].maximum."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _is_table(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _step(kind: object, step: str | int) -> object:
    if _is_table(kind):
        field = kind.model_fields.get(str(step))
        return None if field is None else field.annotation
    arguments = get_args(kind)
    if get_origin(kind) is tuple and isinstance(step, int):
        return arguments[0]
    if get_origin(kind) is Mapping:
        return arguments[1]
    return object if kind is object else None


def _bare(kind: object) -> object:
    """The type without annotations and without None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        return _bare(inner)
    return kind
