"""A trace at another pace, with other run times, or as days drawn anew from its own."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from elastic_simulations.errors import UsageError
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.following import depends, links
from elastic_simulations.traces.made import fingerprint
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Column, Note, Trace

DAY_US = 86_400 * MICROSECONDS


def shaped(trace: Trace, *, arrivals: float, runtime: float, days: int | None, seed: int) -> Trace:
    """Days are drawn first, then arrivals and run times scaled; a factor of 1 and no days leave the trace as it is."""
    if days is not None:
        trace = bootstrapped(trace, days, seed)
    if arrivals != 1.0:
        trace = scaled_arrivals(trace, arrivals)
    return scaled_run(trace, runtime) if runtime != 1.0 else trace


def scaled_arrivals(trace: Trace, factor: float) -> Trace:
    """`factor` times as many jobs a second: every submit time divided by it, rounded to whole microseconds."""
    ratio = _ratio(factor, "--scale-arrivals")
    submit = array("q", (_rounded(at * ratio[1], ratio[0]) for at in trace.submit_us))
    return _shaped(trace, f"arrivals x {factor:g}", submit_us=submit)


def scaled_run(trace: Trace, factor: float) -> Trace:
    """Every run time, cpu time and estimate times `factor`, rounded likewise; at least one microsecond."""
    ratio = _ratio(factor, "--scale-runtime")
    optional = {
        name: array("q", (_times(value, ratio) for value in column)) if name in {"cpu_us", "estimate_us"} else column
        for name, column in trace.optional.items()
    }
    run = array("q", (_times(value, ratio) for value in trace.run_us))
    return replace(_shaped(trace, f"run times x {factor:g}", run_us=run), optional=optional)


def bootstrapped(trace: Trace, days: int, seed: int = 0) -> Trace:
    """`days` days, each a day of the trace drawn with replacement; a day keeps its jobs, their times of day and order.

    A job goes on waiting for those before it that came on the same day; a link from day to day is lost, and counted.
    """
    if days < 1:
        raise UsageError(f"--bootstrap-days {days}: at least 1")
    by_day: list[list[int]] = [[] for _ in range(trace.submit_us[-1] // DAY_US + 1)]
    for job, at in enumerate(trace.submit_us):
        by_day[at // DAY_US].append(job)
    random = Random(f"{seed}/days")  # noqa: S311 - no secret
    drawn = [random.randrange(len(by_day)) for _ in range(days)]
    jobs = [job for day in drawn for job in by_day[day]]
    if not jobs:
        raise TraceError(trace.source, 0, "the days drawn have no job; draw more days or another seed")
    submit = [trace.submit_us[job] + (place - day) * DAY_US for place, day in enumerate(drawn) for job in by_day[day]]
    days_drawn = _shaped(
        trace,
        f"{days} days drawn with seed {seed}",
        submit_us=array("q", submit),
        run_us=_picked(trace.run_us, jobs),
        cores=_picked(trace.cores, jobs),
        line=_picked(trace.line, jobs),
    )
    optional = {name: _picked(column, jobs) for name, column in trace.optional.items()}
    return _within_days(replace(days_drawn, optional=optional), trace, [by_day[day] for day in drawn])


def _within_days(days_drawn: Trace, trace: Trace, days: Sequence[Sequence[int]]) -> Trace:
    """The days that were drawn, linked within each as in the trace."""
    if not depends(trace):
        return days_drawn
    before: dict[int, list[int]] = defaultdict(list)
    for job, other in links(trace):
        before[job].append(other)
    first: list[int] = []
    others: list[int] = []
    lost: list[int] = []
    begin = 0
    for day in days:
        places = {job: begin + place for place, job in enumerate(day)}
        for job in day:
            here = [places[other] for other in before[job] if other in places]
            lost += [trace.line[job]] * (len(before[job]) - len(here))
            first.append(here[0] if here else UNKNOWN)
            others += [place for other in here[1:] for place in (places[job], other)]
        begin += len(day)
    linked = {**days_drawn.optional, "after": array("q", first)}
    note = Note(what="a job before it came on another day, ignored", rows=len(lost), first_line=min(lost, default=0))
    repaired = (*days_drawn.repaired, *([note] if lost else []))
    return _fingerprinted(replace(days_drawn, optional=linked, also_after=array("q", others), repaired=repaired))


def _picked(column: Column, jobs: list[int]) -> Column:
    return array("q", map(column.__getitem__, jobs))


def _ratio(factor: float, option: str) -> tuple[int, int]:
    if not 0 < factor < float("inf"):
        raise UsageError(f"{option} {factor:g}: above 0, and finite")
    return factor.as_integer_ratio()


def _times(value: int, ratio: tuple[int, int]) -> int:
    return value if value == UNKNOWN else max(1, _rounded(value * ratio[0], ratio[1]))


def _rounded(part: int, whole: int) -> int:
    """To the nearest: 0.7 as a float is a little less, and 7 s must not become 6.999999 s."""
    return (2 * part + whole) // (2 * whole)


def _shaped(trace: Trace, how: str, **columns: Column) -> Trace:
    """The trace with other columns, named for what was done; its checksum covers that."""
    make: Callable[..., Trace] = replace
    return _fingerprinted(make(trace, source=f"{trace.source} ({how})", **columns))


def _fingerprinted(trace: Trace) -> Trace:
    required = {name: getattr(trace, name) for name in ("submit_us", "run_us", "cores")}
    waits = {name: column for name, column in trace.optional.items() if name in {"after", "think_us"}}
    return replace(trace, sha256=fingerprint({**required, **(waits if depends(trace) else {})}))
