"""Records of the core to JSON text and back, driven by their own field types; the tables live elsewhere.

Reading is forward compatible: fields that this program does not know are passed over, absent ones take their
default.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from elastic.ports import LedgerError

T = TypeVar("T")


def dumps(value: object) -> str:
    """Any record, or a tuple, mapping or plain value of such, as compact JSON text (ASCII)."""
    return json.dumps(_plain(value), separators=(",", ":"))


def loads(kind: type[T], text: str) -> T:
    """The value of this type that `dumps` wrote; raise LedgerError when it is not one."""
    value: T = _read(kind, kind.__name__, text)
    return value


def loads_field(owner: type, name: str, text: str) -> Any:
    """As `loads`, for the value of one field of a record."""
    return _read(get_type_hints(owner)[name], name, text)


def _read(kind: Any, name: str, text: str) -> Any:
    try:
        return _reader(kind)(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise LedgerError(f"a {name} in it cannot be read ({error}); restore it from a backup") from error


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be kept in the ledger")


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How a value of this type is made from JSON; raises TypeError for a type that has no reading."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is float:
        return _number
    if kind in {str, int, bool}:
        return _exactly(kind)
    if origin in {Union, UnionType}:
        return _optional(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if is_dataclass(kind):
        return _record(kind)
    if hasattr(kind, "_fields"):
        return lambda raw: kind(*_list(raw))
    if issubclass(kind, Enum):
        return cast("Callable[[Any], Any]", kind)
    raise TypeError(f"no reading for {kind}")


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if type(raw) is not kind:
            raise TypeError(f"{raw!r} is no {kind.__name__}")
        return raw

    return read


def _number(raw: Any) -> float | int:
    if type(raw) is float or type(raw) is int:
        return raw
    raise TypeError(f"{raw!r} is no number")


def _list(raw: Any) -> list[Any]:
    if isinstance(raw, list):
        return raw
    raise TypeError(f"{raw!r} is no list")


def _optional(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    (inner,) = (_reader(kind) for kind in kinds if kind is not NoneType)
    return lambda raw: None if raw is None else inner(raw)


def _tuple(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    if kinds[1:] == (...,):
        every = _reader(kinds[0])
        return lambda raw: tuple([every(item) for item in _list(raw)])
    readers = [_reader(kind) for kind in kinds]
    return lambda raw: tuple([read(item) for read, item in zip(readers, _list(raw), strict=True)])


def _mapping(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda raw: {key: read(item) for key, item in raw.items()}


def _record(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}

    def read(raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise TypeError(f"{raw!r} is no {kind.__name__}")
        return kind(**{name: readers[name](item) for name, item in raw.items() if name in readers})

    return read
