"""A fixed number of cores, always on: strict head-of-line FIFO in file order, no negotiation, nothing decided."""

from array import array
from collections import defaultdict
from heapq import heappop, heappush, heapreplace

from elastic_simulations.fast.outcome import Integrals, Outcome, WorkerTable
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import UNKNOWN, Trace


def run_static(trace: Trace, cores: int) -> Outcome:
    """All jobs of the trace on `cores` cores; TraceError names the line of a job that asks for more than there are."""
    check(trace, cores)
    unit = common_unit((trace.submit_us, trace.run_us))
    submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
    start, totals = _simulated(submit, run, trace.cores.tolist(), cores)
    end = list(map(int.__add__, start, run))
    last = max(end) * unit
    return Outcome(
        start_us=array("q", [at * unit for at in start]),
        end_us=array("q", [at * unit for at in end]),
        worker=array("q", bytes(8 * len(trace))),
        workers=always_on(cores),
        integrals=totals.scaled(unit),
        ended_us=last,
        stopped_us=last,
        events=2 * len(trace),
    )


def always_on(cores: int) -> WorkerTable:
    """One worker with all the cores, from 0, for good."""
    always = WorkerTable(cores=cores)
    for column, value in ((always.requested, 0), (always.ready, 0), (always.drained, UNKNOWN)):
        column.append(value)
    always.deleted.append(UNKNOWN)
    return always


def check(trace: Trace, cores: int) -> None:
    """TraceError with its line for a job that asks for more cores than there are."""
    if max(trace.cores) <= cores:
        return
    place = next(place for place, wanted in enumerate(trace.cores) if wanted > cores)
    problem = f"the job asks for {trace.cores[place]} cores, there are {cores}: it could never start"
    raise TraceError(trace.source, trace.line[place], problem)


def _simulated(submit: list[int], run: list[int], wants: list[int], cores: int) -> tuple[list[int], Integrals]:
    wanted = wants[0]
    if cores % wanted == 0 and wants.count(wanted) == len(wants):
        start, totals = simulate_alike(submit, run, cores // wanted)
        return start, totals.times(wanted)
    return simulate(submit, run, wants, cores)


def simulate_alike(submit: list[int], run: list[int], slots: int) -> tuple[list[int], Integrals]:
    """`simulate` for jobs that all ask for the same: in half the time, integrals in slots.

    Whoever waits, waits for the next end; while a slot is free, nobody waits.
    """
    never = 1 << 60
    submits = [*submit, never]
    ends: list[int] = []
    start: list[int] = []
    head, arrived, now, last = 0, 0, 0, 0
    full = full_since = peak = 0
    # How long so many waited, by their number: queue and time are its sums.
    waited = [0] * (len(run) + 1)
    next_submit, next_end = submits[0], never
    while True:
        if next_end <= next_submit:
            at = next_end
            if at == never:
                break
            if head < arrived:
                waited[arrived - head] += at - now
                now = at
                start.append(at)
                heapreplace(ends, at + run[head])
                head += 1
                next_end = ends[0]
                continue
            if len(ends) == slots:
                full += at - full_since
            heappop(ends)
            last = at
            next_end = ends[0] if ends else never
        else:
            at = next_submit
            if len(ends) < slots:
                start.append(at)
                heappush(ends, at + run[head])
                head += 1
                next_end = ends[0]
                if len(ends) == slots:
                    full_since = at
            elif head < arrived:
                waited[arrived - head] += at - now
            arrived += 1
            now = at
            peak = max(peak, arrived - head + len(ends))
            next_submit = submits[arrived]
    demand = sum(start) + sum(run) - sum(submit)
    under_by = {slots + waiting: waiting * span for waiting, span in enumerate(waited) if span}
    queue = sum(under_by.values())
    over = queue + slots * last - demand
    totals = Integrals(
        queue=queue,
        ready=slots * last,
        under=queue,
        over=over,
        under_us=sum(waited),
        over_us=last - full,
        peak_demand=peak,
        under_by=under_by,
        over_by={slots: over},
    )
    return start, totals


def simulate(submit: list[int], run: list[int], wants: list[int], cores: int) -> tuple[list[int], Integrals]:
    """The event loop: when each job starts, and the integrals, all in units.

    `running` holds each running job's end and cores as one integer. Jobs start in their order, so that those from
    `head` (the first that has not started) to the last one submitted are the queue.
    """
    bits = cores.bit_length()
    mask = (1 << bits) - 1
    never = 1 << 60
    submits, wants = [*submit, never], [*wants, cores + 1]
    running: list[int] = []
    start: list[int] = []
    free, head, arrived, demand, now = cores, 0, 0, 0, 0
    queue = over = under_us = over_us = peak = 0
    under_by: dict[int, int] = defaultdict(int)
    next_submit, next_end = submits[0], never
    while (at := next_end if next_end < next_submit else next_submit) != never:  # noqa: FURB136 - no call here
        if span := at - now:
            queue += (arrived - head) * span
            if demand > cores:
                under_by[demand] += (demand - cores) * span
                under_us += span
            elif demand < cores:
                over += (cores - demand) * span
                over_us += span
            now = at
        while next_end == at:
            wanted = heappop(running) & mask
            free += wanted
            demand -= wanted
            next_end = running[0] >> bits if running else never
        while next_submit == at:
            demand += wants[arrived]
            arrived += 1
            next_submit = submits[arrived]
        if demand > peak:  # noqa: PLR1730 - no call here
            peak = demand
        while head < arrived and (wanted := wants[head]) <= free:
            free -= wanted
            start.append(at)
            heappush(running, at + run[head] << bits | wanted)
            head += 1
        if running:
            next_end = running[0] >> bits
    totals = Integrals(
        queue=queue,
        ready=cores * now,
        under=sum(under_by.values()),
        over=over,
        under_us=under_us,
        over_us=over_us,
        peak_demand=peak,
        under_by=under_by,
        over_by={cores: over},
    )
    return start, totals
