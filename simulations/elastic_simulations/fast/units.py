"""Time as whole numbers: the coarsest unit in which every given time is one, and the way to seconds and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, gcd

from elastic_simulations.traces.trace import MICROSECONDS, Column


def common_unit(columns: Iterable[Column], others: Iterable[int] = ()) -> int:
    """The greatest common divisor of all these microseconds; 1 when all are 0. Small integers count faster."""
    unit = gcd(*others)
    for column in columns:
        if unit == 1:
            break
        unit = gcd(unit, *column)
    return max(1, unit)


def in_units(column: Column, unit: int) -> list[int]:
    """The column, counted in units."""
    return column.tolist() if unit == 1 else [value // unit for value in column]


@dataclass(frozen=True, slots=True)
class Scale:
    """From units of so many microseconds to the seconds that the core reads; moment 0 is `epoch_us`.

    Always by one division of whole microseconds, as the full world does it: equal to the last bit.
    """

    unit: int
    epoch_us: int = 0

    def at(self, moment: int) -> float:
        """A moment in seconds since the epoch."""
        return (self.epoch_us + moment * self.unit) / MICROSECONDS

    def span(self, units: int) -> float:
        """A time in seconds."""
        return units * self.unit / MICROSECONDS

    def least(self, seconds: float) -> int:
        """The shortest time in units that is, in seconds, not below `seconds`."""
        units = ceil(seconds * MICROSECONDS / self.unit)
        while self.span(units) < seconds:
            units += 1
        while self.span(units - 1) >= seconds:
            units -= 1
        return units

    def when(self, at: float) -> int:
        """The first moment that is not before `at`, in seconds since the epoch."""
        moment = ceil((at * MICROSECONDS - self.epoch_us) / self.unit)
        while self.at(moment) < at:
            moment += 1
        while self.at(moment - 1) >= at:
            moment -= 1
        return moment
