"""A fixed number of cores, always on: strict head-of-line FIFO in file order, no negotiation, nothing decided."""

from array import array
from heapq import heappop, heappush

from elastic_simulations.fast.outcome import Integrals, Outcome, WorkerTable
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.traces.errors import TraceError
from elastic_simulations.traces.trace import UNKNOWN, Trace


def run_static(trace: Trace, cores: int) -> Outcome:
    """All jobs of the trace on `cores` cores; TraceError names the line of a job that asks for more than there are."""
    _fits(trace, cores)
    unit = common_unit((trace.submit_us, trace.run_us))
    submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
    start, totals = _simulate(submit, run, trace.cores.tolist(), cores)
    end = list(map(int.__add__, start, run))
    last = max(end) * unit
    always = WorkerTable(cores=cores)
    for column, value in ((always.requested, 0), (always.ready, 0), (always.drained, UNKNOWN)):
        column.append(value)
    always.deleted.append(UNKNOWN)
    return Outcome(
        start_us=array("q", [at * unit for at in start]),
        end_us=array("q", [at * unit for at in end]),
        worker=array("q", bytes(8 * len(trace))),
        workers=always,
        integrals=totals.scaled(unit),
        ended_us=last,
        stopped_us=last,
        events=2 * len(trace),
    )


def _fits(trace: Trace, cores: int) -> None:
    if max(trace.cores) <= cores:
        return
    place = next(place for place, wanted in enumerate(trace.cores) if wanted > cores)
    problem = f"the job asks for {trace.cores[place]} cores, there are {cores}: it could never start"
    raise TraceError(trace.source, trace.line[place], problem)


def _simulate(submit: list[int], run: list[int], wants: list[int], cores: int) -> tuple[list[int], Integrals]:
    """The event loop: when each job starts, and the integrals, all in units.

    `running` holds each running job's end and cores as one integer. Jobs start in their order, so that those from
    `head` (the first that has not started) to the last one submitted are the queue.
    """
    bits = cores.bit_length()
    mask = (1 << bits) - 1
    submit.append(never := 1 << 60)
    wants.append(cores + 1)
    running: list[int] = []
    start: list[int] = []
    free, head, arrived, demand, now = cores, 0, 0, 0, 0
    queue = under = over = under_us = over_us = peak = 0
    next_submit, next_end = submit[0], never
    while (at := next_end if next_end < next_submit else next_submit) != never:  # noqa: FURB136 - no call here
        if span := at - now:
            queue += (arrived - head) * span
            if demand > cores:
                under += (demand - cores) * span
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
            next_submit = submit[arrived]
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
        under=under,
        over=over,
        under_us=under_us,
        over_us=over_us,
        peak_demand=peak,
    )
    return start, totals
