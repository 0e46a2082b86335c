"""Which jobs must end before another begins: any number of them, as links between places of a trace."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import UNKNOWN, Column, Trace


def links(trace: Trace) -> Iterator[tuple[int, int]]:
    """(job, one that must end before it), as places in the trace."""
    for job, before in enumerate(trace.optional.get("after", ())):
        if before != UNKNOWN:
            yield job, before
    yield from pairs(trace.also_after)


def depends(trace: Trace) -> bool:
    """Whether any job waits for another."""
    after = trace.optional.get("after")
    return after is not None and after.count(UNKNOWN) < len(after)


def counted(trace: Trace) -> int:
    """How many links there are in all."""
    after = trace.optional.get("after", ())
    return len(after) - after.count(UNKNOWN) + len(trace.also_after) // 2


def independent(trace: Trace) -> Trace:
    """The same jobs, none of which waits for another."""
    kept = {name: column for name, column in trace.optional.items() if name not in {"after", "think_us"}}
    return replace(trace, optional=kept, also_after=array("q"))


def pairs(also_after: Column) -> Iterator[tuple[int, int]]:
    """What lies flat there, two by two."""
    return zip(also_after[::2], also_after[1::2], strict=True)


def renumbered(columns: Mapping[str, Column], also_after: Column, order: list[int]) -> tuple[Column | None, Column]:
    """`after` (None when there is none, still in the old order) and `also_after` by the places that `order` gives."""
    after = columns.get("after")
    if after is None:
        return None, also_after
    places = {old: new for new, old in enumerate(order)}
    moved = sorted((places[job], places[before]) for job, before in pairs(also_after))
    return (
        array("q", (places.get(before, UNKNOWN) for before in after)),
        array("q", (place for link in moved for place in link)),
    )


def check_ends(trace: Trace) -> None:
    """TraceError names a job that waits for itself, be it through others: it could never begin."""
    waits: Counter[int] = Counter()
    followers: dict[int, list[int]] = defaultdict(list)
    for job, before in links(trace):
        waits[job] += 1
        followers[before].append(job)
    ready = [job for job in range(len(trace)) if not waits[job]]
    while ready:
        for job in followers.pop(ready.pop(), ()):
            waits[job] -= 1
            if not waits[job]:
                ready.append(job)
    if stuck := [job for job, left in waits.items() if left]:
        raise TraceError(
            trace.source, trace.line[min(stuck)], f"{len(stuck)} jobs never begin: jobs wait for each other in a ring"
        )


def numbers(trace: Trace) -> Column:
    """What jobs are called in a table: their own numbers where all have one of their own, else 1, 2, 3..."""
    own = trace.optional.get("job")
    if own is not None and UNKNOWN not in own and len(set(own)) == len(own):
        return own
    return array("q", range(1, len(trace) + 1))


def before_texts(trace: Trace) -> list[str]:
    """By job the numbers of those that must end before it, with spaces between them; "" where there is none."""
    called = numbers(trace)
    texts: list[list[str]] = [[] for _ in called]
    for job, before in links(trace):
        texts[job].append(str(called[before]))
    return [" ".join(text) for text in texts]


class Names:
    """Jobs of a table by what they are called there, and which of them each waits for."""

    def __init__(self) -> None:
        """Begin with no job."""
        self.wanted: list[tuple[int, int, list[str]]] = []
        self.places: dict[str, int] = {}

    def know(self, line: int, place: int, name: str, before: str) -> bool:
        """The job at `place` is called `name` and waits for those named in `before`; False when the name is taken."""
        if before:
            self.wanted.append((line, place, before.split()))
        return not name or self.places.setdefault(name, place) == place

    def found(self) -> Iterator[tuple[int, int, list[int], int]]:
        """(line, job, places of those before it in their order, how many names are no other job of the table)."""
        for line, place, names in self.wanted:
            known = [self.places.get(name, place) for name in dict.fromkeys(names)]
            before = [other for other in known if other != place]
            yield line, place, before, len(known) - len(before)
