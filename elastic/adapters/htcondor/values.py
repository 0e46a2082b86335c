"""Values of attributes: a ClassAd's undefined and error are integers in Python, and must not count as such."""

from collections.abc import Mapping
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number itself; undefined, error and true are not."""
    kind = type(value)
    return kind is int or kind is float


def whole(ad: Mapping[str, object], name: str, default: int = 0) -> int:
    """An attribute as a whole number; `default` where it is absent, undefined or no number."""
    value = ad.get(name)
    return int(value) if is_number(value) else default


def text(ad: Mapping[str, object], name: str) -> str:
    """An attribute as text; empty where it is absent or no text."""
    value = ad.get(name)
    return value if isinstance(value, str) else ""
