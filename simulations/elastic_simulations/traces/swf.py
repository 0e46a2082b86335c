"""Standard Workload Format 2.2 and the Grid Workload Format that widens it: one job a line, numbers apart by blanks."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elastic_simulations.traces.building import Builder, microseconds, number_of, whole
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.lines import numbered, shown
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace

KILOBYTES_PER_MB = 1024
UNKNOWN_FIELD = b"-1"
RUN_FIELD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the two formats differ in; fields 0 to 12 mean the same in both.

    job, submit, wait, run, cores, cpu time, used memory, requested cores, requested time, requested memory, status,
    user, group.
    """

    name: str
    comment: bytes
    fields: int
    named_users: bool = False
    preceding: int | None = None
    network_disk: int | None = None


SWF = Layout(name="swf", comment=b";", fields=18, preceding=16)
GWF = Layout(name="gwf", comment=b"#", fields=29, named_users=True, network_disk=21)


def read(path: Path, file: BinaryIO, layout: Layout = SWF) -> Trace:
    """The whole file; TraceError names the line of the first thing that cannot be meant."""
    builder = Builder(path, layout.name)
    rows = _Rows(builder, layout)
    comment = layout.comment
    for number, line in numbered(path, file):
        fields = line.split()
        if not fields:
            continue
        if fields[0].startswith(comment):
            text = line.strip().lstrip(comment).strip()
            try:
                builder.header.append(text.decode())
            except UnicodeDecodeError:
                builder.header.append(text.decode("latin-1"))
                builder.repair("header line is not UTF-8, read as Latin-1", number)
        else:
            rows.add(number, fields, ended=line.endswith(b"\n"))
    rows.link()
    return builder.build()


class _Rows:
    """Rows on their way to the builder, and what is needed to resolve preceding jobs at the end."""

    def __init__(self, builder: Builder, layout: Layout) -> None:
        self._builder = builder
        self._layout = layout
        self._places: dict[int, int] = {}
        self._preceding: list[tuple[int, int, int, int]] = []

    def add(self, line: int, fields: list[bytes], *, ended: bool) -> None:
        builder, path = self._builder, self._builder.path
        if len(fields) < self._layout.fields:
            hint = "the file is cut off here" if not ended else "the line is cut off"
            problem = f"{len(fields)} fields where {self._layout.fields} belong: {hint}, or this is another format"
            raise TraceError(path, line, problem)
        try:
            submit = int(fields[1]) * MICROSECONDS
            run = int(fields[RUN_FIELD]) * MICROSECONDS
            cores = int(fields[4])
            if not (-1 <= submit < 1 << 56 and -1 <= run < 1 << 56):
                raise ValueError  # noqa: TRY301 - the careful way below says what is wrong
        except ValueError:
            submit = microseconds(fields[1], path, line, "submit time")
            run = microseconds(fields[RUN_FIELD], path, line, "run time")
            cores = whole(fields[4], path, line, "allocated processors")
        if cores <= 0:
            cores = whole(fields[7], path, line, "requested processors")
        place = builder.add(line, submit, run, cores)
        if place != UNKNOWN:
            self._know(line, place, fields, max(1, cores))

    def _know(self, line: int, place: int, fields: list[bytes], cores: int) -> None:
        builder, layout, path = self._builder, self._layout, self._builder.path
        if fields[5] != UNKNOWN_FIELD:
            builder.know(place, "cpu_us", microseconds(fields[5], path, line, "cpu time"))
        if fields[8] != UNKNOWN_FIELD:
            builder.know(place, "estimate_us", microseconds(fields[8], path, line, "requested time"))
        memory = fields[9] if fields[9] != UNKNOWN_FIELD else fields[6]
        if memory != UNKNOWN_FIELD:
            kilobytes = whole(memory, path, line, "memory")
            builder.know(place, "memory_mb", -(-kilobytes * cores // KILOBYTES_PER_MB))
        self._owner(line, place, "user", builder.users, fields[11])
        self._owner(line, place, "group", builder.groups, fields[12])
        if layout.network_disk is not None and fields[layout.network_disk] != UNKNOWN_FIELD:
            builder.know(place, "disk_mb", whole(fields[layout.network_disk], path, line, "local disk"))
        if layout.preceding is not None:
            self._follows(line, place, fields, layout.preceding)

    def _owner(self, line: int, place: int, what: str, names: dict[str, int], field: bytes) -> None:
        if field == UNKNOWN_FIELD:
            return
        if not self._layout.named_users:
            whole(field, self._builder.path, line, what)
        try:
            name = field.decode()
        except UnicodeDecodeError as error:
            raise TraceError(self._builder.path, line, f"{what} is not UTF-8: {shown(field)}") from error
        self._builder.know(place, what, number_of(names, name))

    def _follows(self, line: int, place: int, fields: list[bytes], at: int) -> None:
        path = self._builder.path
        self._places[whole(fields[0], path, line, "job number")] = place
        if fields[at] != UNKNOWN_FIELD:
            think = microseconds(fields[at + 1], path, line, "think time") if fields[at + 1] != UNKNOWN_FIELD else 0
            self._preceding.append((line, place, whole(fields[at], path, line, "preceding job"), think))

    def link(self) -> None:
        """Resolve preceding jobs; those that are no job of this trace are forgotten, and counted."""
        for line, place, number, think in self._preceding:
            before = self._places.get(number)
            if before is None or before == place:
                self._builder.repair("preceding job is not in the trace, ignored", line)
            else:
                self._builder.know(place, "after", before)
                self._builder.know(place, "think_us", think)
