"""All settings as a Markdown table, from the settings themselves."""

from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from elastic.settings.model import Settings

UNITS = {
    "_seconds": "s",
    "_seconds_cap": "s",
    "_mb": "MB",
    "_days": "days",
    "_fraction": "0..1",
    "_per_hour": "per hour",
    "_cycles": "cycles",
    "_ticks": "ticks",
    "_factor": "times",
}
"""How the end of a name says the unit."""


def render_reference() -> str:
    """One table for each section: setting, unit, default, and why that is the default."""
    return "\n\n".join(_section(path, table) for path, table in _tables("", Settings))


def reference_rows() -> Iterator[Mapping[str, object]]:
    """The same, setting by setting: its whole name, unit, default as JSON has it, and why."""
    for path, table in _tables("", Settings):
        for name, field in table.model_fields.items():
            if _table(field) is None:
                required = field.is_required()
                yield {
                    "setting": f"{path}.{name}".removeprefix("."),
                    "unit": _unit(name),
                    "required": required,
                    "default": None if required else to_jsonable_python(field.default),
                    "why": " ".join((field.description or "").split()),
                }


def _tables(path: str, table: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, table
    for name, field in table.model_fields.items():
        inner = _table(field)
        if inner is not None:
            listed = "[]" if get_origin(field.annotation) is tuple else ""
            yield from _tables(f"{path}.{name}{listed}".removeprefix("."), inner)


def _table(field: FieldInfo) -> type[BaseModel] | None:
    """The table that a field holds, or a list of which it holds."""
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _section(path: str, table: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_unit(name)} | {_default(field)} | {' '.join((field.description or '').split())} |"
        for name, field in table.model_fields.items()
        if _table(field) is None
    ]
    doc = (table.__doc__ or "").partition("\n")[0]
    head = ["| setting | unit | default | why |", "| --- | --- | --- | --- |"]
    return "\n".join([f"### {_title(path)}", "", doc, "", *head, *rows])


def _title(path: str) -> str:
    if not path:
        return "At the top"
    return f"`[[{path.replace('[]', '')}]]`" if path.endswith("[]") else f"`[{path.replace('[]', '')}]`"


def _unit(name: str) -> str:
    return next((unit for end, unit in UNITS.items() if f"_{name}".endswith(end)), "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    match field.default:
        case None:
            return "none"
        case "":
            return "empty"
        case () | {} if not field.default:
            return "empty"
        case tuple():
            return f"`{list(field.default)}`".replace("'", '"')
        case default:
            return f"`{default}`"
