"""A trace as columns: one array a field, one entry a job, sorted by submit time and then by place in the file."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Column: TypeAlias = array[int]
else:
    Column = array  # Python 3.11 knows no array[int] when it runs.
"""64-bit whole numbers (type code q), one a job; UNKNOWN where the source does not say."""

UNKNOWN = -1
MICROSECONDS = 1_000_000

REQUIRED = ("submit_us", "run_us", "cores", "line")
OPTIONAL = ("job", "user", "group", "estimate_us", "cpu_us", "memory_mb", "disk_mb", "gpus", "after", "think_us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One kind of row that was dropped or repaired: how often, and the line where it first happened."""

    what: str
    rows: int
    first_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Jobs by column. Times are whole microseconds from the start of the log, `cores` at least 1.

    `line` is where the job stands in its file. `optional` holds those of OPTIONAL that the source knows anything of:
    memory and disk in MB, `user` and `group` as places in `users` and `groups`, `after` the place of the job in this
    trace that must end first, `think_us` the pause after the last such. `also_after` has the others of jobs that wait
    for more than one: job, other, job, other... by job. Every row of the file is a job here or counted in
    `dropped`; what was changed on the way is counted in `repaired`.
    """

    submit_us: Column
    run_us: Column
    cores: Column
    line: Column
    optional: Mapping[str, Column] = field(default_factory=dict)
    also_after: Column = field(default_factory=lambda: array("q"))
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    dropped: tuple[Note, ...] = ()
    repaired: tuple[Note, ...] = ()
    source: str = ""
    format: str = ""
    sha256: str = ""

    def __len__(self) -> int:
        """Jobs that will be simulated."""
        return len(self.submit_us)

    @property
    def rows_dropped(self) -> int:
        """Rows of the file that are no job here."""
        return sum(note.rows for note in self.dropped)

    def column(self, name: str) -> Column | None:
        """A required or optional column; None when the source says nothing of it."""
        return getattr(self, name) if name in REQUIRED else self.optional.get(name)


def sorted_rows(submit_us: Column) -> list[int] | None:
    """The order that sorts by submit time and keeps the file's order among equals; None when it is sorted already."""
    if all(map(int.__le__, submit_us, submit_us[1:])):
        return None
    return sorted(range(len(submit_us)), key=submit_us.__getitem__)


def reordered(column: Column, order: list[int]) -> Column:
    """The column in that order."""
    return array("q", map(column.__getitem__, order))
