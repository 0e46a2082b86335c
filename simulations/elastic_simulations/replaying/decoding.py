"""Records back from their JSON, driven by the types of the core's own fields; what a record leaves out is default.

Fields that this version does not know are passed over, absent ones take their default: old records can be read.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Read = Callable[[object], object]


def decoded(kind: type[T], raw: object) -> T:
    """The value of this type that `elastic.core.record.plain` made plain; TypeError or ValueError when it is none."""
    return cast("T", _reader(cast("Hashable", kind))(raw))


@cache
def _reader(kind: Hashable) -> Read:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return _optional(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[0]), _reader(arguments[1]))
    if not isinstance(kind, type):
        raise TypeError(f"no reading for {kind}")
    if is_dataclass(kind):
        return _record(kind)
    if hasattr(kind, "_fields"):
        make = cast("Callable[..., object]", kind)
        return lambda raw: make(*_list(raw))
    if issubclass(kind, Enum):
        return cast("Read", kind)
    return _exactly(kind)


def _exactly(kind: type) -> Read:
    """Whole numbers do for fractions, as JSON writes them; nothing else does for anything."""
    wanted = (int, float) if kind is float else (kind,)

    def read(raw: object) -> object:
        if type(raw) not in wanted:
            raise TypeError(f"{raw!r} is no {kind.__name__}")
        return raw

    return read


def _list(raw: object) -> Sequence[object]:
    if isinstance(raw, list):
        return raw
    raise TypeError(f"{raw!r} is no list")


def _optional(kinds: tuple[object, ...]) -> Read:
    (inner,) = (_reader(kind) for kind in kinds if kind is not NoneType)
    return lambda raw: None if raw is None else inner(raw)


def _tuple(kinds: tuple[object, ...]) -> Read:
    if kinds[1:] == (...,):
        every = _reader(kinds[0])
        return lambda raw: tuple([every(item) for item in _list(raw)])
    readers = [_reader(kind) for kind in kinds]
    return lambda raw: tuple([read(item) for read, item in zip(readers, _list(raw), strict=True)])


def _mapping(key: Read, item: Read) -> Read:
    def read(raw: object) -> object:
        if not isinstance(raw, dict):
            raise TypeError(f"{raw!r} is no object")
        return {key(name): item(value) for name, value in raw.items()}

    return read


def _record(kind: type) -> Read:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    make = cast("Callable[..., object]", kind)

    def read(raw: object) -> object:
        if not isinstance(raw, dict):
            raise TypeError(f"{raw!r} is no {kind.__name__}")
        return make(**{name: _reader(hints[name])(raw[name]) for name in names if name in raw})

    return read
