"""What a trace is like: the figures and the picture of `elastic trace info`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from elastic_simulations.measures.spread import Spread, spread_of_times
from elastic_simulations.traces.following import links
from elastic_simulations.traces.trace import MICROSECONDS, Note, Trace

BLOCKS = " ▁▂▃▄▅▆▇█"
HOUR_US = 3600 * MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Times in seconds, work in core-hours. `gap_cv2` and `run_cv2` are squared coefficients of variation.

    `mean_cores` is the work divided by the span: how many cores it would keep busy if it could be spread evenly;
    `peak_cores` is how many run at once with unlimited room, dependencies left aside. Each
    of the `dependencies` is a job that must end before another; `most_before_one` is how many of them one job has.
    """

    source: str
    format: str
    sha256: str
    jobs: int
    rows_dropped: int
    users: int
    groups: int
    first_submit_s: float
    span_s: float
    work_core_h: float
    mean_cores: float
    peak_cores: int
    widest_job: int
    dependencies: int
    most_before_one: int
    run: Spread
    gap: Spread
    gap_cv2: float
    run_cv2: float
    known: tuple[str, ...]
    dropped: tuple[Note, ...]
    repaired: tuple[Note, ...]
    acknowledge: tuple[str, ...]


def summary(trace: Trace) -> Summary:
    """Everything that can be said without simulating."""
    submit = trace.submit_us
    gaps = [after - before for before, after in pairwise(submit)]
    span = submit[-1] - submit[0]
    work = sum(map(int.__mul__, trace.run_us, trace.cores))
    waits = Counter(job for job, _ in links(trace))
    return Summary(
        source=trace.source,
        format=trace.format,
        sha256=trace.sha256,
        jobs=len(trace),
        rows_dropped=trace.rows_dropped,
        users=len(trace.users),
        groups=len(trace.groups),
        first_submit_s=submit[0] / MICROSECONDS,
        span_s=span / MICROSECONDS,
        work_core_h=work / HOUR_US,
        mean_cores=work / span if span else 0.0,
        peak_cores=peak_cores(trace),
        widest_job=max(trace.cores),
        dependencies=waits.total(),
        most_before_one=max(waits.values(), default=0),
        run=spread_of_times(trace.run_us),
        gap=spread_of_times(gaps),
        gap_cv2=_cv2(gaps),
        run_cv2=_cv2(trace.run_us),
        known=tuple(trace.optional),
        dropped=trace.dropped,
        repaired=trace.repaired,
        acknowledge=acknowledgements(trace),
    )


def acknowledgements(trace: Trace) -> tuple[str, ...]:
    """The lines of the header that say whom to thank, and where it comes from."""
    words = ("acknowledge", "information", "conversion")
    return tuple(line for line in trace.header if line.lower().startswith(words))


def peak_cores(trace: Trace) -> int:
    """The most cores at once when every job starts when it is submitted; at equal times ends come first."""
    changes = [(at + run, -cores) for at, run, cores in zip(trace.submit_us, trace.run_us, trace.cores, strict=True)]
    changes += zip(trace.submit_us, trace.cores, strict=True)
    now = peak = 0
    for _, cores in sorted(changes):
        now += cores
        peak = max(peak, now)
    return peak


def picture(trace: Trace, width: int = 72) -> tuple[str, str]:
    """Jobs submitted, and work in core time submitted, over the span of the trace: one character a slice of time."""
    first, last = trace.submit_us[0], trace.submit_us[-1]
    jobs, work = [0] * width, [0] * width
    for at, run, cores in zip(trace.submit_us, trace.run_us, trace.cores, strict=True):
        place = (at - first) * width // (last - first + 1)
        jobs[place] += 1
        work[place] += run * cores
    return bars(jobs), bars(work)


def bars(values: Sequence[int]) -> str:
    """One block a value, the largest full; what is not zero is never blank."""
    most = max(values, default=0)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[-(-value * steps // most)] if value else " " for value in values)


def _cv2(values: Sequence[int]) -> float:
    if not values:
        return 0.0
    total, squares = sum(values), sum(value * value for value in values)
    return len(values) * squares / (total * total) - 1 if total else 0.0
