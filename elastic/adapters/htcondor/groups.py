"""A schedd's waiting and running vanilla jobs, grouped by itself; a long queue is read in two halves at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import htcondor2

from elastic.adapters.htcondor import shapes
from elastic.adapters.htcondor.beside import Beside
from elastic.adapters.htcondor.bindings import translated

VANILLA = 5
ALIVE = (1, 2, 6, 7)
GROUP_BY = htcondor2.QueryOpt.GroupBy
LONG = 20_000
"""Jobs: from so many on half of the time is worth another process, here and on the schedd's side."""
HALVES = tuple(f"((ClusterId + ProcId) % 2 == {rest}) =!= false" for rest in (0, 1))
"""A constraint is asked of each job, and then of its group, where these attributes are undefined and must pass."""

Shapes = dict[shapes.Key, shapes.Gathered]


class Groups(NamedTuple):
    """The shapes of a queue, and the attributes (as they are spelled) that tell them apart."""

    found: Shapes
    names: frozenset[str]

    @property
    def jobs(self) -> int:
        """How many there are."""
        return sum(shape.idle + shape.running for shape in self.found.values())


def read(daemon: Any, schedd: str, watched: frozenset[str], *, long: bool) -> Groups:
    """All groups; of a queue that is `long` the halves are grouped side by side, which gives the same."""
    if not long:
        return _read(daemon, schedd, watched)
    other = Beside(lambda: _packed(_read(daemon, schedd, watched, HALVES[1])))
    try:
        found, names = _read(daemon, schedd, watched, HALVES[0])
        packed, more_names = other.answer()
    finally:
        other.end()
    for key, text, shape in packed:
        shapes.merge(found, key, text, shape)
    return Groups(found, names | more_names)


def _read(daemon: Any, schedd: str, watched: frozenset[str], half: str = "") -> Groups:
    alive = " || ".join(f"JobStatus == {status}" for status in ALIVE)
    constraint = f"JobUniverse == {VANILLA} && ({alive}){f' && ({half})' if half else ''}"
    with translated(schedd):
        groups = daemon.query(constraint, [*shapes.ATTRIBUTES, "JobUniverse", *sorted(watched)], opts=GROUP_BY)
    names = {name for ad in groups for name in ad if name.lower() not in shapes.COUNTERS}
    return Groups(shapes.gather(groups, watched), frozenset(names))


def _packed(groups: Groups) -> tuple[Sequence[tuple[shapes.Key, str, shapes.Gathered]], frozenset[str]]:
    """In a form that goes through a pipe: an ad is not made for that, its text is."""
    packed = [(key, repr(shape.ad), shape) for key, shape in groups.found.items()]
    for shape in groups.found.values():
        shape.ad = None
    return packed, groups.names
