"""The coarsest unit of time in which every given time is a whole number: small integers count faster, and exactly."""

from collections.abc import Iterable
from math import gcd

from elastic_simulations.traces.trace import Column


def common_unit(columns: Iterable[Column], others: Iterable[int] = ()) -> int:
    """The greatest common divisor of all these microseconds; 1 when all are 0."""
    unit = gcd(*others)
    for column in columns:
        if unit == 1:
            break
        unit = gcd(unit, *column)
    return max(1, unit)


def in_units(column: Column, unit: int) -> list[int]:
    """The column, counted in units."""
    return column.tolist() if unit == 1 else [value // unit for value in column]
